// A thread of a decoder: an instance of the module on the memory of others, with a stack and variables of its own. It works until it
// is ended; threads.js starts it.
import { importsOf } from "./imports.js";

async function begin({ module, memory, stack, variables }) {
  const unasked = () => 1;  // the thread that was called asks, no other
  const imports = importsOf({ progress: unasked, missing: unasked }, () => memory.buffer, memory);
  const { exports } = await WebAssembly.instantiate(module, imports);
  exports.__stack_pointer.value = stack;
  exports.__wasm_init_tls(variables);
  postMessage("ready");
  exports.serve();
}

addEventListener("message", ({ data }) => begin(data), { once: true });
