// CPU seconds of decoding a file in Node, one number a run, as JSON: node decode.js CODEC FILE RUNS [FOLDER with node_modules]
// CODEC: relaxed, software, jxl or avif (@jsquash/jxl and @jsquash/avif). Runs before warm the compiler up.
import { readFile } from "node:fs/promises";
import { pathToFileURL } from "node:url";

const [codec, file, runs, folder] = process.argv.slice(2);
const bytes = new Uint8Array(await readFile(file));
const WARM = 2;

globalThis.ImageData ??= class {  // which the other decoders make
  constructor(data, width, height) {
    Object.assign(this, { data, width, height });
  }
};

async function decoderOf(name) {
  if (name === "relaxed" || name === "software") {
    const { HpcmDecoder } = await import("../src/index.js");
    const decoder = new HpcmDecoder({ fma: name });
    return () => decoder.decode(bytes);
  }
  const base = new URL(`node_modules/@jsquash/${name}/`, pathToFileURL(`${folder}/`));
  const { default: decode, init } = await import(new URL("decode.js", base));
  await init(await WebAssembly.compile(await readFile(new URL(`codec/dec/${name}_dec.wasm`, base))));
  return () => decode(bytes.buffer);
}

const decode = await decoderOf(codec);
const seconds = [];
let picture;
for (let run = -WARM; run < Number(runs); run += 1) {
  const before = process.cpuUsage();
  picture = await decode();
  const { user, system } = process.cpuUsage(before);
  if (run >= 0) seconds.push((user + system) / 1e6);
}
console.log(JSON.stringify({ seconds, width: picture.width, height: picture.height }));
