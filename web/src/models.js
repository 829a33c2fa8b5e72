// Model files by identity: fetched once, kept in the Cache API. The core checks them: a file under a wrong id is not used.
import { MissingModelError } from "./errors.js";
import { bytesOf, request } from "./fetching.js";

const CACHE = "hpcm-models";

// Addresses are by id and never change what they hold, so what is kept needs no asking back.
const keyOf = id => `https://models.hpcm.invalid/${id}`;

async function openCache() {
  try {
    return globalThis.caches ? await caches.open(CACHE) : null;
  } catch {
    return null;  // no storage here: private windows, sandboxed frames
  }
}

/** Bytes of the model with an id (16 hexadecimal digits): kept ones, else from `${base}${id}.safetensors`. */
export async function modelBytes(base, { id, name }) {
  const cache = await openCache();
  const kept = await cache?.match(keyOf(id));
  if (kept) return bytesOf(kept);
  const address = new URL(`${id}.safetensors`, base).href;
  let bytes;
  try {
    bytes = await bytesOf(await request(address));
  } catch (error) {
    throw new MissingModelError(`the file needs the model ${name} (${id}), which is not there: ${error.message}`);
  }
  return bytes;
}

/** Keeps a model that the core has found sound. Storage that is full or denied is no error: it is fetched again next time. */
export async function keepModel(id, bytes) {
  const cache = await openCache();
  const keep = cache?.put(keyOf(id), new Response(bytes));
  await keep?.catch(() => {});
}

/** Drops a kept model: damaged storage, or one that is not wanted any more. */
export async function dropModel(id) {
  await (await openCache())?.delete(keyOf(id));
}
