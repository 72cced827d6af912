"""The table of device classes, parsed once; an unknown key is an error."""

from __future__ import annotations

import tomllib
from importlib import resources
from pathlib import Path

import msgspec

from lp_pack.errors import ConfigError
from lp_runtime.manifest import Precision, Target


class DeviceClass(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What one engine on one kind of device can do; devices.toml explains the fields."""

    title: str
    target: Target
    engine: str
    peak_gflops: dict[Precision, float]
    sustained_share: float
    bandwidth_gb_s: float
    bandwidth_share: float
    operator_us: float
    sources: tuple[str, ...]

    def sustained_gflops(self, precision: Precision) -> float:
        """Arithmetic of one second that the estimate counts on."""
        return self.peak_gflops[precision] * self.sustained_share

    @property
    def sustained_gb_s(self) -> float:
        """Memory traffic of one second that the estimate counts on."""
        return self.bandwidth_gb_s * self.bandwidth_share


def read_devices(path: Path | None = None) -> dict[str, DeviceClass]:
    """{name: device class} from a TOML file; None reads the table that comes with lp-pack.

    Raises ConfigError when the file cannot be read or a field is missing, unknown or out of range.
    """
    source = path or resources.files("lp_pack.budgets") / "devices.toml"
    where = path or "lp_pack/budgets/devices.toml"
    try:
        data = tomllib.loads(source.read_text(encoding="utf-8"))
        devices = msgspec.convert(data, dict[str, DeviceClass])
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, msgspec.MsgspecError) as error:
        raise ConfigError(
            "The table of device classes cannot be used.",
            where=where,
            expected="a table for each device, with the fields of the one that comes with lp-pack",
            got=error,
        ) from error
    for name, device in devices.items():
        _check(name, device, where)
    return devices


def _check(name: str, device: DeviceClass, where: object) -> None:
    shares = (device.sustained_share, device.bandwidth_share)
    rates = (*device.peak_gflops.values(), device.bandwidth_gb_s)
    if all(0 < share <= 1 for share in shares) and min(rates) > 0 and device.operator_us >= 0:
        if device.sources:
            return
        raise ConfigError(
            "A device class names no source for its figures.", where=f"{where}: {name}.sources"
        )
    raise ConfigError(
        "A figure of a device class is out of range.",
        where=f"{where}: {name}",
        expected="shares in (0, 1], rates above 0, operator_us 0 or more",
        got=f"shares {shares}, rates {rates}, operator_us {device.operator_us}",
    )
