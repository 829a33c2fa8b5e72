// The compiled decoder: one instance of a WebAssembly module, called with numbers (native/exports.cpp).
import { ArithmeticError, LimitError, errorOf } from "./errors.js";
import { importsOf } from "./imports.js";
import { sharedMemory, startThreads } from "./threads.js";

// (f32 a, f32 c) -> lane 0 of relaxed_madd(a, a, c), for four equal lanes each.
const PROBE = Uint8Array.of(
  0, 97, 115, 109, 1, 0, 0, 0, 1, 7, 1, 96, 2, 125, 125, 1, 125, 3, 2, 1, 0, 7, 5, 1, 1, 112, 0, 0,
  10, 22, 1, 20, 0, 32, 0, 253, 19, 32, 0, 253, 19, 32, 1, 253, 19, 253, 133, 2, 253, 31, 0, 11);

/** Whether this engine has relaxed_madd and rounds it once: (1 + 2^-12)^2 - (1 + 2^-11) is 2^-24, which two roundings lose. */
export async function fusedHere() {
  if (!WebAssembly.validate(PROBE)) return false;
  const { instance } = await WebAssembly.instantiate(PROBE);
  return instance.exports.p(1 + 2 ** -12, -1 - 2 ** -11) === 2 ** -24;
}

/** The name of the module that is right here. fma: "auto", or one of the two by force; threads: how many it is to have. */
export async function moduleName(fma = "auto", threads = 1) {
  const relaxed = fma === "relaxed" || (fma === "auto" && await fusedHere());
  return `hpcm${relaxed ? "-fma" : ""}${threads > 1 ? "-threads" : ""}.wasm`;
}

const KINDS = { icc: 1, exif: 2, xmp: 3 };

const hex = bytes => Array.from(bytes, byte => byte.toString(16).padStart(2, "0")).join("");

export class Core {
  #wasm;
  #memory;
  #decoder;
  #endThreads = () => {};
  /** How many decode. */
  threads = 1;
  #progress = null;
  /** {id, name} of the model that the last call lacked, or null. */
  missing = null;

  /** module: a compiled WebAssembly.Module; one that is made for threads if there are to be several. */
  static async create(module, threads = 1) {
    const core = new Core();
    const memory = threads > 1 ? sharedMemory() : null;
    const answers = {
      progress: done => (core.#progress === null || core.#progress(done) !== false ? 1 : 0),
      missing: (id, name) => {
        core.missing = { id: hex(core.#bytes(id, 8)), name: core.#text(name) };
      },
    };
    const { exports } = await WebAssembly.instantiate(module, importsOf(answers, () => core.#memory.buffer, memory));
    core.#wasm = exports;
    core.#memory = memory ?? exports.memory;
    exports._initialize();
    if (!exports.fused()) throw new ArithmeticError("this browser's relaxed_madd rounds twice: use the other module");
    core.#decoder = exports.decoder(0, 0, 0);
    if (core.#decoder === 0) throw new LimitError("there is not enough memory");
    if (threads > 1) {
      core.#endThreads = await startThreads(module, memory, exports, threads - 1);
      exports.threads(threads);
      core.threads = threads;
    }
    return core;
  }

  /** Ends what runs beside this; no call may follow. */
  close() {
    this.#endThreads();
  }

  /** Bytes of the instance's memory, which never shrinks. */
  get memory() {
    return this.#memory.buffer.byteLength;
  }

  /** a * b + c of each three, as all kernels compute it: for tests. */
  fma(a, b, c) {
    const places = [a, b, c, c].map(values => this.#copyIn(new Uint8Array(values.buffer)));
    this.#wasm.fma(...places.slice(0, 3), a.length, places[3]);
    const out = new Float32Array(this.#memory.buffer, places[3], a.length).slice();
    places.forEach(place => this.#wasm.release(place));
    return out;
  }

  /** Chains of multiply-add as convolutions have them, for tests: weights (rows, depth) times input (depth, columns), from a
   * number of each row. columns: a multiple of 16. */
  product(weights, input, start) {
    const [rows, depth] = [start.length, weights.length / start.length], columns = input.length / depth;
    const places = [weights, input, start, input, new Float32Array(rows * columns)].map(values => this.#copyIn(new Uint8Array(values.buffer)));
    this.#wasm.product(...places.slice(0, 3), rows, depth, columns, ...places.slice(3));
    const out = new Float32Array(this.#memory.buffer, places[4], rows * columns).slice();
    places.forEach(place => this.#wasm.release(place));
    return out;
  }

  setLimits(pixels, memory) {
    this.#check(this.#wasm.limit(this.#decoder, pixels, 0, memory));
  }

  addModel(bytes) {
    const place = this.#copyIn(bytes);
    try {
      this.missing = null;
      this.#check(this.#wasm.add_model(this.#decoder, place, bytes.length));
    } finally {
      this.#wasm.release(place);
    }
  }

  /** id: 16 hexadecimal digits. */
  hasModel(id) {
    const place = this.#copyIn(Uint8Array.from(id.match(/../g), digits => parseInt(digits, 16)));
    const found = this.#wasm.has_model(this.#decoder, place) !== 0;
    this.#wasm.release(place);
    return found;
  }

  /** Calls use(picture) with a file that is open meanwhile. truncated: one whose end may be missing. */
  withPicture(bytes, truncated, use) {
    const place = this.#copyIn(bytes);
    let picture = 0;
    try {
      this.missing = null;
      picture = this.#wasm.open(this.#decoder, place, bytes.length, truncated ? 1 : 0);
      if (picture === 0) this.#fail();
      return use(picture);
    } finally {
      if (picture !== 0) this.#wasm.close(picture);
      this.#wasm.release(place);
    }
  }

  info(picture) {
    const at = this.#wasm.info(picture);
    this.#check(this.#wasm.status());
    const view = new DataView(this.#memory.buffer, at);
    const [width, height, channels, bitDepth] = [0, 4, 8, 12].map(offset => view.getUint32(offset, true));
    const name = this.#text(at + 36), mostError = view.getInt32(92, true);
    return {
      width, height, channels, bitDepth, exactTileSize: view.getUint32(88, true), mostError: mostError < 0 ? null : mostError,
      quality: view.getFloat32(16, true), tileSize: view.getUint32(20, true), truncated: view.getInt32(24, true) !== 0,
      model: name ? { id: hex(this.#bytes(at + 28, 8)), name } : null,
    };
  }

  /** kind: "icc", "exif" or "xmp"; null where there is none. */
  metadata(picture, kind) {
    const at = this.#wasm.metadata(picture, KINDS[kind]);
    this.#check(this.#wasm.status());
    const [data, size] = new Uint32Array(this.#memory.buffer, at, 2);
    return size === 0 ? null : this.#bytes(data, size).slice();
  }

  /** [width, height] of what a request gives; region: [x, y, width, height]. */
  size(picture, region, scale) {
    const at = this.#wasm.size(picture, ...region, scale);
    this.#check(this.#wasm.status());
    return [...new Uint32Array(this.#memory.buffer, at, 2)];
  }

  /** RGBA samples of a region. progress(0..1) may return false, which cancels. */
  decode(picture, region, scale, progress) {
    const [width, height] = this.size(picture, region, scale);
    const bytes = width * height * 4;
    const place = this.#allocate(bytes);
    this.#progress = progress ?? null;
    try {
      this.missing = null;
      this.#check(this.#wasm.decode(picture, ...region, scale, place));
      return { width, height, data: new Uint8ClampedArray(this.#memory.buffer, place, bytes).slice() };
    } finally {
      this.#progress = null;
      this.#wasm.release(place);
    }
  }

  /** Samples of the file's own depth and channels, as a Uint16Array, interleaved. */
  decode16(picture, region, scale, progress) {
    const [width, height] = this.size(picture, region, scale);
    const { channels, bitDepth } = this.info(picture);
    const count = width * height * channels;
    const place = this.#allocate(2 * count);
    this.#progress = progress ?? null;
    try {
      this.missing = null;
      this.#check(this.#wasm.decode16(picture, ...region, scale, place));
      return { width, height, channels, bitDepth, data: new Uint16Array(this.#memory.buffer, place, count).slice() };
    } finally {
      this.#progress = null;
      this.#wasm.release(place);
    }
  }

  #check(status) {
    if (status !== 0) this.#fail();
  }

  #fail() {
    throw errorOf(this.#wasm.status(), this.#text(this.#wasm.message()));
  }

  #allocate(bytes) {
    const place = this.#wasm.allocate(Math.max(bytes, 1));
    if (place === 0) throw new LimitError("there is not enough memory");
    return place;
  }

  #copyIn(bytes) {
    const place = this.#allocate(bytes.length);
    this.#bytes(place, bytes.length).set(bytes);
    return place;
  }

  #bytes(at, size) {
    return new Uint8Array(this.#memory.buffer, at >>> 0, size);
  }

  #text(at) {
    const from = new Uint8Array(this.#memory.buffer, at >>> 0);
    return new TextDecoder().decode(from.slice(0, from.indexOf(0)));
  }
}
