"""The studio: what its server gives away, and that the browser computes what Python computes."""

from __future__ import annotations

import base64
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path

import numpy as np
import pytest
from browser import Browser
from tiny_bundle import TinyBundle

from lp_pack.errors import StudioError
from lp_pack.studio import engine_files
from lp_pack.studio.engine_files import PROGRAM, SCRIPT, check_archive, installed_engine
from lp_pack.studio.server import StudioServer
from lp_runtime import Bundle
from lp_runtime.controls import labelled_control
from lp_runtime.frames import rgb_pixels

# The bound that the page is held to, in steps of 255.
LARGEST_DIFFERENCE = 2


@pytest.fixture
def fake_engine(tmp_path: Path) -> Path:
    """Files with the engine's names, for tests that compute nothing."""
    folder = tmp_path / "engine"
    folder.mkdir()
    for name in (SCRIPT, PROGRAM):
        (folder / name).write_bytes(b"not an engine")
    return folder


@pytest.fixture(scope="module")
def engine() -> Path:
    """The real engine; skips where `lp-pack studio --install` was never run."""
    try:
        return installed_engine()
    except StudioError as error:
        pytest.skip(str(error).splitlines()[0] + " Run: lp-pack studio --install")


@contextmanager
def served(bundle: Path, engine: Path) -> Iterator[StudioServer]:
    with StudioServer(Bundle.open(bundle), engine, 0) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


def get(server: StudioServer, path: str, host: str | None = None) -> tuple[int, bytes]:
    connection = HTTPConnection("127.0.0.1", server.server_address[1], timeout=20)
    connection.request("GET", path, headers={"Host": host} if host else {})
    answer = connection.getresponse()
    return answer.status, answer.read()


def test_page_engine_and_bundle_are_served(pristine_tiny: Path, fake_engine: Path) -> None:
    with served(pristine_tiny, fake_engine) as server:
        assert b"lp-pack studio" in get(server, "/")[1]
        assert get(server, f"/engine/{SCRIPT}") == (200, b"not an engine")
        manifest = (pristine_tiny / "manifest.json").read_bytes()
        assert get(server, "/bundle/manifest.json") == (200, manifest)
        graph = "graphs/onnx/fp32/generator.onnx"
        assert get(server, f"/bundle/{graph}") == (200, (pristine_tiny / graph).read_bytes())


@pytest.mark.parametrize(
    "path",
    ["/bundle/../../etc/passwd", "/bundle/%2e%2e/x", "//etc/passwd", "/server.py", "/bundle/x"],
)
def test_nothing_else_exists(pristine_tiny: Path, fake_engine: Path, path: str) -> None:
    (pristine_tiny / "x").unlink(missing_ok=True)
    with served(pristine_tiny, fake_engine) as server:
        assert get(server, path)[0] == 404


def test_a_name_that_was_made_to_point_here_is_refused(
    pristine_tiny: Path, fake_engine: Path
) -> None:
    with served(pristine_tiny, fake_engine) as server:
        assert get(server, "/", host="evil.example")[0] == 403


def test_a_port_in_use_is_named_with_a_way_out(pristine_tiny: Path, fake_engine: Path) -> None:
    bundle = Bundle.open(pristine_tiny)
    with served(pristine_tiny, fake_engine) as server:
        port = server.server_address[1]
        with pytest.raises(StudioError, match="port is in use") as caught:
            StudioServer(bundle, fake_engine, port)
        assert str(port) in str(caught.value)
        assert "--port 0" in str(caught.value)


def test_without_the_engine_the_command_says_how_to_get_it(
    run: Callable, pristine_tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    result = run("studio", pristine_tiny)
    assert result.exit_code == 1
    assert "lp-pack studio --install" in result.stderr


def test_another_archive_than_the_pinned_one_is_refused(tmp_path: Path) -> None:
    archive = tmp_path / "package.tgz"
    archive.write_bytes(b"something else")
    with pytest.raises(StudioError, match="not the one"):
        check_archive(archive)


def test_without_npm_nothing_is_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(StudioError, match="npm was not found"):
        engine_files.install(tmp_path / "engine")
    assert not (tmp_path / "engine").exists()


def test_no_bundle_is_a_usage_error(run: Callable) -> None:
    result = run("studio")
    assert result.exit_code == 2
    assert "bundle" in result.stderr


def sound(bundle: Bundle, frames: int) -> np.ndarray:
    samples = frames * bundle.manifest.pipeline.samples_per_frame - 100
    noise = np.random.default_rng(1).standard_normal(samples)
    return (0.2 * noise).clip(-1, 1).astype(np.float32)


def python_frames(bundle: Bundle, pcm: np.ndarray, emotion: str, yaw: float) -> np.ndarray:
    """(frames, height, width, 3) uint8: what lp_runtime shows."""
    session = bundle.session(threads=1)
    frame = session.pipeline.frame
    session.set(*labelled_control(session.pipeline, emotion, 0.5))
    motions = [*session.push_pcm(pcm, ("motion",)), *session.flush(("motion",))]
    turn = next(part.start for part in session.pipeline.motion if part.name == "yaw")
    shown = []
    for values in motions:
        values["motion"][0, turn] += yaw
        drawn = session.step({"motion": values["motion"]})[frame.value]
        shown.append(rgb_pixels(drawn, session.values[frame.value].layout, frame.value_range))
    return np.stack(shown)


def browser_frames(browser: Browser, bundle: Bundle, pcm: np.ndarray) -> np.ndarray:
    """The same from the page."""
    encoded = browser.run(
        """
        const bytes = Uint8Array.from(atob(arguments[0]), (c) => c.charCodeAt(0));
        return lpStudio.render(new Float32Array(bytes.buffer)).then((frames) =>
          frames.map((one) => {
            let text = "";
            for (const byte of one) text += String.fromCharCode(byte);
            return btoa(text);
          }));
        """,
        base64.b64encode(pcm.tobytes()).decode(),
    )
    frame = bundle.manifest.pipeline.frame
    pictures = [np.frombuffer(base64.b64decode(one), np.uint8) for one in encoded]
    return np.stack(pictures).reshape(-1, frame.height, frame.width, 4)[..., :3]


def choose(browser: Browser, element: str, value: object) -> None:
    browser.run(
        "const e = document.querySelector(arguments[0]); e.value = arguments[1];"
        "e.dispatchEvent(new Event('input', {bubbles: true}));"
        "e.dispatchEvent(new Event('change', {bubbles: true}));",
        element,
        value,
    )


@pytest.mark.parametrize("precision", ["fp32", "fp16"])
def test_the_browser_shows_the_frames_of_the_python_runtime(
    pristine_tiny: Path, engine: Path, precision: str
) -> None:
    bundle = Bundle.open(pristine_tiny)
    pcm = sound(bundle, 12)
    with served(pristine_tiny, engine) as server, Browser() as browser:
        browser.visit(server.url)
        browser.wait_for("globalThis.lpStudio")
        choose(browser, "#precision", precision)
        browser.wait_for("document.querySelector('#status').textContent.startsWith('ready')")
        choose(browser, "#label-emotion", "happy")
        choose(browser, "#weight-emotion", 0.5)
        choose(browser, "input[name=yaw]", 8)
        got = browser_frames(browser, bundle, pcm)
        assert browser.run("return document.querySelector('#message').textContent") == ""
        assert browser.console() == []
        assert all(url.startswith((server.url, "blob:", "data:")) for url in browser.requests())
    expected = python_frames(bundle, pcm, "happy", 8.0)
    assert got.shape == expected.shape
    difference = np.abs(got.astype(int) - expected.astype(int))
    assert difference.max() <= LARGEST_DIFFERENCE
    # The sound moves the picture, so that agreement says something.
    assert np.ptp(expected.astype(int), axis=0).max() > 2 * LARGEST_DIFFERENCE


def test_a_sound_is_performed_in_time_and_the_rate_is_shown(
    pristine_tiny: Path, engine: Path
) -> None:
    bundle = Bundle.open(pristine_tiny)
    with served(pristine_tiny, engine) as server, Browser() as browser:
        browser.visit(server.url)
        browser.wait_for("globalThis.lpStudio")
        pcm = sound(bundle, 60).tolist()
        browser.run("return lpStudio.performFile(Float32Array.from(arguments[0]))", pcm)
        browser.wait_for("Number(document.querySelector('#fps').textContent) > 1")
        browser.wait_for("document.querySelector('#status').textContent === 'ready'")
        assert browser.run("return document.querySelector('#graphs').textContent").startswith(
            "audio2motion"
        )
        assert browser.console() == []


def test_a_background_can_be_replaced(pristine_tiny: Path, engine: Path) -> None:
    with served(pristine_tiny, engine) as server, Browser() as browser:
        browser.visit(server.url)
        browser.wait_for("globalThis.lpStudio")
        choose(browser, "#color", "#ff00ff")
        choose(browser, "#background", "color")
        browser_frames(browser, Bundle.open(pristine_tiny), np.full(640, 0.1, np.float32))
        corner = browser.run(
            "return [...document.querySelector('canvas').getContext('2d')"
            ".getImageData(0, 0, 1, 1).data]"
        )
        assert corner == [255, 0, 255, 255]


def test_speaking_into_the_microphone_moves_the_face(pristine_tiny: Path, engine: Path) -> None:
    flags = ("--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream")
    with served(pristine_tiny, engine) as server, Browser(flags=flags) as browser:
        browser.visit(server.url)
        browser.wait_for("globalThis.lpStudio")
        browser.run("document.querySelector('#speak').click()")
        browser.wait_for("Number(document.querySelector('#fps').textContent) > 1")
        browser.run("document.querySelector('#stop').click()")
        browser.wait_for("document.querySelector('#status').textContent === 'ready'")
        assert browser.run("return document.querySelector('#message').textContent") == ""


def test_a_browser_without_simd_is_told_so(pristine_tiny: Path, engine: Path) -> None:
    with served(pristine_tiny, engine) as server, Browser() as browser:
        source = {"source": "WebAssembly.validate = () => false;"}
        browser.devtools("Page.addScriptToEvaluateOnNewDocument", source)
        browser.visit(server.url)
        browser.wait_for("!document.querySelector('#message').hidden")
        message = browser.run("return document.querySelector('#message').textContent")
        assert "no SIMD" in message


def test_a_file_that_vanished_is_said_on_the_page(tiny: TinyBundle, engine: Path) -> None:
    with served(tiny.path, engine) as server, Browser() as browser:
        (tiny.path / "graphs/onnx/fp32/generator.onnx").unlink()
        browser.visit(server.url)
        browser.wait_for("!document.querySelector('#message').hidden")
        message = browser.run("return document.querySelector('#message').textContent")
        assert "generator.onnx" in message
