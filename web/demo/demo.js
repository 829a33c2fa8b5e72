// Files that are dropped or chosen are decoded here, in a worker, one after the other.
import { decode, info } from "../src/index.js";

const MEMORY = 2 ** 30;  // of one picture
const element = (name, properties = {}, ...inside) => {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...inside);
  return made;
};

function describe({ width, height, model, quality }, size, seconds) {
  const rate = `${(size * 8 / width / height).toFixed(3)} bits per pixel`;
  return `${width} × ${height}, ${size} bytes, ${rate}, ${model?.name ?? "exact"}${quality ? `, quality ${quality.toFixed(0)}` : ""}, ${seconds.toFixed(2)} s`;
}

function put(figure, picture) {
  const canvas = figure.querySelector("canvas") ?? element("canvas");
  Object.assign(canvas, { width: picture.width, height: picture.height });
  canvas.getContext("2d").putImageData(picture, 0, 0);
  figure.prepend(canvas);
}

async function show(file) {
  const caption = element("figcaption", { textContent: file.name }), bar = element("progress", { max: 1, value: 0 });
  const figure = element("figure", {}, bar, caption);
  document.getElementById("pictures").prepend(figure);
  try {
    const bytes = new Uint8Array(await file.arrayBuffer()), about = await info(bytes), begun = performance.now();
    put(figure, await decode(bytes, { maxMemory: MEMORY, onProgress: done => (bar.value = done), truncated: about.truncated }));
    caption.textContent = `${file.name}: ${describe(about, bytes.length, (performance.now() - begun) / 1000)}${about.truncated ? "; the file is cut off" : ""}`;
  } catch (error) {
    figure.classList.add("bad");
    caption.textContent = `${file.name}: ${error.message}`;
  } finally {
    bar.remove();
  }
}

const showAll = files => [...files].forEach(show);

document.getElementById("files").addEventListener("change", event => showAll(event.target.files));
document.addEventListener("dragover", event => {
  event.preventDefault();
  document.body.classList.add("over");
});
for (const type of ["dragleave", "drop"]) document.addEventListener(type, () => document.body.classList.remove("over"));
document.addEventListener("drop", event => {
  event.preventDefault();
  showAll(event.dataTransfer.files);
});
