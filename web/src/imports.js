// What an instance of the module is given: answers to the core's questions, and of a system as good as nothing.
import { HpcmError } from "./errors.js";

/** answers: {progress(done) -> 0 cancels, missing(id, name)}, or none; buffer(): the instance's memory; memory: one to share. */
export function importsOf(answers, buffer, memory = null) {
  const system = {
    environ_get: () => 0,
    environ_sizes_get: (count, size) => {
      const view = new DataView(buffer());
      view.setUint32(count, 0, true);
      view.setUint32(size, 0, true);
      return 0;
    },
    proc_exit: code => {
      throw new HpcmError(`the decoder ended itself with code ${code}`);
    },
  };
  const unavailable = () => 52;  // ENOSYS: there are no files; error texts of the C++ library have nowhere to go
  return {
    hpcm: answers,
    env: { memory },
    wasi_snapshot_preview1: new Proxy(system, { get: (known, name) => known[name] ?? unavailable }),
  };
}
