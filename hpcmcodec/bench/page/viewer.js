// Two decoded pictures of the same size in bytes, divided by a line that moves.
const canvas = byId("stage"), pen = canvas.getContext("2d");
const state = {picture: 0, rate: 0, left: "original", right: specs[0], split: 0.5, zoom: 1, x: 0.5, y: 0.5, reveal: false};
const fingers = new Map();
const loaded = new Map();

const scene = () => data.viewer[state.picture];
const shots = () => scene().rates[state.rate].shots;
const sidesOf = () => ["original", ...specs.filter(spec => shots()[spec])];
const sideName = side => side === "original" ? "original" : labelOf(side);

function imageOf(side) {
  const source = side === "original" ? scene().original : shots()[side].source;
  if (!loaded.has(source)) {
    const image = new Image();
    image.onload = draw;
    image.src = source;
    loaded.set(source, image);
  }
  return loaded.get(source);
}

function caption(side) {
  if (side === "original") return "original";
  const shot = shots()[side];
  return `${labelOf(side)}: ${shot.bytes.toLocaleString("en")} bytes (${signed(shot.over, 1)} %), ${fixed(shot.psnr, 2)} dB`;
}

// The part of the crop that is seen: its left and top edges and its size, in pixels of the crop.
function part() {
  const [width, height] = scene().size, w = width / state.zoom, h = height / state.zoom;
  const keep = (value, size, whole) => Math.min(Math.max(value * whole - size / 2, 0), whole - size);
  return [keep(state.x, w, width), keep(state.y, h, height), w, h];
}

function draw() {
  const [width, height] = scene().size;
  const css = canvas.parentElement.clientWidth, scale = window.devicePixelRatio || 1;
  canvas.style.height = `${css * height / width}px`;
  canvas.width = Math.round(css * scale);
  canvas.height = Math.round(css * height / width * scale);
  const [x, y, w, h] = part(), middle = Math.round(canvas.width * state.split);
  const paint = (side, from, to) => {
    const image = imageOf(side);
    if (!image.complete || !image.naturalWidth || to <= from) return;
    pen.save();
    pen.beginPath();
    pen.rect(from, 0, to - from, canvas.height);
    pen.clip();
    pen.imageSmoothingEnabled = canvas.width / w < 2;
    pen.imageSmoothingQuality = "high";
    pen.drawImage(image, x, y, w, h, 0, 0, canvas.width, canvas.height);
    pen.restore();
  };
  if (state.reveal) {
    paint("original", 0, canvas.width);
    return;
  }
  paint(state.left, 0, middle);
  paint(state.right, middle, canvas.width);
  pen.fillStyle = "#fff";
  pen.fillRect(middle - scale, 0, 2 * scale, canvas.height);
  pen.strokeStyle = "rgba(0, 0, 0, 0.6)";
  pen.lineWidth = scale;
  pen.beginPath();
  pen.arc(middle, canvas.height / 2, 11 * scale, 0, 7);
  pen.fill();
  pen.stroke();
}

function options(select, entries, chosen) {
  select.replaceChildren(...entries.map(([value, text]) => element("option", {value, selected: String(value) === String(chosen)}, text)));
}

function refresh() {
  const sides = sidesOf();
  sides.forEach(imageOf); // so that a change shows at once
  for (const end of ["left", "right"]) {
    if (!sides.includes(state[end])) state[end] = sides[end === "left" ? 0 : sides.length - 1];
    options(byId(end), sides.map(side => [side, sideName(side)]), state[end]);
    byId(end + "caption").textContent = caption(state[end]);
  }
  options(byId("picture"), data.viewer.map((of, i) => [i, of.name]), state.picture);
  options(byId("rate"), scene().rates.map((of, i) => [i, `${of.target.toLocaleString("en")} bytes, ${fixed(of.bpp, 2)} bpp`]), state.rate);
  byId("zoom").value = String(Math.min(8, 2 ** Math.round(Math.log2(state.zoom))));
  canvas.setAttribute("aria-valuenow", Math.round(state.split * 100));
  canvas.setAttribute("aria-valuetext", `${sideName(state.left)} to ${Math.round(state.split * 100)} percent, then ${sideName(state.right)}`);
  draw();
}

function change(values) {
  Object.assign(state, values);
  state.zoom = Math.min(Math.max(state.zoom, 1), 8);
  for (const side of ["x", "y"]) state[side] = Math.min(Math.max(state[side], 0.5 / state.zoom), 1 - 0.5 / state.zoom);
  state.split = Math.min(Math.max(state.split, 0), 1);
  refresh();
}

function step(name, count, by) {
  change({[name]: (state[name] + by + count) % count});
}

function press(event) {
  const far = event.shiftKey ? 0.1 : 0.02;
  const actions = {
    ArrowLeft: () => change({split: state.split - far}), ArrowRight: () => change({split: state.split + far}),
    Home: () => change({split: 0}), End: () => change({split: 1}),
    ArrowUp: () => step("picture", data.viewer.length, -1), ArrowDown: () => step("picture", data.viewer.length, 1),
    "+": () => change({zoom: state.zoom * 2}), "=": () => change({zoom: state.zoom * 2}), "-": () => change({zoom: state.zoom / 2}),
    r: () => step("rate", scene().rates.length, 1), " ": () => change({reveal: true}),
  };
  const side = sidesOf()[Number(event.key)];
  const action = actions[event.key] || (event.key >= "1" && event.key <= "9" && side && (() => change({right: side})));
  if (!action || event.ctrlKey || event.metaKey || event.altKey) return;
  event.preventDefault();
  action();
}

function place(event) {
  const box = canvas.getBoundingClientRect();
  return [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height];
}

// One finger or the mouse moves the line, with the shift key the picture; two fingers zoom and move the picture under them.
function move(event) {
  const before = fingers.get(event.pointerId);
  if (!before) return;
  const now = place(event), others = [...fingers].filter(([id]) => id !== event.pointerId).map(([, at]) => at);
  fingers.set(event.pointerId, now);
  if (!others.length && !event.shiftKey) return change({split: now[0]});
  if (!others.length) return change({x: state.x - (now[0] - before[0]) / state.zoom, y: state.y - (now[1] - before[1]) / state.zoom});
  const far = at => Math.hypot(at[0] - others[0][0], at[1] - others[0][1]) || 1e-3;
  const [width, height] = scene().size, [x, y, w, h] = part();
  change({
    zoom: state.zoom * far(now) / far(before),
    x: (x + w / 2) / width - (now[0] - before[0]) / 2 / state.zoom,
    y: (y + h / 2) / height - (now[1] - before[1]) / 2 / state.zoom,
  });
}

function startViewer() {
  if (!data.viewer.length) return;
  byId("view").hidden = false;
  state.rate = Math.min(1, data.viewer[0].rates.length - 1);
  const ours = specs.find(spec => spec.startsWith("hpcm")) || specs[0];
  state.right = ours;
  state.left = data.summary.anchor !== ours ? data.summary.anchor : "original";
  for (const name of ["picture", "rate"]) byId(name).addEventListener("change", event => change({[name]: Number(event.target.value)}));
  for (const name of ["left", "right"]) byId(name).addEventListener("change", event => change({[name]: event.target.value}));
  byId("zoom").addEventListener("change", event => change({zoom: Number(event.target.value)}));
  canvas.addEventListener("keydown", press);
  canvas.addEventListener("keyup", event => { if (event.key === " ") change({reveal: false}); });
  canvas.addEventListener("blur", () => change({reveal: false}));
  canvas.addEventListener("pointerdown", event => {
    canvas.focus({preventScroll: true});
    canvas.setPointerCapture(event.pointerId);
    fingers.set(event.pointerId, place(event));
    if (fingers.size === 1) change({split: place(event)[0]});
  });
  canvas.addEventListener("pointermove", move);
  for (const name of ["pointerup", "pointercancel"]) canvas.addEventListener(name, event => fingers.delete(event.pointerId));
  window.addEventListener("resize", draw);
  refresh();
}

showTables();
showLegend();
showCharts();
startViewer();
