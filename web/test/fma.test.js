// Multiply-add rounds once, against whole numbers of any length: random bits, middles between floats, subnormal results.
import assert from "node:assert/strict";
import { test } from "node:test";

import { Core, moduleName } from "../src/core.js";
import { bytesOf, request } from "../src/fetching.js";
import { WAYS } from "./files.js";

const view = new DataView(new ArrayBuffer(4));
const bitsOf = x => (view.setFloat32(0, x), view.getUint32(0));
const floatOf = bits => (view.setUint32(0, bits), view.getFloat32(0));

/** A finite float as [whole number, exponent of two]. */
function exact(x) {
  const bits = bitsOf(x), exponent = (bits >>> 23) & 255, fraction = bits & 0x7fffff;
  const whole = BigInt(exponent === 0 ? fraction : fraction | 0x800000);
  return [bits >>> 31 ? -whole : whole, (exponent === 0 ? 1 : exponent) - 150];
}

/** The float nearest to whole * 2^exponent, ties to even. */
function nearest(whole, exponent) {
  const sign = whole < 0n ? 0x80000000 : 0;
  let size = whole < 0n ? -whole : whole;
  const drop = Math.max(size.toString(2).length - 24, -149 - exponent);
  if (drop > 0) {
    const rest = size & ((1n << BigInt(drop)) - 1n), half = 1n << BigInt(drop - 1);
    size >>= BigInt(drop);
    if (rest > half || (rest === half && size & 1n)) size += 1n;
    exponent += drop;
  }
  const value = Number(size) * 2 ** Math.max(exponent, -1022);  // exact in double
  return floatOf((bitsOf(Math.fround(value)) | sign) >>> 0);
}

function reference(a, b, c) {
  const [x, i] = exact(a), [y, j] = exact(b), [z, k] = exact(c);
  const low = Math.min(i + j, k);
  const sum = ((x * y) << BigInt(i + j - low)) + (z << BigInt(k - low));
  return sum === 0n ? a * b + c : nearest(sum, low);
}

let seed = 12345;
const random = () => (seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0);
const within = (low, high) => low + (random() >>> 8) % (high - low + 1);
const float = (low, high) => floatOf(((random() & 0x80000000) | (within(low, high) << 23) | (random() & 0x7fffff)) >>> 0);
const short = (low, high) => floatOf(((random() & 0x80000000) | (within(low, high) << 23) | (random() & 0x7f0000)) >>> 0);

/** Triples of each kind that could be rounded twice. */
function cases() {
  const found = [];
  for (let n = 0; n < 4000; n += 1) {
    found.push([float(1, 250), float(1, 250), float(1, 250)].map(x => x));
    found.push([float(110, 140), float(110, 140), float(110, 140)]);
    found.push([float(0, 70), float(55, 75), float(0, 3)]);         // subnormal results
    found.push([short(0, 70), short(55, 75), short(0, 2)]);
    const c = float(120, 130), half = 2 ** (((bitsOf(c) >>> 23) & 255) - 127 - 24);
    found.push([half * (1 + 2 ** -within(1, 23)), 1 - 2 ** -within(1, 23), c]);  // beside a middle
    found.push([half, 1, c]);
    found.push([half * (1 + 2 ** -within(18, 23)), 1 - 2 ** -within(18, 23), -c]);
    found.push([floatOf(within(0, 40)), float(110, 127), floatOf(within(0, 40))]);
  }
  for (const zero of [0, -0]) found.push([zero, 3, -0], [zero, -3, 0], [1, -1, 1], [2 ** -100, 2 ** -100, zero], [-(2 ** -75), 2 ** -75, zero]);
  return found.filter(triple => triple.every(Number.isFinite) && Number.isFinite(Math.fround(triple[0] * triple[1] + triple[2])));
}

const DEPTH = 6, COLUMNS = 32, ROWS = 5;

/** Factors and starts of products whose chains meet middles, subnormals, overflow and zeros, or none of these. */
function products() {
  const kinds = [
    [() => float(110, 140), () => float(110, 140), () => float(110, 140)],
    [() => short(110, 130), () => short(110, 130), () => short(110, 130)],  // sums of few bits are often middles
    [() => float(64, 80), () => float(50, 70), () => float(0, 3)],         // subnormal sums, rounded
    [() => float(78, 80), () => float(78, 82), () => float(6, 10)],        // just as small as chains in double take
    [() => short(77, 78), () => short(77, 78), () => short(4, 6)],
    [() => float(180, 195), () => float(180, 195), () => float(240, 254)], // overflow
    [() => (within(0, 2) ? float(120, 130) : -0), () => (within(0, 1) ? float(120, 130) : 0), () => 0],
    [() => 2 ** -24 * (1 + 2 ** -within(1, 23)), () => 1 - 2 ** -within(1, 23), () => float(126, 127)],
  ];
  const many = (count, make) => Float32Array.from({ length: count }, make);
  return Array.from({ length: 160 }, (_, n) => {
    const [weight, input, start] = kinds[n % kinds.length];
    return [many(ROWS * DEPTH, weight), many(DEPTH * COLUMNS, input), many(ROWS, start)];
  });
}

/** The chain of one output, or NaN once a sum is not finite. */
function chain(weights, input, start, row, column) {
  let sum = start[row];
  for (let k = 0; k < DEPTH && Number.isFinite(sum); k += 1) sum = reference(weights[row * DEPTH + k], input[k * COLUMNS + column], sum);
  return Number.isFinite(sum) ? sum + 0 : NaN;
}

async function coreOf(fma) {
  const folder = process.env.HPCM_WEB_DIST ? `file://${process.env.HPCM_WEB_DIST}/` : new URL("../dist/", import.meta.url);
  return Core.create(await WebAssembly.compile(await bytesOf(await request(new URL(await moduleName(fma), folder)))));
}

for (const fma of WAYS) {
  test(`${fma} multiply-add rounds once`, async () => {
    const core = await coreOf(fma), triples = cases();
    const got = core.fma(...[0, 1, 2].map(i => Float32Array.from(triples, triple => triple[i])));
    triples.forEach(([a, b, c], i) => assert.ok(Object.is(got[i], reference(a, b, c)), `${a} * ${b} + ${c}: ${got[i]}, not ${reference(a, b, c)}`));
  });

  test(`${fma} chains of multiply-add round once a step`, async () => {
    const core = await coreOf(fma);
    products().forEach(([weights, input, start], n) => {
      const got = core.product(weights, input, start);
      for (let i = 0; i < ROWS * COLUMNS; i += 1) {
        const want = chain(weights, input, start, Math.floor(i / COLUMNS), i % COLUMNS);
        assert.ok(Object.is(got[i], want) || (Number.isNaN(want) && !Number.isFinite(got[i])), `product ${n}, output ${i}: ${got[i]}, not ${want}`);
      }
    });
  });
}
