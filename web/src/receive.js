// A file's bytes from whatever holds them, and what may be shown before all are there.
import { UsageError, aborted } from "./errors.js";

const FIRST = 0.2;   // share of a file that is worth a first preview
const STEP = 0.3;    // more of it that is worth another

/** Bytes of a Uint8Array, ArrayBuffer, Blob, Response or ReadableStream. preview(bytes so far): called while others come. */
export async function receive(source, preview, signal) {
  if (source instanceof Uint8Array) return source;
  if (source instanceof ArrayBuffer) return new Uint8Array(source);
  if (ArrayBuffer.isView(source)) return new Uint8Array(source.buffer, source.byteOffset, source.byteLength);
  if (typeof Blob !== "undefined" && source instanceof Blob) return new Uint8Array(await source.arrayBuffer());
  if (typeof Response !== "undefined" && source instanceof Response) {
    const length = Number(source.headers.get("content-length") ?? 0);
    return source.body ? readAll(source.body, length, preview, signal) : new Uint8Array(await source.arrayBuffer());
  }
  if (typeof ReadableStream !== "undefined" && source instanceof ReadableStream) return readAll(source, 0, preview, signal);
  throw new UsageError("a picture is a Uint8Array, ArrayBuffer, Blob, Response or ReadableStream");
}

async function readAll(stream, length, preview, signal) {
  const reader = stream.getReader();
  const parts = [];
  let size = 0, shown = 0, showing = null;
  for (;;) {
    if (signal?.aborted) {
      reader.cancel().catch(() => {});
      throw signal.reason ?? aborted();
    }
    const { done, value } = await reader.read();
    if (done) break;
    parts.push(value);
    size += value.length;
    const due = length > 0 && size < length && size >= length * (shown === 0 ? FIRST : shown + STEP);
    if (preview && due && showing === null) {
      shown = size / length;
      // A preview that fails is none: the whole file says what is wrong with it.
      showing = preview(join(parts, size)).catch(() => {}).finally(() => (showing = null));
    }
  }
  await showing;
  return join(parts, size);
}

function join(parts, size) {
  const all = new Uint8Array(size);
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}
