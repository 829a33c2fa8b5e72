// Every conformance file gives the recorded bits, with each way to multiply and add, on one thread and on several.
import assert from "node:assert/strict";
import { test } from "node:test";

import { FOLDER, THREADS, WAYS, hashOf, makeDecoder, read, recordOf } from "./files.js";

const folders = [FOLDER, ...(process.env.HPCM_WEB_VARIANTS ? [new URL("variants/", FOLDER)] : [])];

for (const fma of WAYS) {
  for (const threads of THREADS) {
    const decoder = makeDecoder({ fma, threads });
    for (const folder of folders) {
      for (const [name, expected] of recordOf(folder)) {
        test(`${name} with ${fma} multiply-add, threads: ${threads}`, async () => {
          assert.equal(await hashOf(decoder, read(name, folder)), expected);
        });
      }
    }
    test(`${fma} multiply-add, threads: ${threads}: so many there were`, async () => {
      assert.equal(await decoder.threads(), threads);
      decoder.close();
    });
  }
}
