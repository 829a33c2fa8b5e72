// The repository's conformance files and what they decode to.
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

import { fusedHere } from "../src/core.js";
import { HpcmDecoder } from "../src/index.js";

export const FOLDER = new URL("../../tests/conformance/", import.meta.url);
export const read = (name, folder = FOLDER) => new Uint8Array(readFileSync(new URL(name, folder)));
export const recordOf = folder => Object.entries(JSON.parse(readFileSync(new URL("pixels.json", folder))));

/** What a file decodes to, as pixels.json has it. */
export async function hashOf(decoder, file) {
  const { channels, bitDepth } = await decoder.info(file);
  if (bitDepth === 8) return pixelsHash(await decoder.decode(file), channels);
  const { width, height, data } = await decoder.decode(file, { output: "samples16" });
  const colours = channels < 3 ? 1 : 3, pixels = width * height;
  const samples = new Uint16Array(pixels * colours), alpha = new Uint16Array(pixels);
  for (let i = 0; i < pixels; i += 1) {
    for (let c = 0; c < colours; c += 1) samples[i * colours + c] = data[i * channels + c];
    alpha[i] = data[i * channels + channels - 1];
  }
  const hash = createHash("sha256").update(`${height} ${width} ${colours}\n`).update(new Uint8Array(samples.buffer));
  if (channels % 2 === 0) hash.update(new Uint8Array(alpha.buffer));
  return hash.digest("hex");
}

/** SHA-256 as pixels.json has it: size and samples without alpha, then alpha. */
export function pixelsHash({ width, height, data }, channels) {
  const colours = channels < 3 ? 1 : 3, pixels = width * height;
  const samples = new Uint8Array(pixels * colours), alpha = new Uint8Array(pixels);
  for (let i = 0; i < pixels; i += 1) {
    for (let c = 0; c < colours; c += 1) samples[i * colours + c] = data[4 * i + c];
    alpha[i] = data[4 * i + 3];
  }
  const hash = createHash("sha256").update(`${height} ${width} ${colours}\n`).update(samples);
  if (channels % 2 === 0) hash.update(alpha);
  return hash.digest("hex");
}

/** Ways to multiply and add that this engine has; Node needs --experimental-wasm-relaxed-simd for the second before version 22. */
export const WAYS = ["software", ...(await fusedHere() ? ["relaxed"] : [])];

/** A decoder with the build and models of the package, or those that the environment names. */
export function makeDecoder(settings = {}) {
  const given = {};
  for (const [name, variable] of [["wasm", "HPCM_WEB_DIST"], ["models", "HPCM_WEB_MODELS"]]) {
    if (process.env[variable]) given[name] = `file://${process.env[variable]}/`;
  }
  return new HpcmDecoder({ ...given, ...settings });
}

export const path = url => fileURLToPath(url);
