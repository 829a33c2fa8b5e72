// One core with its models: the work behind a request, in a worker or where there is none.
import { Core, moduleName } from "./core.js";
import { LimitError, MissingModelError, UsageError } from "./errors.js";
import { bytesOf, request } from "./fetching.js";
import { dropModel, keepModel, modelBytes } from "./models.js";
import { threadsHere } from "./threads.js";

const LARGE = 512 * 2 ** 20;  // an instance that grew beyond is dropped: its memory never shrinks
const ANY = 2 ** 52;  // pixels: of a file that is only described
const SCALES = [1, 2, 4, 8];

/** settings: {wasm, models: addresses of folders that end in "/", fma: "auto", "relaxed" or "software", threads: how many at most}. */
export class Engine {
  #settings;
  #modules = new Map();  // by name
  #core = null;  // a promise of it
  #alone = false;  // threads were tried in vain

  constructor(settings) {
    this.#settings = settings;
  }

  async info(bytes) {
    const core = await this.#ready();
    core.setLimits(ANY, 0);
    return core.withPicture(bytes, true, picture => {
      const info = core.info(picture);
      for (const kind of ["icc", "exif", "xmp"]) {
        const data = info.truncated ? null : core.metadata(picture, kind);
        if (data !== null) info[kind] = data;
      }
      return info;
    });
  }

  /** {width, height, data: RGBA}. options: region, scale, maxMemory, maxPixels, truncated; progress(0..1). */
  async decode(bytes, options = {}, progress = null) {
    checkOptions(options);
    const core = await this.#ready();
    const run = () => {
      core.setLimits(options.maxPixels ?? 0, 0);
      return core.withPicture(bytes, options.truncated ?? false, picture => decodeOpened(core, picture, bytes, options, progress));
    };
    try {
      return await this.#withModels(core, run);
    } finally {
      if (core.memory > LARGE) this.close();
    }
  }

  /** How many threads decode. */
  async threads() {
    return (await this.#ready()).threads;
  }

  /** Frees all memory and ends the threads; the next call begins anew. */
  close() {
    this.#core?.then(core => core.close(), () => {});
    this.#core = null;
  }

  #ready() {
    return (this.#core ??= this.#open().catch(error => {
      this.#core = null;
      throw error;
    }));
  }

  async #open() {
    const threads = this.#alone ? 1 : threadsHere(this.#settings.threads);
    if (threads > 1) {
      try {
        return await Core.create(await this.#module(threads), threads);
      } catch {
        this.#alone = true;  // no room for shared memory, no worker: one thread gives the same pixels
      }
    }
    return Core.create(await this.#module(1));
  }

  async #module(threads) {
    const name = await moduleName(this.#settings.fma, threads);
    if (!this.#modules.has(name)) this.#modules.set(name, await compile(new URL(name, this.#settings.wasm)));
    return this.#modules.get(name);
  }

  /** What run gives, after fetching models that it lacks: the file's, and the one that this is made upon. Each is tried
   * once, also where what is served as a model names itself as its base. */
  async #withModels(core, run, tried = new Set()) {
    for (;;) {
      try {
        return run();
      } catch (error) {
        const missing = core.missing;
        if (!(error instanceof MissingModelError) || missing === null || tried.has(missing.id)) throw error;
        tried.add(missing.id);
        await this.#addModel(core, missing, tried);
      }
    }
  }

  async #addModel(core, missing, tried) {
    const bytes = await modelBytes(this.#settings.models, missing);
    try {
      await this.#withModels(core, () => core.addModel(bytes), tried);
      if (!core.hasModel(missing.id)) throw new MissingModelError(`what is served as model ${missing.id} is another one`);
    } catch (error) {
      if (!(error instanceof MissingModelError && core.missing)) await dropModel(missing.id);
      throw error;
    }
    await keepModel(missing.id, bytes);
  }
}

function decodeOpened(core, picture, bytes, { region, scale = 1, maxPixels, maxMemory, output }, progress) {
  const rectangle = region ? [region.x, region.y, region.width, region.height] : [0, 0, 0, 0];
  const [width, height] = core.size(picture, rectangle, scale);
  core.setLimits(maxPixels ?? 0, workingMemory(maxMemory, bytes.length + 2 * 4 * width * height));
  return core[output === "samples16" ? "decode16" : "decode"](picture, rectangle, scale, progress);
}

async function compile(url) {
  return WebAssembly.compile(await bytesOf(await request(url)));
}

/** What is left for decoding of maxMemory when the bytes that a request needs anyway are taken; 0: no limit. */
function workingMemory(maxMemory, taken) {
  if (maxMemory === undefined) return 0;
  if (maxMemory <= taken) throw new LimitError(`the picture alone takes ${taken} bytes, more than maxMemory`);
  return maxMemory - taken;
}

const isCount = value => Number.isInteger(value) && value >= 0 && value < 2 ** 32;

function checkOptions({ region, scale, maxMemory, maxPixels }) {
  if (scale !== undefined && !SCALES.includes(scale)) throw new UsageError("scale must be 1, 2, 4 or 8");
  if (region && ![region.x, region.y, region.width, region.height].every(isCount)) throw new UsageError("a region is {x, y, width, height}, whole numbers");
  if (region && (region.width === 0 || region.height === 0)) throw new UsageError("a region has at least one pixel");
  for (const limit of [maxMemory, maxPixels]) {
    if (limit !== undefined && !(limit > 0)) throw new UsageError("a limit must be a positive number");
  }
}
