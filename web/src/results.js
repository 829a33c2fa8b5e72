// Decoded samples in the form that was asked for.

/** [result, what to transfer]. samples: {width, height, data}; output: "imageData", "imageBitmap", "samples" or "samples16". */
export async function finish(samples, output = "imageData") {
  if (output === "samples" || output === "samples16" || typeof ImageData === "undefined") return [samples, [samples.data.buffer]];
  const image = new ImageData(samples.data, samples.width, samples.height);
  if (output === "imageData") return [image, [image.data.buffer]];
  const bitmap = await createImageBitmap(image, { premultiplyAlpha: "none", colorSpaceConversion: "none" });
  return [bitmap, [bitmap]];
}
