// The viewer's page: a gallery, and one picture made of tiles that the server decodes as they come into view.
const byId = id => document.getElementById(id);
const TILE = 512;  // pixels of the screen, about, of a tile's side
const stage = byId("stage");
const tileAddress = (id, region, scale) => `tile?${new URLSearchParams({ id, ...region, scale })}`;
const humanBytes = n => (n < 1e3 ? `${n} B` : n < 1e6 ? `${(n / 1e3).toFixed(1)} kB` : `${(n / 1e6).toFixed(2)} MB`);

let names = [];
const known = new Map();  // id -> promise of what is known of a picture
const state = { id: null, picture: null, other: null, zoom: 1, x: 0, y: 0, split: 0.5 };

async function about(id) {
  if (!known.has(id)) known.set(id, fetch(`about?id=${id}`).then(response => response.json()));
  return known.get(id);
}

// ------------------------------------------------------------------------------------------------ gallery

function element(name, properties = {}, ...inside) {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...inside);
  return made;
}

function card(id) {
  const picture = element("img", { loading: "lazy", alt: "", src: `thumbnail?id=${id}` });
  const line = element("small", { textContent: " " });
  const made = element("button", { className: "card" }, picture, element("span", { textContent: names[id], title: names[id] }), line);
  made.addEventListener("click", () => (location.hash = id));
  picture.addEventListener("load", async () => {
    const { width, height, size } = await about(id);
    line.textContent = `${width} × ${height}, ${humanBytes(size)}`;
  });
  picture.addEventListener("error", async () => {
    line.className = "bad";
    line.textContent = line.title = await (await fetch(picture.src)).text();  // the server says why
  });
  return made;
}

// ------------------------------------------------------------------------------------------------ one picture

const scaleOf = zoom => [8, 4, 2, 1].find(scale => zoom * scale <= 1) ?? 1;

// Tiles of a layer that are in view; those that are there already stay.
function drawLayer(layer, picture) {
  const scale = scaleOf(state.zoom * devicePixelRatio), side = TILE * scale, { zoom, x, y } = state;
  const wanted = new Set();
  layer.classList.toggle("sharp", zoom * devicePixelRatio >= 2);
  const from = at => Math.max(0, Math.floor(at / zoom / side)), to = (at, limit) => Math.min(Math.ceil(limit / side), Math.ceil(at / zoom / side));
  for (let row = from(-y); row < to(stage.clientHeight - y, picture.height); row += 1) {
    for (let column = from(-x); column < to(stage.clientWidth - x, picture.width); column += 1) {
      const left = column * side, top = row * side;
      const region = { x: left, y: top, width: Math.min(side, picture.width - left), height: Math.min(side, picture.height - top) };
      const address = tileAddress(picture.id, region, scale);
      wanted.add(address);
      let tile = [...layer.children].find(child => child.dataset.address === address);
      if (!tile) {
        tile = element("img", { src: address, alt: "", draggable: false });
        tile.dataset.address = address;
        tile.addEventListener("load", () => sweep(layer));
        tile.addEventListener("error", () => problem(picture));
        layer.append(tile);
      }
      tile.region = region;
    }
  }
  for (const tile of layer.children) {
    tile.wanted = wanted.has(tile.dataset.address);
    const { region } = tile;
    Object.assign(tile.style, {
      left: `${x + region.x * zoom}px`, top: `${y + region.y * zoom}px`, width: `${region.width * zoom}px`, height: `${region.height * zoom}px`,
    });
  }
  sweep(layer);
}

// Tiles of another scale stay below until those in view have come.
function sweep(layer) {
  const tiles = [...layer.children];
  if (tiles.every(tile => !tile.wanted || tile.complete)) tiles.filter(tile => !tile.wanted).forEach(tile => tile.remove());
}

async function problem(picture) {
  byId("problem").textContent = (await about(picture.id)).error ?? `${picture.name}: a part cannot be decoded`;
  byId("problem").hidden = false;
}

let asked = false;
function draw() {
  if (asked) return;
  asked = true;
  requestAnimationFrame(() => {
    asked = false;
    if (!state.picture?.width) return;
    drawLayer(byId("left"), state.picture);
    if (state.other?.width) drawLayer(byId("right"), state.other);
    const at = state.split * stage.clientWidth;
    byId("right").style.clipPath = `inset(0 0 0 ${at}px)`;
    byId("split").style.left = `${at}px`;
    byId("zoom").textContent = `${Math.round(state.zoom * 100)} %`;
  });
}

function zoomTo(zoom, centreX = stage.clientWidth / 2, centreY = stage.clientHeight / 2) {
  const next = Math.min(16, Math.max(1 / 64, zoom)), ratio = next / state.zoom;
  Object.assign(state, { zoom: next, x: centreX - (centreX - state.x) * ratio, y: centreY - (centreY - state.y) * ratio });
  draw();
}

function fit() {
  const { width, height } = state.picture;
  const zoom = Math.min(1, stage.clientWidth / width, stage.clientHeight / height);
  Object.assign(state, { zoom, x: (stage.clientWidth - width * zoom) / 2, y: (stage.clientHeight - height * zoom) / 2 });
  draw();
}

function showFacts(picture) {
  const rows = {
    name: picture.name, picture: picture.width && `${picture.width} × ${picture.height}, ${picture.channels ?? "?"} channels`,
    file: picture.size && humanBytes(picture.size), "bits per pixel": picture.bits_per_pixel?.toFixed(3), model: picture.model,
    quality: picture.quality, tiles: picture.tile_size ? `${picture.tiles} of ${picture.tile_size} × ${picture.tile_size}` : null,
    metadata: Object.keys(picture.metadata ?? {}).join(", "), warning: picture.truncated ? "the file is cut off" : null, error: picture.error,
  };
  const made = Object.entries(rows).filter(([, value]) => value).map(([name, value]) =>
    element("tr", {}, element("th", { textContent: name }), element("td", { textContent: value })));
  byId("about").replaceChildren(element("table", {}, ...made));
}

async function besides(picture) {
  const select = byId("beside");
  const options = [["", "nothing"]];
  if (picture.beside !== null) options.push([picture.beside, (await about(picture.beside)).name]);
  names.forEach((name, id) => id !== picture.id && options.push([id, name]));
  select.replaceChildren(...options.map(([value, textContent]) => element("option", { value, textContent })));
  select.value = picture.beside ?? "";
}

async function setBeside() {
  const { value } = byId("beside");
  state.other = value === "" ? null : await about(Number(value));
  byId("right").replaceChildren();
  byId("split").hidden = byId("right").hidden = state.other === null;
  if (state.other?.error) problem(state.other);
  draw();
}

async function open(id) {
  state.id = id;
  const picture = await about(id);
  if (state.id !== id) return;
  Object.assign(state, { picture, other: null });
  byId("gallery").hidden = true;
  byId("viewer").hidden = false;
  byId("left").replaceChildren();
  byId("name").textContent = document.title = picture.name;
  stage.setAttribute("aria-label", picture.name);
  byId("problem").hidden = true;
  showFacts(picture);
  if (picture.error) problem(picture);
  else fit();
  await besides(picture);
  await setBeside();
  stage.focus();
}

function close() {
  state.id = state.picture = null;
  byId("viewer").hidden = true;
  byId("gallery").hidden = false;
  document.title = "hpcm view";
}

const step = by => state.id !== null && (location.hash = (state.id + by + names.length) % names.length);

// ------------------------------------------------------------------------------------------------ pointers and keys

const pointers = new Map();  // id -> {x, y}
let dragging = null;         // "split" or "picture"

stage.addEventListener("pointerdown", event => {
  dragging = event.target === byId("split") ? "split" : "picture";
  stage.setPointerCapture(event.pointerId);
  pointers.set(event.pointerId, { x: event.offsetX, y: event.offsetY });
});
stage.addEventListener("pointermove", event => {
  const before = pointers.get(event.pointerId);
  if (!before) return;
  const box = stage.getBoundingClientRect(), now = { x: event.clientX - box.left, y: event.clientY - box.top };
  if (dragging === "split") state.split = Math.min(1, Math.max(0, now.x / box.width));
  else if (pointers.size === 1) {
    if (event.movementX || event.movementY) Object.assign(state, { x: state.x + event.movementX, y: state.y + event.movementY });
  } else {
    const other = [...pointers].find(([id]) => id !== event.pointerId)[1], length = p => Math.hypot(p.x - other.x, p.y - other.y);
    zoomTo(state.zoom * length(now) / Math.max(1, length(before)), (now.x + other.x) / 2, (now.y + other.y) / 2);
  }
  pointers.set(event.pointerId, now);
  draw();
});
for (const type of ["pointerup", "pointercancel"]) stage.addEventListener(type, event => pointers.delete(event.pointerId));
stage.addEventListener("wheel", event => {
  event.preventDefault();
  const box = stage.getBoundingClientRect();
  zoomTo(state.zoom * 2 ** (-event.deltaY / 300), event.clientX - box.left, event.clientY - box.top);
}, { passive: false });

const KEYS = {
  Escape: () => (location.hash = ""), PageDown: () => step(1), PageUp: () => step(-1), "+": () => zoomTo(state.zoom * 1.5),
  "-": () => zoomTo(state.zoom / 1.5), 0: fit, 1: () => zoomTo(1 / devicePixelRatio), i: () => byId("facts").click(),
  ArrowLeft: () => (state.x += 60), ArrowRight: () => (state.x -= 60), ArrowUp: () => (state.y += 60), ArrowDown: () => (state.y -= 60),
};
document.addEventListener("keydown", event => {
  if (state.picture === null || event.ctrlKey || event.metaKey || event.target.localName === "select" || !KEYS[event.key]) return;
  event.preventDefault();
  KEYS[event.key]();
  draw();
});

byId("back").addEventListener("click", KEYS.Escape);
byId("previous").addEventListener("click", KEYS.PageUp);
byId("next").addEventListener("click", KEYS.PageDown);
byId("fit").addEventListener("click", () => state.picture.width && fit());
byId("full").addEventListener("click", KEYS[1]);
byId("beside").addEventListener("change", setBeside);
byId("facts").addEventListener("click", () => {
  byId("about").hidden = !byId("about").hidden;
  byId("facts").setAttribute("aria-expanded", String(!byId("about").hidden));
});
window.addEventListener("resize", draw);

const route = () => (/^#\d+$/.test(location.hash) && Number(location.hash.slice(1)) < names.length ? open(Number(location.hash.slice(1))) : close());
window.addEventListener("hashchange", route);

({ names } = await (await fetch("pictures")).json());
byId("gallery").append(...names.map((_, id) => card(id)));
if (names.length === 1 && location.hash === "") location.hash = "0";
route();
