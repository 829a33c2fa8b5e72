"""A web server for tests: some folders and pages, with the headers that a test wants."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

TYPES = {
    ".js": "text/javascript",
    ".html": "text/html",
    ".wasm": "application/wasm",
    ".hpc": "image/x-hpc",
    ".css": "text/css",
}

ISOLATED = {"Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Embedder-Policy": "require-corp"}
"""Headers with which pages may share memory, and so have threads."""


@dataclass
class Site:
    """Folders and pages by the first part of an address; `asked`: paths that were, in order."""

    folders: dict[str, Path]
    pages: dict[str, str] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    address: str = ""
    pause: float = 0.0
    """Seconds between the quarters of an .hpc file."""

    def find(self, path: str) -> tuple[bytes, str] | None:
        """Content and type of a path."""
        name = path.split("?")[0].lstrip("/")
        if name in self.pages:
            return self.pages[name].encode(), "text/html"
        first, _, rest = name.partition("/")
        file = self.folders[first] / rest if first in self.folders else None
        if file is None or ".." in rest or not file.is_file():
            return None
        return file.read_bytes(), TYPES.get(file.suffix, "application/octet-stream")


@contextmanager
def serve(site: Site) -> Iterator[Site]:
    """Serves on a free port of 127.0.0.1 until the context ends."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            site.asked.append(self.path)
            found = site.find(self.path)
            self.send_response(200 if found else 404)
            body, kind = found or (b"", "text/plain")
            for name, value in {"Content-Type": kind, "Content-Length": str(len(body)), **site.headers}.items():
                self.send_header(name, value)
            self.end_headers()
            parts = 4 if site.pause and self.path.endswith(".hpc") else 1
            for part in range(parts):
                self.wfile.write(body[len(body) * part // parts : len(body) * (part + 1) // parts])
                time.sleep(site.pause if parts > 1 else 0)

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    site.address = f"http://127.0.0.1:{server.server_port}/"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield site
    finally:
        server.shutdown()
        server.server_close()
