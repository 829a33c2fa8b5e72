// Runs an Engine in a worker: one request at a time, in order. Messages are those of pool.js.
import { Engine } from "./engine.js";
import { HpcmError } from "./errors.js";
import { finish } from "./results.js";

let engine = null;
let last = Promise.resolve();

const plain = error => ({ name: error.name, message: error.message, code: error instanceof HpcmError ? error.code : 70 });

async function answer({ id, method, bytes, options }) {
  try {
    if (method === "threads") return postMessage({ id, result: await engine.threads() });
    if (method === "info") return postMessage({ id, result: await engine.info(bytes) });
    const progress = options.reports ? done => void postMessage({ id, done }) : null;
    const [result, transfer] = await finish(await engine.decode(bytes, options, progress), options.output);
    postMessage({ id, result }, { transfer });
  } catch (error) {
    postMessage({ id, error: plain(error) });
  }
}

addEventListener("message", ({ data }) => {
  if (data.settings) engine = new Engine(data.settings);
  else last = last.then(() => answer(data));
});
