// Every conformance file gives the recorded bits, with each way to multiply and add.
import assert from "node:assert/strict";
import { test } from "node:test";

import { FOLDER, WAYS, hashOf, makeDecoder, read, recordOf } from "./files.js";

const folders = [FOLDER, ...["parts/", "deep/"].map(name => new URL(name, FOLDER)), ...(process.env.HPCM_WEB_VARIANTS ? [new URL("variants/", FOLDER)] : [])];

for (const fma of WAYS) {
  const decoder = makeDecoder({ fma });
  for (const folder of folders) {
    for (const [name, expected] of recordOf(folder)) {
      test(`${name} with ${fma} multiply-add`, async () => {
        assert.equal(await hashOf(decoder, read(name, folder)), expected);
      });
    }
  }
}
