"""Pictures in and out, through Pillow.

What comes in is one upright 8-bit picture in grey or RGB, with alpha and metadata apart; what had to be changed or left
out on the way is told in words, never silently.
"""

from hpcmcodec.formats.picture import Picture
from hpcmcodec.formats.picture_input import MAX_PIXELS, picture_from_image, read_picture
from hpcmcodec.formats.picture_output import FORMATS, encode_picture, format_of, picture_to_image, write_picture

__all__ = [
    "FORMATS",
    "MAX_PIXELS",
    "Picture",
    "encode_picture",
    "format_of",
    "picture_from_image",
    "picture_to_image",
    "read_picture",
    "write_picture",
]
