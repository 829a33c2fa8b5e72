// Threads of a decoder: workers that each hold an instance of the module on the same memory (thread.js).

const STACK = 2 ** 20 - 64;  // bytes; with what the allocator adds a power of two
const PATIENCE = 15_000;     // milliseconds until a thread must have begun
const PAGES = { initial: 64, maximum: 65535, shared: true };  // of 64 KiB, as build.sh links

/** How many threads decode here: as many as are wanted on pages that may share memory. Elsewhere 1, in Node too: in Node 20 one of ten
 * programs failed by several. */
export function threadsHere(wanted = 1) {
  return typeof SharedArrayBuffer === "function" && globalThis.crossOriginIsolated ? wanted : 1;
}

/** Memory for instances of one module; RangeError where there is not enough room. */
export const sharedMemory = () => new WebAssembly.Memory(PAGES);

/** Starts so many threads beside the instance whose exports are given. Resolves when all are there, to a function that ends them. */
export async function startThreads(module, memory, exports, count) {
  const workers = [];
  const end = () => workers.forEach(worker => worker.terminate());
  const ready = Array.from({ length: count }, async () => {
    const worker = new Worker(new URL("./thread.js", import.meta.url), { type: "module" });
    workers.push(worker);
    await begun(worker, { module, memory, ...placesOf(exports) });
  });
  try {
    await Promise.all(ready);
  } catch (error) {
    await Promise.allSettled(ready);
    end();
    throw error;
  }
  return end;
}

async function begun(worker, message) {
  let timer;
  const answer = new Promise((resolve, reject) => {
    const failed = event => {
      event.preventDefault();
      reject(new Error(event.message ?? "a thread cannot be started"));
    };
    timer = setTimeout(() => reject(new Error("a thread does not begin")), PATIENCE);
    worker.addEventListener("message", resolve);
    worker.addEventListener("error", failed);
  });
  worker.postMessage(message);
  await answer.finally(() => clearTimeout(timer));
}

// Where a thread's stack begins, which grows downwards, and where its variables are.
function placesOf(exports) {
  const align = exports.__tls_align.value, size = exports.__tls_size.value;
  const stack = exports.allocate(STACK), variables = exports.allocate(size + align);
  if (stack === 0 || variables === 0) throw new RangeError("there is not enough memory for a thread");
  return { stack: (stack + STACK) & -16, variables: (variables + align - 1) & -align };
}
