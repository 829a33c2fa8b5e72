/** Decoding of .hpc pictures: the same pixels as everywhere, bit for bit. */

export interface Settings {
  /** Folder of the package's four .wasm files; the package's own if not given. Ends in "/". */
  wasm?: string | URL;
  /** Folder of model files named `<id>.safetensors`, id of 16 hexadecimal digits; the package's own if not given. Ends in "/". */
  models?: string | URL;
  /** Which multiply-add: the fastest that is right here ("auto"), or one of both by force, for tests. */
  fma?: "auto" | "relaxed" | "software";
  /** How many threads decode, 1..256; 1 if not given, as several are experimental. Always one where memory cannot be shared: on pages
   * that are not cross-origin isolated, and in Node. */
  threads?: number;
}

/** In pixels of the picture. */
export interface Region {
  x: number;
  y: number;
  width: number;
  height: number;
}

export interface Samples {
  width: number;
  height: number;
  /** RGBA, rows from the top. */
  data: Uint8ClampedArray;
}

export interface DecodeOptions<Output extends "imageData" | "imageBitmap" | "samples" | "samples16" = "imageData"> {
  /** Only this rectangle. */
  region?: Region;
  /** So many times smaller on each side, rounded up, and faster. */
  scale?: 1 | 2 | 4 | 8;
  /** What the promise holds; "samples" where there is no ImageData (Node); "samples16" for files of more than 8 bits. */
  output?: Output;
  /** Aborting rejects with the signal's reason and ends the work. */
  signal?: AbortSignal;
  /** Told the share of decoding that is done, 0..1. */
  onProgress?: (done: number) => void;
  /** Given a picture of an eighth of the size while the rest of a Response is on its way; perhaps several times, perhaps never. */
  onPreview?: (preview: Decoded<Output>) => void;
  /** Bytes that decoding may take, the file and the result included, the model not; more throws LimitError. */
  maxMemory?: number;
  /** Pixels that a picture may have; 2^28 if not given. */
  maxPixels?: number;
  /** Decode what is there of a file that was cut off. */
  truncated?: boolean;
  /** Hand the bytes over to the worker: they cannot be used afterwards, and are not copied. */
  transfer?: boolean;
}

/** Of the file's own depth and channels. */
export interface Samples16 {
  width: number;
  height: number;
  channels: 1 | 2 | 3 | 4;
  bitDepth: number;
  /** Interleaved, 0..2^bitDepth - 1, rows from the top. */
  data: Uint16Array;
}

export type Decoded<Output> = Output extends "samples16" ? Samples16 : Output extends "imageBitmap" ? ImageBitmap : Output extends "samples" ? Samples : ImageData;

export interface Info {
  width: number;
  height: number;
  /** 1 grey, 2 grey and alpha, 3 RGB, 4 RGB and alpha. */
  channels: 1 | 2 | 3 | 4;
  /** Of the source, 8 to 16; decoded samples have 8. */
  bitDepth: number;
  /** 1..100; 0 for a model of one rate, or none. */
  quality: number;
  /** Side of the tiles that regions are made of; 0: one tile. */
  tileSize: number;
  /** Likewise of the tiles that are coded exactly. */
  exactTileSize: number;
  /** Of any sample, as the encoder says: 0 is lossless; null: it says nothing. */
  mostError: number | null;
  truncated: boolean;
  /** null: the file needs none. */
  model: { id: string; name: string } | null;
  icc?: Uint8Array;
  exif?: Uint8Array;
  xmp?: Uint8Array;
}

export type Source = Uint8Array | ArrayBuffer | ArrayBufferView | Blob | Response | ReadableStream<Uint8Array>;

export declare class HpcmDecoder {
  constructor(settings?: Settings);
  info(source: Source, options?: { signal?: AbortSignal }): Promise<Info>;
  decode<Output extends "imageData" | "imageBitmap" | "samples" | "samples16" = "imageData">(
    source: Source, options?: DecodeOptions<Output>): Promise<Decoded<Output>>;
  /** How many threads decode: what was asked for, or 1. */
  threads(): Promise<number>;
  /** Ends worker and threads and frees their memory; what is being decoded rejects with an AbortError. A later call starts them again. */
  close(): void;
}

/** Settings of `info` and `decode`; before their first call. */
export declare function configure(settings: Settings): void;
export declare function info(source: Source, options?: { signal?: AbortSignal }): Promise<Info>;
export declare function decode<Output extends "imageData" | "imageBitmap" | "samples" | "samples16" = "imageData">(
  source: Source, options?: DecodeOptions<Output>): Promise<Decoded<Output>>;

/** Base of all errors but AbortError. `code` is the exit code of the command `hpcm`. */
export declare class HpcmError extends Error {
  constructor(message: string, code?: number);
  readonly code: number;
}
/** 2: an argument that makes no sense. */
export declare class UsageError extends HpcmError { constructor(message: string); }
/** 3: an address that cannot be read. */
export declare class InputError extends HpcmError { constructor(message: string); }
/** 10: not an .hpc file. */
export declare class NotHpcError extends HpcmError { constructor(message: string); }
/** 11: the end is missing. */
export declare class TruncatedError extends HpcmError { constructor(message: string); }
/** 12: damaged. */
export declare class CorruptError extends HpcmError { constructor(message: string); }
/** 13: of a newer format. */
export declare class UnsupportedError extends HpcmError { constructor(message: string); }
/** 14: the model cannot be fetched. */
export declare class MissingModelError extends HpcmError { constructor(message: string); }
/** 15: a model file is damaged. */
export declare class ModelFileError extends HpcmError { constructor(message: string); }
/** 16: more pixels or memory than allowed. */
export declare class LimitError extends HpcmError { constructor(message: string); }
/** 17: this build computes other bits than the encoder's. */
export declare class ArithmeticError extends HpcmError { constructor(message: string); }
