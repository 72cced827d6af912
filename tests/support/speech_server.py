"""A small server on 127.0.0.1 with OpenAI's speech interface, that answers with tones."""

from __future__ import annotations

import io
import json
import threading
import wave
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np

RATE = 24_000


def tone(seconds: float, rate: int = RATE) -> bytes:
    """A WAV file of a 220 Hz tone between two pauses of a fifth of the time each."""
    samples = 8000 * np.sin(2 * np.pi * 220 * np.arange(int(seconds * rate)) / rate)
    pause = len(samples) // 5
    samples[:pause] = samples[-pause:] = 0
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(samples.astype("<i2").tobytes())
    return buffer.getvalue()


class SpeechServer:
    """What was asked, and how to misbehave: `statuses` are answered first, one a request."""

    def __init__(self) -> None:
        self.requests: list[dict] = []
        self.keys: list[str | None] = []
        self.statuses: list[int] = []
        self.answer = tone(1.0)
        self.url = ""


@contextmanager
def speech_server() -> Iterator[SpeechServer]:
    """Serve until the block ends."""
    server = SpeechServer()
    lock = threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            with lock:
                server.requests.append({"path": self.path, **json.loads(body)})
                server.keys.append(self.headers.get("Authorization"))
                status = server.statuses.pop(0) if server.statuses else 200
            answer = server.answer if status == 200 else b'{"error": "no such voice"}'
            self.send_response(status)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, format: str, *args: object) -> None:
            pass

    listener = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.url = f"http://127.0.0.1:{listener.server_port}/v1"
    thread = threading.Thread(target=listener.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield server
    finally:
        listener.shutdown()
        thread.join()
        listener.server_close()
