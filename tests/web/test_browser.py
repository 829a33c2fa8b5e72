"""The module and <img src="photo.hpc"> in headless Chromium."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image, ImageCms

from hpcmcodec import encode

from .browser import Browser
from .conftest import ROOT, WEB, has_fma, recorded
from .profiles import DISPLAY_P3, matrix_profile
from .server import ISOLATED, Site, serve

CONFORMANCE = ROOT / "tests/conformance"
THREADS = (1, *filter(None, [int(os.environ.get("HPCM_WEB_THREADS", "0"))]))
"""Numbers of threads to try: several, which `make web THREADS=1` builds, where the environment says how many."""
SCRIPT = '<script type="module" src="/web/src/image.js{}"></script>'
STRICT = (
    "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'; connect-src 'self'; img-src 'self'"
)
WIDTH, HEIGHT = 128, 64
"""Of lite-8-q50.hpc."""

HASH = """
  const hpcm = await import("/web/src/index.js");
  const sha = async bytes => {
    const found = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
    return Array.from(found, byte => byte.toString(16).padStart(2, "0")).join("");
  };
  const hashOf = async (decoder, file) => {
    const {channels, bitDepth} = await decoder.info(file);
    if (bitDepth === 8) return digest(await decoder.decode(file), channels);
    const {width, height, data} = await decoder.decode(file, {output: "samples16"});
    if (channels % 2 === 0) throw new Error("no file has alpha of 16 bits yet");
    const head = new TextEncoder().encode(`${height} ${width} ${channels}\\n`);
    return sha(new Uint8Array([...head, ...new Uint8Array(data.buffer)]));
  };
  const digest = async ({width, height, data}, channels) => {
    const colours = channels < 3 ? 1 : 3, pixels = width * height;
    const head = new TextEncoder().encode(`${height} ${width} ${colours}\\n`);
    const all = new Uint8Array(head.length + pixels * (colours + 1 - channels % 2));
    all.set(head);
    for (let i = 0; i < pixels; i += 1) {
      for (let c = 0; c < colours; c += 1) all[head.length + i * colours + c] = data[4 * i + c];
      if (channels % 2 === 0) all[head.length + pixels * colours + i] = data[4 * i + 3];
    }
    return sha(all);
  };
"""


def page(body: str, script: str = SCRIPT.format("")) -> str:
    return f"<!doctype html><meta charset=utf-8><title>test</title>{script}<body>{body}"


@pytest.fixture
def site(built: Path) -> Iterator[Site]:
    folders = {"web": WEB, "files": CONFORMANCE, "variants": CONFORMANCE / "variants"}
    with serve(Site(folders, {"empty": page("", "")})) as found:
        yield found


def in_page(script: str) -> str:
    return f"(async () => {{ {script} }})()"


def mean_of(selector: str) -> str:
    """An expression: [width, height, mean red, of opaque pixels] of an image or canvas."""
    return in_page(f"""
      const shown = document.querySelector({json.dumps(selector)});
      const canvas = document.createElement("canvas");
      canvas.width = shown.naturalWidth ?? shown.width;
      canvas.height = shown.naturalHeight ?? shown.height;
      const pen = canvas.getContext("2d");
      pen.drawImage(shown, 0, 0);
      const {{data}} = pen.getImageData(0, 0, canvas.width, canvas.height);
      let red = 0;
      for (let i = 0; i < data.length; i += 4) red += data[i];
      return [canvas.width, canvas.height, 4 * red / data.length];
    """)


@pytest.mark.slow
@pytest.mark.parametrize("threads", THREADS)
@pytest.mark.parametrize("fma", ["auto", "software", "relaxed"])
def test_every_file_gives_the_recorded_pixels(
    chromium: Browser, site: Site, all_models: Path, fma: str, threads: int
) -> None:
    site.folders["models"] = all_models
    site.headers |= ISOLATED if threads > 1 else {}
    chromium.open(site.address + "empty")
    fused = chromium.run(in_page('return (await import("/web/src/core.js")).fusedHere()'))
    assert fused == has_fma()  # a broken probe is not to be taken for a lack
    if fma == "relaxed" and not fused:
        pytest.skip("relaxed_madd is not fused on this processor")
    for folder in ("files", "variants"):
        expected = recorded(site.folders[folder])
        found = chromium.run(
            in_page(f"""{HASH}
            const settings = {{fma: {json.dumps(fma)}, models: "/models/", threads: {threads}}}, found = {{}};
            const decoder = new hpcm.HpcmDecoder(settings);
            if (await decoder.threads() !== {threads}) throw new Error("there are not so many threads");
            for (const name of {json.dumps(sorted(expected))}) {{
              const file = new Uint8Array(await (await fetch(`/{folder}/${{name}}`)).arrayBuffer());
              found[name] = await hashOf(decoder, file);
            }}
            return found;""")
        )
        assert found == expected


def test_results_come_from_a_worker_and_models_are_fetched_once(chromium: Browser, site: Site) -> None:
    chromium.open(site.address + "empty")
    script = in_page("""
      const hpcm = await import("/web/src/index.js");
      const told = [];
      const options = {output: "imageBitmap", onProgress: done => told.push(done)};
      const bitmap = await hpcm.decode(await fetch("/files/lite-8-q50.hpc"), options);
      return [bitmap.constructor.name, bitmap.width, bitmap.height, told.length > 0];
    """)
    assert chromium.run(script) == ["ImageBitmap", WIDTH, HEIGHT, True]
    chromium.open(site.address + "empty?again")
    chromium.run(script)
    models = [path for path in site.asked if "safetensors" in path]
    assert len(models) == len(set(models)) == 1
    cache = in_page("return (await (await caches.open('hpcm-models')).keys()).length")
    assert chromium.run(cache) == 1


def test_a_damaged_kept_model_is_fetched_again(chromium: Browser, site: Site) -> None:
    chromium.open(site.address + "empty")
    decode = in_page("""
      const hpcm = await import("/web/src/index.js");
      const file = new Uint8Array(await (await fetch("/files/lite-8-q50.hpc")).arrayBuffer());
      const attempt = () => new hpcm.HpcmDecoder().decode(file).then(() => "decoded", error => error.name);
      await attempt();
      const cache = await caches.open("hpcm-models"), [key] = await cache.keys();
      const bytes = new Uint8Array(await (await cache.match(key)).arrayBuffer());
      bytes[bytes.length - 5] ^= 1;
      await cache.put(key, new Response(bytes));
      return [await attempt(), await attempt()];
    """)
    assert chromium.run(decode)[1] == "decoded"
    assert len([path for path in site.asked if "safetensors" in path]) == 2


def test_errors_and_aborts_cross_the_worker(chromium: Browser, site: Site) -> None:
    chromium.open(site.address + "empty")
    found = chromium.run(
        in_page("""
      const hpcm = await import("/web/src/index.js");
      const file = new Uint8Array(await (await fetch("/files/lite-8-q50.hpc")).arrayBuffer());
      const failed = error => [error.name, error.code, error instanceof hpcm.HpcmError];
      const outcome = promise => promise.then(() => "decoded", failed);
      const decoder = new hpcm.HpcmDecoder();
      const broken = file.slice();
      broken[60] ^= 1;
      await decoder.decode(file);
      const controller = new AbortController();
      const stopped = outcome(decoder.decode(file, {signal: controller.signal}));
      const next = outcome(decoder.decode(file));
      controller.abort();
      const small = outcome(decoder.decode(file, {maxMemory: 5e5}));
      return [await outcome(decoder.decode(broken)), (await stopped)[0], await next, await small];
    """)
    )
    assert found == [["CorruptError", 12, True], "AbortError", "decoded", ["LimitError", 16, True]]


@pytest.mark.parametrize("isolated", [True, False] if len(THREADS) > 1 else [False])
def test_threads_are_for_isolated_pages(chromium: Browser, site: Site, isolated: bool) -> None:
    """Where they are asked for, and there the pixels, errors, limits and aborts are those of one thread."""
    site.headers |= ISOLATED if isolated else {}
    chromium.open(site.address + "empty")
    found = chromium.run(
        in_page("""
      const hpcm = await import("/web/src/index.js");
      const file = new Uint8Array(await (await fetch("/files/lite-8-q50.hpc")).arrayBuffer());
      const one = await new hpcm.HpcmDecoder({threads: 1}).decode(file);
      const decoder = new hpcm.HpcmDecoder({threads: 4});
      const same = async () => (await decoder.decode(file)).data.every((value, i) => value === one.data[i]);
      const outcome = promise => promise.then(() => "decoded", error => error.name);
      const found = [await decoder.threads(), await same()];
      for (let n = 0; n < 5; n += 1) {
        const stopped = outcome(decoder.decode(file, {signal: AbortSignal.timeout(20 * n)}));
        found.push(["TimeoutError", "decoded"].includes(await stopped));
      }
      found.push(await same(), await outcome(decoder.decode(file, {maxMemory: 5e5})));
      decoder.close();
      found.push(await same(), await new hpcm.HpcmDecoder().threads());
      return found;
    """)
    )
    assert found == [4 if isolated else 1, *[True] * 7, "LimitError", True, 1]
    assert any("threads.wasm" in path for path in site.asked) == isolated


def test_a_thread_that_cannot_start_is_no_error(chromium: Browser, site: Site) -> None:
    site.headers |= ISOLATED
    site.pages["web/src/thread.js"] = "no script"
    chromium.open(site.address + "empty")
    found = chromium.run(
        in_page("""
      const hpcm = await import("/web/src/index.js");
      const decoder = new hpcm.HpcmDecoder({threads: 2});
      const {width} = await decoder.decode(await fetch("/files/lite-8-q50.hpc"));
      return [crossOriginIsolated, width, await decoder.threads()];
    """)
    )
    assert found == [True, WIDTH, 1]
    assert any("threads.wasm" in path for path in site.asked)


def test_images_of_a_page(chromium: Browser, site: Site) -> None:
    """One page: plain, srcset, picture, CSS size, lazy, added later, broken; a PNG is left alone."""
    site.pages["images"] = page("""
      <style>.wide { width: 300px; height: auto }</style>
      <img id=plain src=/files/lite-8-q50.hpc alt=photo>
      <img id=dense srcset="/files/lite-8-q1.hpc 1x, /files/lite-8-q100.hpc 9x" src=/files/lite-8-grey.hpc alt=dense>
      <picture>
        <source type=image/x-hpc srcset=/files/lite-8-q100.hpc><img id=inside src=/nothing.png alt=inside>
      </picture>
      <img id=wide class=wide src=/files/lite-8-odd.hpc alt=wide>
      <img id=broken src=/web/src/index.js data-hpc alt="what it shows">
      <img id=missing src=/files/nowhere.hpc alt="what is missing">
      <div style="height: 30000px"></div>
      <img id=lazy loading=lazy src=/files/lite-8-alpha.hpc alt=lazy>
    """)
    chromium.open(site.address + "images")
    chromium.wait(
        "['plain', 'dense', 'inside', 'wide'].every(id => document.getElementById(id)?.naturalWidth > 0)", 120
    )
    assert chromium.run(mean_of("#plain"))[:2] == [WIDTH, HEIGHT]
    assert "/files/lite-8-q1.hpc" in site.asked and "/files/lite-8-grey.hpc" not in site.asked
    assert chromium.run("[wide.offsetWidth, inside.alt, inside.naturalWidth]")[:2] == [300, "inside"]
    assert "/files/lite-8-alpha.hpc" not in site.asked
    chromium.run("lazy.scrollIntoView()")
    chromium.wait("lazy.naturalWidth > 0", 120)
    chromium.run("document.body.append(Object.assign(new Image(), {id: 'later', src: '/files/lite-8-line.hpc'}))")
    chromium.wait("document.getElementById('later').naturalWidth > 0", 120)
    chromium.run("plain.src = '/files/lite-8-odd.hpc'")
    chromium.wait("plain.naturalWidth > 0 && plain.naturalHeight === wide.naturalHeight", 120)
    told = [line for line in chromium.messages() if line.startswith("hpcm: ")]
    assert any("index.js" in line and "not an hpc file" in line for line in told)
    assert any("nowhere.hpc" in line for line in told)
    assert chromium.run("[broken.alt, broken.naturalWidth]") == ["what it shows", 0]


def test_a_preview_is_shown_while_the_rest_loads(chromium: Browser, site: Site) -> None:
    site.pause = 0.5
    note = "event => (window.sizes ??= []).push(event.target.naturalWidth)"
    script = f"<script>document.addEventListener('load', {note}, true)"
    image = f"<img id=photo width={WIDTH} height={HEIGHT} src=/files/lite-8-q50.hpc>"
    site.pages["slow"] = page(image, f"{script}</script>{SCRIPT.format('')}")
    chromium.open(site.address + "slow")
    chromium.wait(f"photo.naturalWidth === {WIDTH} && window.sizes.includes({WIDTH})", 120)
    sizes = [size for size in chromium.run("window.sizes") if size]
    assert WIDTH // 8 in sizes and sizes[-1] == WIDTH


def test_a_strict_policy_gets_a_canvas(chromium: Browser, site: Site) -> None:
    site.headers["Content-Security-Policy"] = STRICT
    image = '<img id=photo class=round width=64 src=/files/lite-8-q50.hpc alt="a photo">'
    for query in ("", "?canvas"):
        site.pages["strict"] = page(image, SCRIPT.format(query))
        chromium.open(f"{site.address}strict{query}")
        chromium.wait("document.querySelector('canvas#photo')", 120)
        facts = "[photo.width, photo.height, photo.getAttribute('aria-label'), photo.className, photo.offsetWidth]"
        assert chromium.run(facts) == [WIDTH, HEIGHT, "a photo", "round", 64]
        assert not [line for line in chromium.messages() if line.startswith("hpcm: ")]


def test_canvas_and_image_show_the_decoded_pixels(chromium: Browser, site: Site) -> None:
    """An opaque picture of sRGB samples reaches the screen as it was decoded."""
    site.pages["exact"] = page("<img id=photo src=/files/lite-8-q50.hpc>")
    chromium.open(site.address + "exact")
    chromium.wait("photo.naturalWidth > 0", 120)
    same = chromium.run(
        in_page("""
      const {decode} = await import("/web/src/index.js");
      const {data} = await decode(await fetch("/files/lite-8-q50.hpc"));
      const canvas = document.createElement("canvas");
      canvas.width = photo.naturalWidth; canvas.height = photo.naturalHeight;
      const pen = canvas.getContext("2d");
      pen.drawImage(photo, 0, 0);
      return pen.getImageData(0, 0, canvas.width, canvas.height).data.every((value, i) => value === data[i]);
    """)
    )
    assert same


PATCHES = ((200, 100, 50), (120, 160, 110), (60, 70, 180), (255, 0, 0))
"""In Display P3; the last one lies outside sRGB."""


def test_colours_of_a_display_p3_picture(chromium: Browser, site: Site, tmp_path: Path) -> None:
    """An image keeps the file's samples under its profile; a canvas of sRGB has them converted, as Pillow does it."""
    profile = matrix_profile(DISPLAY_P3, 2.2)
    picture = Image.new("RGB", (len(PATCHES), 1))
    picture.putdata(PATCHES)
    picture = picture.resize((16 * len(PATCHES), 16), Image.Resampling.NEAREST)
    picture.info["icc_profile"] = profile
    (tmp_path / "p3.hpc").write_bytes(encode(picture, lossless=True))
    site.folders["own"] = tmp_path
    source = ImageCms.ImageCmsProfile(BytesIO(profile))
    converted = ImageCms.profileToProfile(picture, source, ImageCms.createProfile("sRGB"), renderingIntent=1)
    expected = [converted.getpixel((16 * i + 8, 8)) for i in range(len(PATCHES))]
    read = """
      const shown = document.querySelector("#photo"), found = {{}};
      for (const colorSpace of ["srgb", "display-p3"]) {{
        const canvas = document.createElement("canvas");
        [canvas.width, canvas.height] = [{width}, 16];
        const pen = canvas.getContext("2d", {{colorSpace}});
        pen.drawImage(shown, 0, 0);
        found[colorSpace] = Array.from({{length: {count}}}, (_, i) => [...pen.getImageData(16 * i + 8, 8, 1, 1).data]);
      }}
      return found;
    """
    for query, element in (("", "img"), ("?canvas", "canvas")):
        site.pages["colours"] = page("<img id=photo src=/own/p3.hpc>", SCRIPT.format(query))
        chromium.open(site.address + "colours")
        chromium.wait(f"document.querySelector('{element}#photo') && (photo.naturalWidth ?? photo.width) === 64", 120)
        found = chromium.run(in_page(read.format(width=64, count=len(PATCHES))))
        assert near(found["srgb"], expected, 3), (element, found["srgb"], expected)
        kept = PATCHES if element == "img" else PATCHES[:3]  # what sRGB holds survives a canvas too
        gamma = 6  # the canvas's curve is that of sRGB, the profile's is a power
        assert near(found["display-p3"], kept, gamma), (element, found["display-p3"])


def near(pixels: list[list[int]], wanted: Sequence[tuple[int, ...]], most: int) -> bool:
    """Whether as many of the pixels as are wanted differ by at most so much."""
    return all(
        abs(a - b) <= most for own, want in zip(pixels, wanted, strict=False) for a, b in zip(own, want, strict=False)
    )


def test_demo_decodes_what_is_dropped(chromium: Browser, site: Site) -> None:
    chromium.open(site.address + "web/demo/index.html")
    chromium.run(
        in_page("""
      const files = new DataTransfer();
      files.items.add(new File([await (await fetch("/web/models.py")).blob()], "other.hpc"));
      files.items.add(new File([await (await fetch("/files/lite-8-q50.hpc")).blob()], "photo.hpc"));
      document.dispatchEvent(new DragEvent("drop", {dataTransfer: files, bubbles: true}));
    """)
    )
    chromium.wait("document.querySelector('figure canvas') && document.querySelector('figure.bad')", 120)
    texts = chromium.run("[...document.querySelectorAll('figcaption')].map(caption => caption.textContent)")
    assert any("128 × 64" in text and "lite-8" in text for text in texts)
    assert any("not an hpc file" in text for text in texts)
    assert chromium.run("[document.querySelector('canvas').width, document.querySelector('canvas').height]") == [
        WIDTH,
        HEIGHT,
    ]
