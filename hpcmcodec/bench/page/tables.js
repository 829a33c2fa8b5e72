// What the tables show. `data` is what report.py put into the page.
const data = JSON.parse(document.getElementById("data").textContent);
const byId = id => document.getElementById(id);
const specs = Object.keys(data.summary.codecs);
const labelOf = spec => data.codecs[spec].label;
const colourOf = spec => `var(--c${specs.indexOf(spec) % 8})`;
const fixed = (value, digits) => value == null ? "–" : value.toFixed(digits).replace("-", "−");
const signed = (value, digits) => value == null ? "–" : (value > 0 ? "+" : "") + fixed(value, digits);
const short = value => value == null ? "–" : value >= 100 ? value.toFixed(0) : String(Number(value.toPrecision(2)));

function element(name, properties, ...children) {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children);
  return made;
}

function named(spec) {
  const swatch = element("span", {className: "swatch"});
  swatch.style.background = colourOf(spec);
  return element("td", {}, swatch, labelOf(spec));
}

function fill(table, head, rows) {
  const cell = content => content instanceof Node ? content : element("td", {}, content);
  const title = text => element("th", {scope: "col", className: text.endsWith(" ") ? "text" : ""}, text);
  table.replaceChildren(
    element("thead", {}, element("tr", {}, ...head.map(title))),
    element("tbody", {}, ...rows.map(row => element("tr", {}, ...row.map(cell)))));
}

function percent(value, more) {
  const kind = value == null ? "" : value < 0 ? "good" : value > 0 ? "bad" : "";
  const cell = element("td", {className: kind}, value == null ? "–" : signed(value, 1) + " %");
  if (more) cell.append(element("small", {}, ` [${signed(more[0], 1)}, ${signed(more[1], 1)}]`));
  return cell;
}

function distanceCells(spec, metric) {
  if (spec === data.summary.anchor) return ["0 (anchor)", "–"];
  const found = data.summary.codecs[spec].distances[metric];
  return found ? [percent(found.rate, found.interval), signed(found.quality, 2) + " dB"] : ["–", "–"];
}

function showTables() {
  const run = data.run, count = data.pictures.length, lossless = Object.keys(data.summary.lossless);
  byId("about").textContent = `${count} picture${count === 1 ? "" : "s"}, ${specs.length + lossless.length} codecs, ${run.date}. ` +
    `${run.processor}, ${run.processors} processors, ${run.threads} thread${run.threads === 1 ? "" : "s"} for each codec.`;
  showLossless(lossless);
  showPublished();
  showMethod();
  for (const section of document.querySelectorAll(".lossy")) section.hidden = !specs.length;
  if (specs.length) showLossy(run, count);
}

function showLossless(found) {
  byId("losslesssection").hidden = !found.length;
  const anchor = found.find(spec => data.summary.lossless[spec].more == null);
  byId("losslessnote").textContent = "Bytes of all pictures together, each decoded to the very samples; seconds per megapixel." +
    (found.length > 1 ? ` Percent of bytes more (less: green) than ${labelOf(anchor)}; in brackets 95 % confidence over the pictures.` : "");
  fill(byId("lossless"), ["codec", "bytes", "bits per pixel", "against it", "encode", "decode", "memory"], found.map(spec => {
    const of = data.summary.lossless[spec];
    return [element("td", {}, labelOf(spec)), of.bytes.toLocaleString("en"), fixed(of.bpp, 3),
      of.more == null ? "0 (anchor)" : percent(of.more, of.interval), short(of.encode.seconds), short(of.decode.seconds),
      memory(of)];
  }));
}

const memory = of => of.peak_bytes ? `${(of.peak_bytes / 1e6).toFixed(0)} MB` : "–";

function showLossy(run, count) {
  const anchor = labelOf(data.summary.anchor);
  byId("anchornote").textContent = `BD-rate: percent of rate that a codec needs more (less: green) than ${anchor} at equal ` +
    `quality, over the range that both reach; BD-PSNR: decibels that it is better at equal rate.` +
    (count > 1 ? " In brackets: 95 % confidence over the pictures (bootstrap)." : "");
  fill(byId("rates"), ["codec", "BD-rate, PSNR", "BD-PSNR", "BD-rate, MS-SSIM", "BD-MS-SSIM"],
    specs.map(spec => [named(spec), ...distanceCells(spec, "psnr"), ...distanceCells(spec, "ms_ssim")]));
  byId("timenote").textContent = "Seconds per megapixel, averages over all pictures and settings; memory is the highest peak of " +
    "the codec's process, with interpreter and libraries." +
    (run.busy ? ` The machine was busy with other work (load ${run.busy.toFixed(1)}): compare the processor's seconds.` : "");
  const times = side => spec => {
    const of = data.summary.codecs[spec][side];
    const parts = of.network_seconds == null ? "" : ` (${short(of.network_seconds)} + ${short(of.entropy_seconds)})`;
    return element("td", {}, short(of.seconds), element("small", {}, parts));
  };
  fill(byId("times"),
    ["codec", "encode (network + entropy)", "encode, processor", "decode (network + entropy)", "decode, processor", "memory"],
    specs.map(spec => {
      const of = data.summary.codecs[spec];
      return [named(spec), times("encode")(spec), short(of.encode.cpu_seconds), times("decode")(spec),
        short(of.decode.cpu_seconds), memory(of)];
    }));
  const matrix = data.summary.matrix.psnr;
  fill(byId("matrix"), ["codec", ...specs.map(labelOf)],
    specs.map(row => [named(row), ...specs.map(column => row === column ? "" : percent(matrix[row][column]))]));
  showPictures(anchor);
}

function showPictures(anchor) {
  const others = specs.filter(spec => spec !== data.summary.anchor);
  byId("persection").hidden = data.pictures.length < 2 || !others.length;
  byId("pernote").textContent = `BD-rate at equal RGB PSNR against ${anchor}, picture by picture.`;
  fill(byId("perpicture"), ["picture", "size", ...others.map(labelOf)], data.pictures.map(picture => [
    picture.name, `${picture.width}×${picture.height}`,
    ...others.map(spec => percent((data.summary.pictures[spec] || {})[picture.digest]))]));
}

function showPublished() {
  byId("publishedsection").hidden = !data.published.length;
  byId("publishednote").textContent = "Figures that others printed or stored, for the 24 Kodak pictures; not measured here. " +
    (data.kodak ? "" : "The pictures of this report are others, so that the curves are no comparison. ") +
    "Dashed in the charts.";
  fill(byId("published"), ["codec", "metric", "bits per pixel", "dB", "source "], data.published.map(curve => {
    const ends = at => `${fixed(curve.points[0][at], 2)} … ${fixed(curve.points[curve.points.length - 1][at], 2)}`;
    const source = element("td", {className: "text"}, curve.source);
    if (curve.notes) source.append(element("br", {}), element("small", {}, curve.notes));
    return [curve.name, curve.metric === "psnr" ? "PSNR" : "MS-SSIM", ends(0), ends(1), source];
  }));
}

function showMethod() {
  byId("method").replaceChildren(...data.method.map(text => element("p", {}, text)));
  const text = content => element("td", {className: "text"}, content);
  fill(byId("codecs"), ["codec", "settings ", "version "], Object.entries(data.codecs).map(([spec, of]) => of.unavailable
    ? [spec, text(`left out: ${of.unavailable}`), text("")]
    : [of.label, text(of.about), text(of.version)]));
}
