// What can go wrong, by the exit codes of the command `hpcm`.

/** Base of all errors that this module throws, but for AbortError of a signal. `code`: an exit code of `hpcm`. */
export class HpcmError extends Error {
  constructor(message, code = 70) {
    super(message);
    this.name = new.target.name;
    this.code = code;
  }
}

const ofCode = code => class extends HpcmError {
  constructor(message) {
    super(message, code);
  }
};

export class UsageError extends ofCode(2) {}
export class InputError extends ofCode(3) {}
export class NotHpcError extends ofCode(10) {}
export class TruncatedError extends ofCode(11) {}
export class CorruptError extends ofCode(12) {}
export class UnsupportedError extends ofCode(13) {}
export class MissingModelError extends ofCode(14) {}
export class ModelFileError extends ofCode(15) {}
export class LimitError extends ofCode(16) {}
export class ArithmeticError extends ofCode(17) {}

const CLASSES = [UsageError, InputError, NotHpcError, TruncatedError, CorruptError, UnsupportedError, MissingModelError,
  ModelFileError, LimitError, ArithmeticError];
const BY_CODE = new Map(CLASSES.map(kind => [new kind("").code, kind]));

/** The error of a status of libhpcm (kernels/core/hpcm.h); 130 is a cancelled call. */
export function errorOf(code, message) {
  if (code === 130) return aborted();
  const kind = BY_CODE.get(code);
  return kind ? new kind(message) : new HpcmError(message, code);
}

export function aborted() {
  return new DOMException("decoding was cancelled", "AbortError");
}
