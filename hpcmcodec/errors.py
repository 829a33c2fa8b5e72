"""Every error a user can meet. One class per cause; each carries the exit code that the command line returns.

Messages are one line and say what to do next.
"""

from __future__ import annotations

INCOMPLETE = 19
"""Exit code of a run in which a picture was made of a file that was cut off, as --allow-truncated asks for."""

LEFT_OUT = 21
"""Exit code of a run that did all it could, but was given files of kinds that it does not read."""


class HpcmError(Exception):
    """Base of all errors raised on purpose by hpcmcodec."""

    exit_code = 1


class UsageError(HpcmError):
    """The call asks for something that cannot be done: a bad argument or a combination that makes no sense."""

    exit_code = 2


class InputError(HpcmError):
    """An input picture or checkpoint cannot be read."""

    exit_code = 3


class OutputError(HpcmError):
    """An output cannot be written, or exists already."""

    exit_code = 4


class NotHpcError(HpcmError):
    """The bytes are not an hpc file at all."""

    exit_code = 10


class TruncatedError(HpcmError):
    """The file ends before its content does."""

    exit_code = 11


class CorruptError(HpcmError):
    """A checksum or a rule of the format is violated."""

    exit_code = 12


class UnsupportedVersionError(HpcmError):
    """The file needs a newer hpcmcodec."""

    exit_code = 13


class MissingModelError(HpcmError):
    """The model that made the file, or that was asked for, is not installed."""

    exit_code = 14


class ModelFileError(HpcmError):
    """A model file is damaged, inconsistent or not what its name says."""

    exit_code = 15


class LimitExceededError(HpcmError):
    """The picture needs more pixels or memory than allowed."""

    exit_code = 16


class ArithmeticMismatchError(HpcmError):
    """The decoded latents differ from the encoder's: this build's arithmetic is not the normative one."""

    exit_code = 17


class NoKernelsError(HpcmError):
    """The compiled kernels are missing from this installation."""

    exit_code = 18


class StorageError(HpcmError):
    """A remote storage or the engine of a cluster failed; trying again may help."""

    exit_code = 20
