"""`hpcm view`: what is listed and decoded, who may ask, the page in a browser, the command's end."""

from __future__ import annotations

import http.client
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from importlib import util
from io import BytesIO
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
import pytest
from PIL import Image

from hpcmcodec import decode, encode
from hpcmcodec.errors import InputError, UsageError
from hpcmcodec.view import Server, Shelf

from ..web import browser


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two pictures, one below, and a broken file; originals beside it."""
    made = tmp_path_factory.mktemp("view")
    (made / "coded/below").mkdir(parents=True)
    (made / "originals/below").mkdir(parents=True)
    for name, size in (("a", (300, 200)), ("below/b", (90, 1100))):
        x, y = np.meshgrid(np.arange(size[0]), np.arange(size[1]))
        image = Image.fromarray(np.stack([x % 256, y % 256, (x + y) % 256], axis=2).astype(np.uint8))
        image.save(made / f"originals/{name}.png")
        (made / f"coded/{name}.hpc").write_bytes(encode(image, 60))
    (made / "coded/broken.hpc").write_bytes(b"no picture")
    (made / "unknown").mkdir()
    shutil.copy(Path(__file__).parents[1] / "conformance/variants/lite-g2.hpc", made / "unknown")
    return made


@pytest.fixture
def server(folder: Path) -> Iterator[Server]:
    found = Server(Shelf(folder / "coded", folder / "originals"))
    thread = threading.Thread(target=found.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    yield found
    found.shutdown()
    found.server_close()
    thread.join()


def ask(server: Server, path: str, host: str | None = None, token: str | None = None) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=60)
    try:
        connection.request("GET", f"/{token or server.token}/{path}", headers={"Host": host} if host else {})
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def picture(server: Server, path: str) -> Image.Image:
    status, data = ask(server, path)
    assert status == 200, data
    return Image.open(BytesIO(data))


def test_shelf_lists_pictures_beside_their_originals(folder: Path) -> None:
    shelf = Shelf(folder / "coded", folder / "originals")
    assert [item.name for item in shelf.items] == ["a.hpc", "below/b.hpc", "broken.hpc", "a.png", "b.png"]
    assert [item.beside for item in shelf.items] == [3, 4, None, None, None] and shelf.listed == 3
    assert shelf.describe(0)["width"] == shelf.describe(3)["width"] == 300
    assert "not an hpc file" in shelf.describe(2)["error"]
    one = Shelf(folder / "coded/a.hpc", folder / "originals/below/b.png")
    assert [item.beside for item in one.items] == [1, None]


def test_shelf_refuses_what_is_not_there(folder: Path, tmp_path: Path) -> None:
    for source, other in ((tmp_path, None), (tmp_path / "x.hpc", None), (folder / "coded", tmp_path / "x.png")):
        with pytest.raises(InputError):
            Shelf(source, other)
    with pytest.raises(UsageError):
        Shelf(folder / "coded").image(9)


def test_tiles_and_thumbnails_are_the_decoders_pixels(server: Server, folder: Path) -> None:
    whole = np.asarray(decode(folder / "coded/a.hpc"))
    tile = picture(server, "tile?id=0&x=20&y=30&width=100&height=50&scale=1")
    assert np.array_equal(np.asarray(tile), whole[30:80, 20:120])
    assert picture(server, "tile?id=0&x=0&y=0&width=300&height=200&scale=8").size == (38, 25)
    assert picture(server, "thumbnail?id=1").size == (26, 320)
    original = picture(server, "tile?id=3&x=5&y=6&width=10&height=10&scale=1")
    with Image.open(folder / "originals/a.png") as image:
        assert np.array_equal(np.asarray(original), np.asarray(image)[6:16, 5:15])


def test_only_the_holder_of_the_address_is_answered(server: Server) -> None:
    assert ask(server, "")[0] == ask(server, "view.js")[0] == 200
    assert json.loads(ask(server, "pictures")[1])["count"] == 3
    assert ask(server, "pictures", token="x" * 22)[0] == 404
    assert ask(server, "pictures", host="evil.example:80")[0] == 404
    assert urlsplit(server.address).hostname == "127.0.0.1"


@pytest.mark.parametrize(
    "path",
    [
        "about?id=99",
        "about?id=-1",
        "about",
        "thumbnail?id=2",
        "tile?id=0&x=0&y=0&width=1&height=1&scale=3",
        "tile?id=0&x=290&y=0&width=20&height=1&scale=1",
        "tile?id=0&x=0&y=0&width=0&height=1&scale=1",
    ],
)
def test_bad_requests_are_told_in_a_line(server: Server, path: str) -> None:
    status, text = ask(server, path)
    assert status == 422 and text and b"\n" not in text


def test_other_addresses_are_not_found(server: Server) -> None:
    for path in ("../a.hpc", "page.html", "etc/passwd", "%2e%2e/a.hpc"):
        assert ask(server, path)[0] == 404


@pytest.mark.skipif(browser.EXECUTABLE is None or util.find_spec("websocket") is None, reason="needs Chromium")
def test_page_in_a_browser(server: Server, tmp_path: Path) -> None:
    with browser.Browser(tmp_path / "profile") as page:
        page.resize(900, 600)
        page.open(server.address)
        page.wait("document.querySelectorAll('.card').length === 3")
        page.wait("document.querySelectorAll('.card img')[1].naturalHeight === 320")
        page.wait("document.querySelector('.card .bad')?.textContent.includes('not an hpc file')")
        page.run("document.querySelector('.card').click()")
        page.wait("document.querySelector('#left img')?.complete && document.querySelector('#right img')?.complete")
        assert (
            page.run("[zoom.textContent, name.textContent && document.getElementById('name').textContent]")[0]
            == "100 %"
        )
        assert not page.run("document.getElementById('split').hidden")
        page.run("document.dispatchEvent(new KeyboardEvent('keydown', {key: '+'}))")
        page.wait("document.getElementById('zoom').textContent === '150 %'")
        page.run("document.getElementById('facts').click()")
        assert "lite-8" in page.run("document.getElementById('about').textContent")
        page.run("document.dispatchEvent(new KeyboardEvent('keydown', {key: 'PageDown'}))")
        page.wait("document.getElementById('name').textContent === 'below/b.hpc'")
        page.run("document.dispatchEvent(new KeyboardEvent('keydown', {key: 'Escape'}))")
        page.wait("document.getElementById('viewer').hidden")
        assert not [line for line in page.messages() if "Content Security Policy" in line]


@pytest.mark.skipif(browser.EXECUTABLE is None or util.find_spec("websocket") is None, reason="needs Chromium")
def test_page_says_which_model_is_missing(folder: Path, tmp_path: Path) -> None:
    found = Server(Shelf(folder / "unknown"))
    threading.Thread(target=found.serve_forever, daemon=True).start()
    with browser.Browser(tmp_path / "profile") as page:
        page.open(found.address + "#")
        page.run("location.hash = 'gallery'")
        page.wait("document.querySelector('.card .bad')?.textContent.includes('lite-g2')")
    found.shutdown()
    found.server_close()


@pytest.mark.skipif(os.name == "nt", reason="signals")
def test_command_ends_with_ctrl_c(folder: Path) -> None:
    command = [sys.executable, "-m", "hpcmcodec", "view", str(folder / "coded"), "--no-browser"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None and process.stderr is not None
        line = process.stdout.readline()
        assert "3 pictures at http://127.0.0.1:" in line
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 0 and process.stderr.read().strip() == ""


def test_command_says_what_is_missing(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "hpcmcodec", "view", str(tmp_path), "--no-browser"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 3 and "there is no .hpc file in it" in done.stderr
