"""Codecs side by side on a user's own pictures: measure (sweep), keep (results), compare (curves).

Optional: the comparison needs `pip install 'hpcmcodec[bench]'`.
"""
