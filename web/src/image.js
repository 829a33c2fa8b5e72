// <img src="photo.hpc"> on a page: one script tag, `<script type="module" src=".../image.js"></script>`.
//
// The browser itself picks an address (srcset, sizes, picture, loading="lazy") and fails to read what is there: that error is where
// this begins. It then fetches the address again, which the browser's own cache answers, and shows the picture.
// image.js?canvas puts a canvas in the image's place, for pages whose Content-Security-Policy has no `blob:`.
import { decode, info } from "./index.js";
import { request } from "./fetching.js";
import { pngBlob } from "./png.js";
import { receive } from "./receive.js";

const FORCE_CANVAS = new URL(import.meta.url).searchParams.has("canvas");
const TYPE = "image/x-hpc";
const state = new WeakMap();  // image -> {address, url} that it shows or is about to

const isHpc = (image, address) => {
  if (!address || /^(blob|data):/.test(address)) return false;
  return image.hasAttribute("data-hpc") || new URL(address, document.baseURI).pathname.toLowerCase().endsWith(".hpc");
};

/** Shows an image's picture if its address is one of an .hpc file. Resolves when it is shown, or has failed. */
export async function show(image) {
  const address = image.currentSrc || image.src;
  const before = state.get(image);
  if (before?.url && address === before.url) return useCanvas(image, before);  // the policy refuses blob:
  if (!isHpc(image, address) || before?.address === address) return;
  const shown = { address, url: null };
  state.set(image, shown);
  try {
    await load(image, shown);
  } catch (error) {
    if (state.get(image) === shown) console.error(`hpcm: ${address}: ${error.message}`);  // its alt text stays
  }
}

async function load(image, shown) {
  const current = () => state.get(image) === shown;
  const preview = async bytes => {
    const samples = await decode(bytes, { scale: 8, truncated: true });
    if (current() && sized(image)) await put(image, shown, samples, null);
  };
  const bytes = await receive(await request(shown.address), preview);
  const { icc } = await info(bytes);
  const samples = await decode(bytes);
  if (current()) await put(image, shown, samples, icc ?? null);
}

// A preview has an eighth of the size: it is shown where that does not move the page.
function sized(image) {
  return image.hasAttribute("width") && image.hasAttribute("height");
}

async function put(image, shown, samples, icc) {
  shown.samples = samples;
  shown.icc = icc;
  if (FORCE_CANVAS || shown.canvas) return useCanvas(image, shown);
  const blob = await pngBlob(samples, icc);
  if (state.get(image) !== shown) return;
  if (shown.url) URL.revokeObjectURL(shown.url);
  shown.url = URL.createObjectURL(blob);
  for (const source of image.parentElement?.localName === "picture" ? image.parentElement.querySelectorAll("source") : []) source.remove();
  image.removeAttribute("srcset");
  image.src = shown.url;
}

// The samples in a canvas that takes the image's place, its attributes and its alt text.
async function useCanvas(image, shown) {
  const { samples, icc } = shown;
  // A bitmap of a PNG with the profile has the canvas's colours; needs no address, so no policy minds.
  const managed = icc ? await createImageBitmap(await pngBlob(samples, icc)) : null;
  const canvas = shown.canvas ?? document.createElement("canvas");
  canvas.width = samples.width;
  canvas.height = samples.height;
  const pen = canvas.getContext("2d");
  if (managed) pen.drawImage(managed, 0, 0);
  else pen.putImageData(samples, 0, 0);
  if (shown.canvas) return;
  shown.canvas = canvas;
  for (const { name, value } of image.attributes) {
    if (!["src", "srcset", "sizes", "alt", "width", "height", "loading", "style"].includes(name)) canvas.setAttribute(name, value);
  }
  canvas.style.cssText = image.style.cssText;
  for (const side of ["width", "height"]) {
    const value = image.getAttribute(side);
    if (value && !canvas.style[side]) canvas.style[side] = /^\d+$/.test(value) ? `${value}px` : value;
  }
  if (image.alt) {
    canvas.setAttribute("role", "img");
    canvas.setAttribute("aria-label", image.alt);
  }
  const place = image.closest("picture") ?? image;
  place.replaceWith(canvas);
  canvas.dispatchEvent(new Event("load"));
}

// The browser passes over sources of a type that it does not know; without the type it takes them by its own rules.
function offer(node) {
  if (!(node instanceof Element)) return;
  const found = node.matches("source") ? [node] : [...node.querySelectorAll("source")];
  for (const source of found) {
    if (source.type === TYPE) source.removeAttribute("type");
  }
  for (const image of node.matches("img") ? [node] : node.querySelectorAll("img")) {
    if (image.complete && image.naturalWidth === 0 && image.currentSrc) show(image);
  }
}

document.addEventListener("error", event => {
  if (event.target instanceof HTMLImageElement) show(event.target);
}, true);
new MutationObserver(records => {
  for (const record of records) record.addedNodes.forEach(offer);
}).observe(document, { childList: true, subtree: true });
offer(document.documentElement);
