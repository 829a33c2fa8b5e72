// hpcmcodec for the web: pictures of .hpc files, the same pixels as everywhere.
import { Engine } from "./engine.js";
import { UsageError, aborted } from "./errors.js";
import { WorkerClient, hasWorkers } from "./pool.js";
import { finish } from "./results.js";
import { receive } from "./receive.js";

export {
  ArithmeticError, CorruptError, HpcmError, InputError, LimitError, MissingModelError, ModelFileError, NotHpcError, TruncatedError,
  UnsupportedError, UsageError,
} from "./errors.js";

const DEFAULTS = {
  wasm: new URL("../dist/", import.meta.url).href,
  models: new URL("../models/", import.meta.url).href,
  fma: "auto",
};

/** Decodes with settings of its own; most programs use the functions below, which share one. */
export class HpcmDecoder {
  #client;
  #engine;

  constructor(settings = {}) {
    const all = { ...DEFAULTS, ...settings };
    for (const name of ["wasm", "models"]) all[name] = new URL(all[name], globalThis.document?.baseURI ?? import.meta.url).href;
    if (!["auto", "relaxed", "software"].includes(all.fma)) throw new UsageError("fma is auto, relaxed or software");
    const { threads } = all;
    if (threads !== undefined && !(Number.isInteger(threads) && threads >= 1 && threads <= 256)) throw new UsageError("threads is a number from 1 to 256");
    if (hasWorkers) this.#client = new WorkerClient(all);
    else this.#engine = new Engine(all);
  }

  async info(source, { signal } = {}) {
    const bytes = await asBytes(source, signal);
    return this.#client ? this.#client.call("info", bytes, {}, { signal }) : this.#engine.info(bytes);
  }

  async decode(source, options = {}) {
    const { signal, onProgress, onPreview, transfer = false, ...plain } = options;
    if (signal?.aborted) throw signal.reason ?? aborted();
    const preview = onPreview && (async bytes => {
      const small = { ...plain, region: undefined, scale: 8, truncated: true };
      onPreview(await this.#decode(bytes, small, { signal }));
    });
    const bytes = await receive(source, preview, signal);
    return this.#decode(bytes, plain, { signal, onProgress, transfer: transfer || bytes !== source });
  }

  async threads() {
    return this.#client ? this.#client.call("threads", new Uint8Array(0), {}, {}) : this.#engine.threads();
  }

  /** Ends worker and threads and frees their memory; what is being decoded rejects as aborted. A later call starts them again. */
  close() {
    (this.#client ?? this.#engine).close();
  }

  async #decode(bytes, options, { signal, onProgress, transfer }) {
    if (this.#client) return this.#client.call("decode", bytes, options, { signal, onProgress, transfer });
    const progress = done => {
      onProgress?.(done);
      return !signal?.aborted;
    };
    const [result] = await finish(await this.#engine.decode(bytes, options, progress), options.output);
    return result;
  }
}

async function asBytes(source, signal) {
  return receive(source, null, signal);
}

let shared = null;
let settings = {};

/** Settings of the functions below; before their first call. */
export function configure(wanted) {
  if (shared !== null) throw new UsageError("configure comes before the first picture");
  settings = { ...settings, ...wanted };
}

const decoder = () => (shared ??= new HpcmDecoder(settings));

export const info = (source, options) => decoder().info(source, options);
export const decode = (source, options) => decoder().decode(source, options);
