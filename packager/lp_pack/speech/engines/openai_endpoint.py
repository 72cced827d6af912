"""Any service with OpenAI's speech interface: POST {base}/audio/speech.

Interface: https://platform.openai.com/docs/api-reference/audio/createSpeech. Local servers of
Kokoro, CosyVoice and others offer the same.
"""

from __future__ import annotations

import http.client
import json
import os
import time
import urllib.error
import urllib.parse
import urllib.request

from lp_pack.errors import ConfigError, SpeechError
from lp_pack.speech.engines import EngineOptions
from lp_pack.speech.engines.spoken import Spoken, decoded
from lp_pack.speech.languages import Language

DEFAULT_ENDPOINT = "https://api.openai.com/v1"
DEFAULT_MODEL, DEFAULT_VOICE = "gpt-4o-mini-tts", "alloy"
TIMEOUT_SECONDS = 120.0
MAX_REPLY_BYTES = 256 * 1024 * 1024
ATTEMPTS = 3
FIRST_WAIT_SECONDS, LONGEST_WAIT_SECONDS = 0.5, 30.0
# Worth another try: too many requests, and a server's own trouble.
PASSING_TROUBLE = frozenset({408, 429, 500, 502, 503, 504})


class Engine:
    """Reads the key from the environment, and keeps it out of every message."""

    def __init__(self, options: EngineOptions) -> None:
        endpoint = options.endpoint or os.environ.get("OPENAI_BASE_URL") or DEFAULT_ENDPOINT
        if urllib.parse.urlsplit(endpoint).scheme not in ("http", "https"):
            raise ConfigError(
                "the speech service's address is not usable",
                expected="an http or https address, such as http://127.0.0.1:8880/v1",
                got=endpoint,
            )
        self._url = endpoint.rstrip("/") + "/audio/speech"
        self._key = os.environ.get(options.key_variable, "")
        self._model = options.model or DEFAULT_MODEL
        self._voice = options.voice or DEFAULT_VOICE
        self._send_instructions = options.send_instructions

    def identity(self, language: Language) -> str:
        """Host, model and voice."""
        return f"{urllib.parse.urlsplit(self._url).hostname} {self._model} {self._voice}"

    def speak(self, text: str, language: Language, speed: float, instructions: str = "") -> Spoken:
        """One request, repeated after passing trouble.

        Raises:
            SpeechError: the service is out of reach, refuses, or answers something else than sound.
        """
        content: dict[str, object] = {
            "model": self._model,
            "input": text,
            "voice": self._voice,
            "speed": speed,
            "response_format": "wav",
        }
        if self._send_instructions and instructions:
            content["instructions"] = instructions
        return decoded(self._post(json.dumps(content).encode("utf-8")), self._url)

    def _post(self, body: bytes) -> bytes:
        wait = FIRST_WAIT_SECONDS
        for attempt in range(1, ATTEMPTS + 1):
            try:
                return self._post_once(body)
            except urllib.error.HTTPError as error:
                if attempt == ATTEMPTS or error.code not in PASSING_TROUBLE:
                    raise self._refused(error) from error
                wait = max(wait, _asked_wait(error))
            except (OSError, http.client.HTTPException) as error:
                # URLError is an OSError; so are resets and timeouts.
                if attempt == ATTEMPTS:
                    raise SpeechError(
                        "the speech service is out of reach",
                        where=self._url,
                        got=getattr(error, "reason", error),
                        remedy="check the address and that the service runs",
                    ) from error
            time.sleep(min(wait, LONGEST_WAIT_SECONDS))
            wait *= 2
        raise AssertionError("the loop returns or raises")

    def _post_once(self, body: bytes) -> bytes:
        headers = {"Content-Type": "application/json", "Accept": "audio/wav, audio/*"}
        if self._key:
            headers["Authorization"] = f"Bearer {self._key}"
        request = urllib.request.Request(self._url, body, headers, method="POST")
        with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS) as response:
            data: bytes = response.read(MAX_REPLY_BYTES + 1)
        if len(data) > MAX_REPLY_BYTES:
            raise SpeechError(
                "the speech service's answer is too large",
                where=self._url,
                expected=f"{MAX_REPLY_BYTES} bytes at most",
            )
        return data

    def _refused(self, error: urllib.error.HTTPError) -> SpeechError:
        said = error.read(300).decode("utf-8", errors="replace")
        unauthorised = error.code in (401, 403)
        return SpeechError(
            "the speech service refused",
            where=self._url,
            expected="status 200 and sound",
            got=f"status {error.code}: {said}",
            remedy="put the service's key into the environment variable (--key-variable)"
            if unauthorised
            else "check model and voice",
        )


def _asked_wait(error: urllib.error.HTTPError) -> float:
    """The seconds of Retry-After; 0 where it says nothing usable."""
    text = error.headers.get("Retry-After", "") if error.headers else ""
    return float(text) if text.isdigit() else 0.0
