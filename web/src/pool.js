// The worker that decodes, and the requests that wait for it.
import { HpcmError, aborted, errorOf } from "./errors.js";

/** Whether there are workers of the web's kind; elsewhere (Node) an Engine runs in the caller's thread. */
export const hasWorkers = typeof Worker === "function";

export class WorkerClient {
  #settings;
  #worker = null;
  #waiting = new Map();  // id -> {message, resolve, reject, onProgress}, oldest first
  #next = 1;

  constructor(settings) {
    this.#settings = settings;
  }

  /** The result of an Engine's method. bytes are handed over: the caller's are detached if `transfer`. */
  call(method, bytes, options, { signal, onProgress, transfer }) {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason ?? aborted());
      const id = this.#next++;
      const stop = () => this.#cancel(id, signal.reason ?? aborted());
      signal?.addEventListener("abort", stop, { once: true });
      const leave = use => value => {
        signal?.removeEventListener("abort", stop);
        use(value);
      };
      const message = { id, method, bytes: transfer ? bytes : bytes.slice(), options: { ...options, reports: Boolean(onProgress) } };
      this.#waiting.set(id, { message, resolve: leave(resolve), reject: leave(reject), onProgress });
      this.#send(message);
    });
  }

  /** Ends the worker; what it was asked rejects as aborted. The next call starts another. */
  close() {
    this.#giveUp(aborted());
  }

  #send(message) {
    // Copied, not transferred, until it is answered: a worker that is ended takes its bytes along.
    this.#started().postMessage(message);
  }

  #started() {
    if (this.#worker === null) {
      this.#worker = new Worker(new URL("./worker.js", import.meta.url), { type: "module" });
      this.#worker.addEventListener("message", ({ data }) => this.#receive(data));
      this.#worker.addEventListener("error", event => this.#failed(event));
      this.#worker.postMessage({ settings: this.#settings });
    }
    return this.#worker;
  }

  #receive({ id, done, result, error }) {
    const request = this.#waiting.get(id);
    if (request === undefined) return;
    if (done !== undefined) return void request.onProgress?.(done);
    this.#waiting.delete(id);
    if (error) request.reject(error.name === "AbortError" ? aborted() : errorOf(error.code, error.message));
    else request.resolve(result);
  }

  #failed(event) {
    event.preventDefault?.();
    this.#giveUp(new HpcmError(`the worker failed: ${event.message ?? "it cannot be loaded"}`));
  }

  #giveUp(reason) {
    this.#end();
    for (const request of this.#waiting.values()) request.reject(reason);
    this.#waiting.clear();
  }

  // A worker that decodes hears nothing meanwhile: it is ended, and the others' requests go to a new one.
  #cancel(id, reason) {
    const request = this.#waiting.get(id);
    if (request === undefined) return;
    const running = this.#waiting.keys().next().value === id;
    this.#waiting.delete(id);
    request.reject(reason);
    if (!running) return;
    this.#end();
    for (const { message } of this.#waiting.values()) this.#send(message);
  }

  #end() {
    this.#worker?.terminate();
    this.#worker = null;
  }
}
