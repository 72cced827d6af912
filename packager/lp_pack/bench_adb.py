"""`lp-pack bench` on an Android device: the C++ player goes there, its figures come back."""

from __future__ import annotations

import json
import secrets
import shlex
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lp_pack.errors import ConfigError, LpPackError

# What flutter_bridge/runner/README.md says how to build.
PLAYER, BRIDGE, ENGINE = "lp_play", "liblp_bridge.so", "libonnxruntime.so"
DEVICE_FOLDER = "/data/local/tmp"
COPY_SECONDS = 1800
# What a run may take beyond the time that it is asked to play.
GRACE_SECONDS = 300


@dataclass(frozen=True)
class DeviceRun:
    """One measurement: which variant, with how many threads, and for how long."""

    precision: str
    threads: int
    frames: int
    max_seconds: float
    paste_back: bool = True


def bench_over_adb(
    serial: str, bundle: Path, build: Path, runs: Sequence[DeviceRun]
) -> Iterator[dict[str, Any]]:
    """Play the bundle on the device `serial` and yield each run's report as soon as it is there.

    `build` holds lp_play, liblp_bridge.so and libonnxruntime.so for the device. The copies on the
    device are removed at the end. Raises ConfigError when `build` lacks a file and LpPackError when
    there is no adb, the device is not attached or goes away, or the player fails.
    """
    files = [build / name for name in (PLAYER, BRIDGE, ENGINE)]
    missing = [file.name for file in files if not file.is_file()]
    if missing:
        raise ConfigError(
            "The device's build is incomplete.",
            where=build,
            expected=", ".join((PLAYER, BRIDGE, ENGINE)),
            got=f"no {', '.join(missing)}",
            remedy="flutter_bridge/runner/README.md says how to build them",
        )
    device = _Device(serial)
    folder = f"{DEVICE_FOLDER}/lp_pack_{secrets.token_hex(8)}"
    try:
        device.shell(["mkdir", folder], 60)
        for file in files:
            device.push(file, f"{folder}/{file.name}")
        device.push(bundle.resolve(), f"{folder}/bundle")
        device.shell(["chmod", "700", f"{folder}/{PLAYER}"], 60)
        for run in runs:
            yield _report(device, folder, run)
    finally:
        device.forget(folder)


class _Device:
    """An attached device; every failure says whether it is still there."""

    def __init__(self, serial: str) -> None:
        adb = shutil.which("adb")
        if adb is None:
            raise LpPackError(
                "adb was not found.",
                expected="adb on the PATH",
                remedy="install Android's platform tools",
            )
        self._adb, self._serial = adb, serial
        attached = self._attached()
        if serial not in attached:
            raise LpPackError(
                "The Android device is not attached.",
                where=serial,
                expected="a serial number that `adb devices` lists as 'device'",
                got=", ".join(attached) or "no device at all",
                remedy="connect it, enable USB debugging, and accept this machine on its screen",
            )

    def shell(self, words: Sequence[str], seconds: float) -> str:
        """What a command prints there."""
        return self._run("shell", shlex.join(words), seconds=seconds)

    def push(self, source: Path, target: str) -> None:
        """Copy a file or folder there."""
        self._run("push", str(source), target, seconds=COPY_SECONDS)

    def forget(self, folder: str) -> None:
        """Remove a folder there, if that is still possible."""
        try:
            self.shell(["rm", "-rf", folder], 60)
        except LpPackError:
            return

    def _attached(self) -> list[str]:
        done = subprocess.run(
            [self._adb, "devices"], capture_output=True, text=True, check=False, timeout=60
        )
        rows = [line.split() for line in done.stdout.splitlines()[1:]]
        return [row[0] for row in rows if len(row) >= 2 and row[1] == "device"]

    def _run(self, *words: str, seconds: float) -> str:
        command = [self._adb, "-s", self._serial, *words]
        try:
            done = subprocess.run(
                command, capture_output=True, text=True, check=False, timeout=seconds
            )
        except subprocess.TimeoutExpired as error:
            raise self._lost(f"no answer for {seconds:.0f} seconds") from error
        if done.returncode == 0:
            return done.stdout
        said = done.stderr.strip() or done.stdout.strip() or "nothing"
        if self._serial not in self._attached():
            raise self._lost(said.splitlines()[-1])
        raise LpPackError(
            f"The device refused `adb {words[0]}`.",
            where=self._serial,
            got=f"exit code {done.returncode}: {said[-1500:]}",
        )

    def _lost(self, said: str) -> LpPackError:
        return LpPackError(
            "The Android device went away, or does not answer.",
            where=self._serial,
            got=said,
            remedy="connect it and run again; the runs that had ended are printed",
        )


def _report(device: _Device, folder: str, run: DeviceRun) -> dict[str, Any]:
    player = [f"./{PLAYER}", "bundle", "--engine", f"./{ENGINE}", "--target", "onnx"]
    player += ["--precision", run.precision, "--threads", str(run.threads)]
    player += ["--frames", str(run.frames), "--max-seconds", str(max(1, round(run.max_seconds)))]
    player += [] if run.paste_back else ["--bare"]
    script = f"cd {shlex.quote(folder)} && LD_LIBRARY_PATH=. {shlex.join(player)}"
    printed = device.shell(["sh", "-c", script], run.max_seconds + GRACE_SECONDS)
    try:
        report = json.loads(printed)
        machine, frame = report["machine"], report["latency"]["frame"]
    except (ValueError, KeyError, TypeError) as error:
        raise LpPackError(
            "The device's answer is not a report.", where=PLAYER, got=printed[:300]
        ) from error
    if frame is None:
        raise LpPackError("The device drew one frame only.", where=PLAYER, expected="2 or more")
    return {**report, "machine": f"Android device, {machine}"}
