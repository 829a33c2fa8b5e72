"""The viewer's web server: 127.0.0.1 alone, addresses that hold a random token, pages that run no code but ours."""

from __future__ import annotations

import hmac
import json
import secrets
from functools import lru_cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib import resources
from io import BytesIO
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

from hpcmcodec.errors import HpcmError, UsageError
from hpcmcodec.view.shelf import Shelf

if TYPE_CHECKING:
    from PIL import Image

HOST = "127.0.0.1"
TOKEN_BYTES = 16
THUMBNAIL = 320
"""Pixels of a thumbnail's longer side at most."""
PAGE = {"": ("page.html", "text/html"), "view.css": ("view.css", "text/css"), "view.js": ("view.js", "text/javascript")}
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Resource-Policy": "same-origin",
}


class Server(ThreadingHTTPServer):
    """Serves a shelf of pictures at `address` until it is shut down. port 0: any that is free."""

    daemon_threads = True

    def __init__(self, shelf: Shelf, port: int = 0) -> None:
        super().__init__((HOST, port), _Handler)
        self.shelf = shelf
        self.token = secrets.token_urlsafe(TOKEN_BYTES)

    @property
    def address(self) -> str:
        return f"http://{HOST}:{self.server_port}/{self.token}/"


def serve(server: Server) -> None:
    """Answers until the process is interrupted."""
    try:
        server.serve_forever(poll_interval=0.2)
    finally:
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        split = urlsplit(self.path)
        token, _, name = split.path.lstrip("/").partition("/")
        # A page of another name that resolves to this machine must not read pictures either.
        here = self.headers.get("Host") in (f"{HOST}:{self.server.server_port}", f"localhost:{self.server.server_port}")
        if not here or not hmac.compare_digest(token.encode(), self.server.token.encode()):
            return self._send(404, "text/plain", b"not found")
        try:
            self._answer(name, {key: values[0] for key, values in parse_qs(split.query).items()})
        except HpcmError as error:
            self._send(422, "text/plain; charset=utf-8", str(error).encode())

    def _answer(self, name: str, query: dict[str, str]) -> None:
        shelf = self.server.shelf
        if name in PAGE:
            file, kind = PAGE[name]
            return self._send(200, f"{kind}; charset=utf-8", _page_file(file))
        if name == "pictures":
            return self._json({"count": shelf.listed, "names": [item.name for item in shelf.items[: shelf.listed]]})
        if name == "about":
            return self._json(shelf.describe(_number(query, "id")))
        if name == "thumbnail":
            return self._png(_thumbnail(shelf, _number(query, "id")))
        if name == "tile":
            region = tuple(_number(query, key) for key in ("x", "y", "width", "height"))
            return self._png(shelf.image(_number(query, "id"), region, _number(query, "scale")))  # type: ignore[arg-type]
        self._send(404, "text/plain", b"not found")

    def _json(self, value: dict[str, Any]) -> None:
        self._send(200, "application/json", json.dumps(value).encode())

    def _png(self, image: Image.Image) -> None:
        made = BytesIO()
        image.save(made, "PNG", compress_level=1, icc_profile=image.info.get("icc_profile"))
        self._send(200, "image/png", made.getvalue(), {"Cache-Control": "private, max-age=3600"})

    def _send(self, status: int, kind: str, body: bytes, more: dict[str, str] | None = None) -> None:
        try:
            self.send_response(status)
            headers = {"Content-Type": kind, "Content-Length": str(len(body)), "Cache-Control": "no-store", **HEADERS}
            for name, value in {**headers, **(more or {})}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)
        except ConnectionError:  # the page went on without it
            self.close_connection = True

    def log_message(self, format: str, *args: object) -> None:
        """Requests are not told: the terminal belongs to the user."""


def _number(query: dict[str, str], name: str) -> int:
    text = query.get(name, "")
    if not text.isascii() or not text.isdigit() or len(text) > 9:
        raise UsageError(f"{name} must be a number")
    return int(text)


def _thumbnail(shelf: Shelf, number: int) -> Image.Image:
    about = shelf.describe(number)
    if "error" in about:
        raise UsageError(about["error"])
    times = max(about["width"], about["height"]) // THUMBNAIL
    image = shelf.image(number, None, max(scale for scale in (1, 2, 4, 8) if scale <= max(1, times)))
    image.thumbnail((THUMBNAIL, THUMBNAIL))
    return image


@lru_cache
def _page_file(name: str) -> bytes:
    return (resources.files("hpcmcodec.view") / "page" / name).read_bytes()
