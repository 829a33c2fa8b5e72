// Bytes of addresses, in browsers and in Node.
import { InputError } from "./errors.js";

/** The response of an address; of a file in Node, which its fetch does not know. */
export async function request(address, signal) {
  const url = new URL(address, import.meta.url);
  if (url.protocol === "file:" && globalThis.process?.versions?.node) {
    const { readFile } = await import("node:fs/promises");
    try {
      return new Response(await readFile(url));
    } catch (error) {
      throw new InputError(`${url.href}: ${error.message}`);
    }
  }
  let response;
  try {
    response = await fetch(url, { signal });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new InputError(`${url.href}: it cannot be fetched`);
  }
  if (!response.ok) throw new InputError(`${url.href}: HTTP status ${response.status}`);
  return response;
}

export async function bytesOf(response) {
  return new Uint8Array(await response.arrayBuffer());
}
