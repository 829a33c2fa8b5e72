// The module as programs use it: regions, scales, information, progress, errors.
import assert from "node:assert/strict";
import { test } from "node:test";

import * as hpcm from "../src/index.js";
import { makeDecoder, read } from "./files.js";

const decoder = makeDecoder();
const photo = read("lite-8-q50.hpc");
const whole = await decoder.decode(photo);

test("information needs no model", async () => {
  const nowhere = makeDecoder({ models: "file:///nonexistent/" });
  const { width, height, channels, model, truncated } = await nowhere.info(photo);
  assert.deepEqual([width, height, channels, truncated], [whole.width, whole.height, 3, false]);
  assert.equal(model.name, "lite-8");
  assert.match(model.id, /^[0-9a-f]{16}$/);
});

test("a region is a part of the whole", async () => {
  const region = { x: 5, y: 3, width: 17, height: 9 };
  const part = await decoder.decode(photo, { region });
  assert.deepEqual([part.width, part.height], [17, 9]);
  for (let y = 0; y < 9; y += 1) {
    const from = 4 * ((y + 3) * whole.width + 5);
    assert.deepEqual(part.data.subarray(y * 68, (y + 1) * 68), whole.data.subarray(from, from + 68));
  }
});

test("a scale makes both sides smaller, rounded up", async () => {
  const odd = read("lite-8-odd.hpc");
  const { width, height } = await decoder.info(odd);
  const small = await decoder.decode(odd, { scale: 8 });
  assert.deepEqual([small.width, small.height], [Math.ceil(width / 8), Math.ceil(height / 8)]);
});

test("progress rises to the end and an abort ends decoding", async () => {
  const told = [];
  await decoder.decode(photo, { onProgress: done => told.push(done) });
  assert.ok(told.length > 0 && told.every((done, i) => done >= 0 && done <= 1 && (i === 0 || done >= told[i - 1])));
  const controller = new AbortController();
  const stopped = decoder.decode(photo, { signal: controller.signal, onProgress: () => controller.abort() });
  await assert.rejects(stopped, { name: "AbortError" });
  await assert.rejects(decoder.decode(photo, { signal: AbortSignal.abort() }), { name: "AbortError" });
});

const damaged = photo.slice();
damaged[damaged.length >> 1] ^= 1;

for (const [what, kind, code, act] of [
  ["no picture", hpcm.NotHpcError, 10, () => decoder.decode(new TextEncoder().encode("no picture"))],
  ["an empty file", hpcm.NotHpcError, 10, () => decoder.decode(new Uint8Array(0))],
  ["a file without its end", hpcm.TruncatedError, 11, () => decoder.decode(photo.slice(0, -3))],
  ["a damaged file", hpcm.CorruptError, 12, () => decoder.decode(damaged)],
  ["a model that is not there", hpcm.MissingModelError, 14, () => makeDecoder({ models: "file:///nonexistent/" }).decode(photo)],
  ["a picture that is too large", hpcm.LimitError, 16, () => decoder.decode(photo, { maxPixels: 10 })],
  ["too little memory", hpcm.LimitError, 16, () => decoder.decode(photo, { maxMemory: 2 ** 20 })],
  ["memory that does not hold the result", hpcm.LimitError, 16, () => decoder.decode(photo, { maxMemory: 10 })],
  ["a scale that there is none of", hpcm.UsageError, 2, () => decoder.decode(photo, { scale: 3 })],
  ["a region outside", hpcm.UsageError, 2, () => decoder.decode(photo, { region: { x: 10 ** 6, y: 0, width: 1, height: 1 } })],
  ["a region of nothing", hpcm.UsageError, 2, () => decoder.decode(photo, { region: { x: 0, y: 0, width: 0, height: 1 } })],
  ["a source that is none", hpcm.UsageError, 2, () => decoder.decode("photo.hpc")],
]) {
  test(`${what}: ${kind.name}`, async () => {
    await assert.rejects(act(), error => error instanceof kind && error instanceof hpcm.HpcmError && error.code === code && error.message !== "");
  });
}

test("a decoder goes on after an error", async () => {
  await assert.rejects(decoder.decode(damaged));
  assert.deepEqual((await decoder.decode(photo)).data, whole.data);
});

test("what is there of a file is decoded on demand", async () => {
  const part = await decoder.decode(photo.slice(0, photo.length >> 1), { truncated: true });
  assert.deepEqual([part.width, part.height], [whole.width, whole.height]);
  assert.notDeepEqual(part.data, whole.data);
});

test("a response shows previews while it comes", async () => {
  const pieces = [0, 1, 2, 3].map(i => photo.slice(Math.ceil(photo.length * i / 4), Math.ceil(photo.length * (i + 1) / 4)));
  const body = new ReadableStream({
    async pull(controller) {
      await new Promise(resolve => setTimeout(resolve, 300));
      if (pieces.length) controller.enqueue(pieces.shift());
      else controller.close();
    },
  });
  const previews = [];
  const response = new Response(body, { headers: { "content-length": String(photo.length) } });
  const picture = await decoder.decode(response, { onPreview: preview => previews.push(preview) });
  assert.deepEqual(picture.data, whole.data);
  assert.ok(previews.length >= 1);
  assert.equal(previews[0].width, Math.ceil(whole.width / 8));
});

test("a model that is served under another's id is refused", async () => {
  const { mkdtempSync, copyFileSync, readdirSync } = await import("node:fs");
  const { tmpdir } = await import("node:os");
  const from = process.env.HPCM_WEB_MODELS ?? new URL("../models", import.meta.url).pathname;
  const { model } = await decoder.info(photo);
  const others = readdirSync(from).filter(name => !name.startsWith(model.id)); // of which some name it as their base
  for (const other of others) {
    const folder = mkdtempSync(`${tmpdir()}/models-`);
    copyFileSync(`${from}/${other}`, `${folder}/${model.id}.safetensors`);
    const cheated = makeDecoder({ models: `file://${folder}/` });
    await assert.rejects(cheated.decode(photo), { code: 14, message: /another one|is not there/ });
  }
});

test("threads are told by a number", () => {
  for (const threads of [0, 1.5, 257, "2"]) assert.throws(() => makeDecoder({ threads }), hpcm.UsageError);
});

test("in Node there is one thread", async () => {
  assert.equal(await makeDecoder({ threads: 4 }).threads(), 1);
});
