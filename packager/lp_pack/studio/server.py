"""Serves the studio's page, one bundle and the engine to this machine, and nothing else."""

from __future__ import annotations

import errno
from collections.abc import Mapping
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib import resources
from pathlib import Path
from urllib.parse import unquote, urlsplit

from lp_pack.errors import StudioError
from lp_pack.studio.engine_files import PROGRAM, SCRIPT
from lp_runtime.bundle import MANIFEST_NAME, Bundle

HOST = "127.0.0.1"
PAGE_FILES = (
    *("index.html", "style.css", "main.js", "worker.js", "session.js", "engine.js"),
    *("picture.js", "sound.js", "recorder.js"),
)
TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".mjs": "text/javascript; charset=utf-8",
    ".wasm": "application/wasm",
    ".json": "application/json",
    ".png": "image/png",
}
HEADERS = {
    # Isolation gives the page the shared memory that the engine's threads need.
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Embedder-Policy": "require-corp",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self' 'wasm-unsafe-eval' blob:; style-src 'self'; "
        "worker-src 'self' blob:; connect-src 'self'; img-src 'self' blob: data:; "
        "media-src blob:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}


class StudioServer(ThreadingHTTPServer):
    """Answers with the files of a fixed table; a path that is not in it does not exist."""

    daemon_threads = True
    # A second studio on the same port must fail, not share it.
    allow_reuse_port = False

    def __init__(self, bundle: Bundle, engine: Path, port: int) -> None:
        """Raise StudioError when the port is taken or may not be used."""
        self.files = served_files(bundle, engine)
        try:
            super().__init__((HOST, port), _Handler)
        except OSError as error:
            taken = error.errno == errno.EADDRINUSE
            raise StudioError(
                "The port is in use." if taken else "The port cannot be used.",
                where=f"{HOST}:{port}",
                got=error.strerror,
                remedy="choose another with --port, or --port 0 for any that is free",
            ) from error

    @property
    def url(self) -> str:
        """Where the page is."""
        return f"http://{HOST}:{self.server_address[1]}/"


def served_files(bundle: Bundle, engine: Path) -> Mapping[str, Path | bytes]:
    """{path of the address: file or content}: page, engine, and what the manifest records."""
    page = resources.files("lp_pack.studio")
    files: dict[str, Path | bytes] = {f"/{name}": (page / name).read_bytes() for name in PAGE_FILES}
    files["/"] = files["/index.html"]
    files |= {f"/engine/{name}": engine / name for name in (SCRIPT, PROGRAM)}
    files[f"/bundle/{MANIFEST_NAME}"] = bundle.path / MANIFEST_NAME
    files |= {f"/bundle/{record.path}": bundle.file(record) for record in bundle.records()}
    return files


class _Handler(BaseHTTPRequestHandler):
    server: StudioServer
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """Send a file of the table."""
        # A page elsewhere whose name was made to point here must not read the bundle.
        port = self.server.server_address[1]
        if self.headers.get("Host") not in (f"{HOST}:{port}", f"localhost:{port}"):
            self._answer(HTTPStatus.FORBIDDEN, b"this server answers this machine only\n", ".txt")
            return
        path = unquote(urlsplit(self.path).path)
        content = self.server.files.get(path)
        if content is None:
            self._answer(HTTPStatus.NOT_FOUND, b"no such file\n", ".txt")
            return
        try:
            body = content if isinstance(content, bytes) else content.read_bytes()
        except OSError as error:
            self._answer(HTTPStatus.GONE, f"{error.strerror}\n".encode(), ".txt")
            return
        self._answer(HTTPStatus.OK, body, ".html" if path == "/" else Path(path).suffix)

    def log_message(self, format: str, *arguments: object) -> None:
        """Requests are not news."""

    def _answer(self, status: HTTPStatus, body: bytes, suffix: str) -> None:
        try:
            self.send_response(status)
            self.send_header("Content-Type", TYPES.get(suffix, "application/octet-stream"))
            self.send_header("Content-Length", str(len(body)))
            for name, value in HEADERS.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True
