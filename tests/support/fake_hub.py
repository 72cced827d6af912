"""A small Hugging Face hub on 127.0.0.1: one repository, its listing and its files.

It speaks what `huggingface_hub` needs: the model listing with file metadata, and HEAD and GET
(with ranges) of `resolve` addresses. Faults can be switched on file by file.
"""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote, urlsplit

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@dataclass
class FakeHub:
    """What the hub serves, and what was asked of it."""

    repository: str
    files: dict[str, bytes]
    endpoint: str = ""
    branches: set[str] = field(default_factory=lambda: {"main", COMMIT})
    # Answer 500 to GET for these files.
    failing: set[str] = field(default_factory=set)
    # Break the connection half-way through the first GET of these files.
    breaking: set[str] = field(default_factory=set)
    # Announce one content, serve another of the same size.
    altered: set[str] = field(default_factory=set)
    # Answer every request with a web page, as a hotel's log-in page does.
    log_in_page: bool = False
    downloads: list[str] = field(default_factory=list)
    requests: int = 0

    def listing(self) -> bytes:
        siblings = [
            {
                "rfilename": name,
                "size": len(content),
                "lfs": {"sha256": sha256(content), "size": len(content), "pointerSize": 134},
            }
            for name, content in self.files.items()
        ]
        return json.dumps({"id": self.repository, "sha": COMMIT, "siblings": siblings}).encode()


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


@contextmanager
def running_hub(hub: FakeHub) -> Iterator[FakeHub]:
    """Serve `hub` until the block ends; sets its endpoint."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *arguments: object) -> None:
            pass

        def do_HEAD(self) -> None:
            self.answer(with_body=False)

        def do_GET(self) -> None:
            self.answer(with_body=True)

        def answer(self, with_body: bool) -> None:
            hub.requests += 1
            path = unquote(urlsplit(self.path).path)
            if hub.log_in_page:
                self.reply(200, b"<html>please log in</html>", {"Content-Type": "text/html"})
                return
            prefix = f"/api/models/{hub.repository}/revision/"
            if path.startswith(prefix):
                known = path.removeprefix(prefix) in hub.branches
                if known:
                    self.reply(200, hub.listing(), {"Content-Type": "application/json"})
                else:
                    self.reply(404, b"{}", {"X-Error-Code": "RevisionNotFound"})
                return
            name = path.removeprefix(f"/{hub.repository}/resolve/{COMMIT}/")
            if name not in hub.files:
                self.reply(404, b"", {"X-Error-Code": "EntryNotFound"})
                return
            self.serve_file(name, with_body)

        def serve_file(self, name: str, with_body: bool) -> None:
            content = hub.files[name]
            headers = {"X-Repo-Commit": COMMIT, "ETag": f'"{sha256(content)}"'}
            if not with_body:
                self.reply(200, content, headers, with_body=False)
                return
            hub.downloads.append(name)
            if name in hub.failing:
                self.reply(500, b"", {})
                return
            if name in hub.altered:
                content = bytes(byte ^ 1 for byte in content)
            start = 0
            if self.headers.get("Range"):
                start = int(self.headers["Range"].removeprefix("bytes=").split("-")[0])
                headers["Content-Range"] = f"bytes {start}-{len(content) - 1}/{len(content)}"
            broken = name in hub.breaking
            hub.breaking.discard(name)
            self.reply(206 if start else 200, content[start:], headers, broken=broken)

        def reply(
            self,
            status: int,
            body: bytes,
            headers: dict[str, str],
            with_body: bool = True,
            broken: bool = False,
        ) -> None:
            self.send_response(status)
            for key, value in headers.items():
                self.send_header(key, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if with_body:
                self.wfile.write(body[: len(body) // 2] if broken else body)
            if broken:
                self.close_connection = True

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    hub.endpoint = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
