// Samples as a PNG that carries the picture's ICC profile, for the browser's own colour management and "save image as".
import { crc32 } from "./crc32.js";

const SIGNATURE = Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 13, 10, 26, 10);

async function deflate(bytes) {
  const stream = new Blob([bytes]).stream().pipeThrough(new CompressionStream("deflate"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

function chunk(type, data) {
  const out = new Uint8Array(12 + data.length);
  const view = new DataView(out.buffer);
  view.setUint32(0, data.length);
  out.set(Array.from(type, letter => letter.charCodeAt(0)), 4);
  out.set(data, 8);
  view.setUint32(8 + data.length, crc32(out.subarray(4, 8 + data.length)));
  return out;
}

function header(width, height) {
  const data = new Uint8Array(13);
  const view = new DataView(data.buffer);
  view.setUint32(0, width);
  view.setUint32(4, height);
  data.set([8, 6], 8);  // eight bits, RGBA
  return data;
}

// Every row but the first as differences to the row above, which deflate packs well in little time.
function rows({ width, height, data }) {
  const line = width * 4;
  const out = new Uint8Array((line + 1) * height);
  for (let y = 0; y < height; y += 1) {
    const to = y * (line + 1), from = y * line;
    if (y === 0) {
      out.set(data.subarray(0, line), 1);
      continue;
    }
    out[to] = 2;
    for (let i = 0; i < line; i += 1) out[to + 1 + i] = data[from + i] - data[from + i - line];
  }
  return out;
}

// A profile for grey or inks does not fit RGBA samples; such pictures are shown as sRGB.
const isRgb = icc => icc !== null && String.fromCharCode(...icc.subarray(16, 20)) === "RGB ";

/** A PNG of ImageData or {width, height, data: RGBA}. icc: a profile, or null for sRGB. */
export async function pngBlob(samples, icc) {
  const parts = [SIGNATURE, chunk("IHDR", header(samples.width, samples.height))];
  if (isRgb(icc)) parts.push(chunk("iCCP", new Uint8Array([105, 99, 99, 0, 0, ...await deflate(icc)])));
  else parts.push(chunk("sRGB", Uint8Array.of(0)));
  parts.push(chunk("IDAT", await deflate(rows(samples))), chunk("IEND", new Uint8Array(0)));
  return new Blob(parts, { type: "image/png" });
}
