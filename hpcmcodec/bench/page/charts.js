// Charts in SVG that follow the page's colours.
const WIDE = 560, HIGH = 380, EDGE = {left: 46, right: 12, top: 10, bottom: 40};
const hidden = new Set();

function svg(name, attributes, text) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  if (text != null) made.textContent = text;
  return made;
}

// Maps values of low..high to first..last, by logarithm or not, and proposes ticks.
function axis(low, high, first, last, logarithmic) {
  const f = logarithmic ? Math.log : x => x;
  const at = value => first + (f(value) - f(low)) / (f(high) - f(low)) * (last - first);
  const ticks = [];
  if (logarithmic) {
    const marks = Math.log10(high / low) > 2.2 ? [1] : [1, 2, 5];
    for (let power = -6; power < 7; power++) for (const m of marks) ticks.push(m * 10 ** power);
  } else {
    const rough = (high - low) / 6, unit = 10 ** Math.floor(Math.log10(rough));
    const step = unit * [1, 2, 5, 10].find(m => m * unit >= rough);
    for (let k = Math.ceil(low / step); k * step <= high; k++) ticks.push(k * step);
  }
  return {at, ticks: ticks.filter(t => t >= low * (1 - 1e-9) && t <= high * (1 + 1e-9) || (!logarithmic && t >= low && t <= high))};
}

function frame(x, y, xTitle, yTitle) {
  const root = svg("svg", {viewBox: `0 0 ${WIDE} ${HIGH}`, role: "img", "aria-label": `${yTitle} against ${xTitle}`});
  const number = value => String(Number(value.toPrecision(4))).replace("-", "−");
  for (const t of x.ticks) {
    root.append(svg("line", {class: "grid", x1: x.at(t), x2: x.at(t), y1: EDGE.top, y2: HIGH - EDGE.bottom}));
    root.append(svg("text", {x: x.at(t), y: HIGH - EDGE.bottom + 16, "text-anchor": "middle"}, number(t)));
  }
  for (const t of y.ticks) {
    root.append(svg("line", {class: "grid", x1: EDGE.left, x2: WIDE - EDGE.right, y1: y.at(t), y2: y.at(t)}));
    root.append(svg("text", {x: EDGE.left - 6, y: y.at(t) + 4, "text-anchor": "end"}, number(t)));
  }
  root.append(svg("text", {x: (WIDE + EDGE.left) / 2, y: HIGH - 6, "text-anchor": "middle"}, xTitle));
  return root;
}

function chart(title, root, marks) {
  const tip = element("div", {className: "tip"});
  const show = event => {
    const box = root.getBoundingClientRect(), scale = WIDE / box.width;
    const px = (event.clientX - box.left) * scale, py = (event.clientY - box.top) * scale;
    let best = null, least = 30 ** 2;
    for (const mark of marks) {
      const far = (mark.x - px) ** 2 + (mark.y - py) ** 2;
      if (far < least) [best, least] = [mark, far];
    }
    tip.textContent = best ? best.text : "";
  };
  root.addEventListener("pointermove", show);
  root.addEventListener("pointerdown", show);
  return element("figure", {}, element("figcaption", {}, title), root, tip);
}

function range(values, margin) {
  const low = Math.min(...values), high = Math.max(...values), spare = (high - low || 1) * margin;
  return [low - spare, high + spare];
}

function curveChart(key, title) {
  const shown = specs.filter(spec => !hidden.has(spec));
  const sets = shown.map(spec => ({spec, points: data.summary.codecs[spec].points.filter(p => p[key] != null)}));
  const published = data.published.filter(curve => (curve.metric === "psnr") === (key === "psnr"));
  const all = sets.flatMap(set => set.points);
  if (!all.length) return null;
  const lowest = Math.min(...all.map(p => p.bpp)), highest = Math.max(...all.map(p => p.bpp));
  const x = axis(lowest / 1.08, highest * 1.08, EDGE.left, WIDE - EDGE.right, true);
  const [low, high] = range(all.map(p => p[key]), 0.04);
  const y = axis(low, high, HIGH - EDGE.bottom, EDGE.top, false);
  const root = frame(x, y, "bits per pixel", title), marks = [];
  const path = points => points.map((p, i) => `${i ? "L" : "M"}${x.at(p[0]).toFixed(1)} ${y.at(p[1]).toFixed(1)}`).join("");
  const inside = p => p[0] >= lowest / 1.08 && p[0] <= highest * 1.08 && p[1] >= low && p[1] <= high;
  for (const curve of published) {
    const points = curve.points.filter(inside);
    root.append(svg("path", {class: "published", d: path(points)}));
    for (const p of points) marks.push({x: x.at(p[0]), y: y.at(p[1]), text: `${curve.name} (published): ${fixed(p[0], 3)} bpp, ${fixed(p[1], 2)} dB`});
  }
  for (const {spec, points} of sets) {
    root.append(svg("path", {class: "curve", stroke: colourOf(spec), d: path(points.map(p => [p.bpp, p[key]]))}));
    for (const p of points) {
      const mark = {x: x.at(p.bpp), y: y.at(p[key]), text: `${labelOf(spec)} at ${p.setting}: ${fixed(p.bpp, 3)} bpp, ${fixed(p[key], 2)} dB`};
      root.append(svg("circle", {cx: mark.x, cy: mark.y, r: 3.2, fill: colourOf(spec)}));
      marks.push(mark);
    }
  }
  return chart(title + ", dB", root, marks);
}

// Where a mark's label hides nothing: beside it if possible, else a little above or below. `boxes` are taken; it adds its own.
function labelPlace(mark, boxes) {
  const width = 7 * mark.label.length, height = 13;
  const places = [0, -14, 14, -28, 28, -42, 42].flatMap(dy => [9, -9].map(dx => ({dx, y: mark.y + dy})));
  const boxOf = ({dx, y}) => dx > 0 ? {left: mark.x + dx, right: mark.x + dx + width, y} : {left: mark.x + dx - width, right: mark.x + dx, y};
  const free = place => {
    const box = boxOf(place);
    return box.left > EDGE.left && box.right < WIDE &&
      boxes.every(other => box.right < other.left || box.left > other.right || Math.abs(box.y - other.y) >= height);
  };
  const place = places.find(free) || places[0];
  boxes.push(boxOf(place));
  return {x: mark.x + place.dx, y: place.y + 4, "text-anchor": place.dx > 0 ? "start" : "end"};
}

function speedChart(side, title) {
  const placed = specs.filter(spec => !hidden.has(spec)).map(spec => {
    const of = data.summary.codecs[spec], anchor = spec === data.summary.anchor;
    const distance = of.distances.psnr;
    return {spec, seconds: of[side].seconds, rate: anchor ? 0 : distance && distance.rate, interval: distance && distance.interval};
  }).filter(p => p.rate != null && p.seconds > 0);
  if (placed.length < 2) return null;
  const x = axis(Math.min(...placed.map(p => p.seconds)) / 2, Math.max(...placed.map(p => p.seconds)) * 3, EDGE.left, WIDE - EDGE.right, true);
  const y = axis(...range(placed.flatMap(p => [p.rate, ...(p.interval || [])]), 0.12), HIGH - EDGE.bottom, EDGE.top, false);
  const root = frame(x, y, "seconds per megapixel", "BD-rate"), marks = [];
  for (const {spec, seconds, rate, interval} of placed) {
    const mark = {x: x.at(seconds), y: y.at(rate), text: `${labelOf(spec)}: ${short(seconds)} s/MP, ${signed(rate, 1)} %`};
    if (interval) root.append(svg("line", {stroke: colourOf(spec), "stroke-width": 2, x1: mark.x, x2: mark.x, y1: y.at(interval[0]), y2: y.at(interval[1])}));
    root.append(svg("circle", {cx: mark.x, cy: mark.y, r: 5, fill: colourOf(spec)}));
    marks.push({...mark, label: labelOf(spec)});
  }
  const boxes = marks.map(mark => ({left: mark.x - 7, right: mark.x + 7, y: mark.y}));
  for (const mark of marks) root.append(svg("text", {class: "value", ...labelPlace(mark, boxes)}, mark.label));
  return chart(title, root, marks);
}

function showCharts() {
  if (!specs.length) return;
  const anchor = labelOf(data.summary.anchor);
  byId("curves").replaceChildren(...[curveChart("psnr", "RGB PSNR"), curveChart("ms_ssim_db", "MS-SSIM")].filter(Boolean));
  byId("speed").replaceChildren(...[
    speedChart("encode", `Encoding time and BD-rate against ${anchor}, percent`),
    speedChart("decode", `Decoding time and BD-rate against ${anchor}, percent`)].filter(Boolean));
}

function showLegend() {
  byId("legend").replaceChildren(...specs.map(spec => {
    const swatch = element("span", {className: "swatch"});
    swatch.style.background = colourOf(spec);
    const button = element("button", {type: "button"}, swatch, labelOf(spec));
    button.setAttribute("aria-pressed", "true");
    button.addEventListener("click", () => {
      if (!hidden.delete(spec)) hidden.add(spec);
      button.setAttribute("aria-pressed", String(!hidden.has(spec)));
      showCharts();
    });
    return button;
  }));
}
