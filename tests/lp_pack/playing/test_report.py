"""The report: what it says, that equal bundles give equal pages, and what differences mean."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from tiny_bundle import TinyBundle

from lp_pack.report import build_page
from lp_pack.report.differences import compare, lip_region
from lp_pack.report.facts import parity_rows
from lp_pack.report.layers import layer_errors, spectrum
from lp_pack.report.pictures import heat_colors, scale_top
from lp_pack.report.playing import Played
from lp_pack.report.writing import ReportOptions, write_report
from lp_runtime import Bundle, BundleError


def played(frames: np.ndarray, keypoints: np.ndarray | None = None) -> Played:
    return Played("onnx", "fp32", frames.astype(np.uint8), keypoints, {})


def test_the_facts_alone_give_the_same_bytes_every_time(pristine_tiny: Path) -> None:
    pages = [build_page([Bundle.open(pristine_tiny)]) for _ in range(2)]
    assert pages[0] == pages[1]
    assert str(pristine_tiny) not in pages[0]


def test_the_page_names_nothing_outside_itself(pristine_tiny: Path, tmp_path: Path) -> None:
    options = ReportOptions(output=tmp_path / "page.html", seconds=0.4)
    page = write_report([pristine_tiny, pristine_tiny], options).read_text()
    addresses = re.findall(r"""(?:src|href)=["']([^"']{0,20})|url\(([^)]*)""", page)
    assert addresses
    assert all(first.startswith("data:") for first, _ in addresses)


def test_every_parity_figure_is_shown_with_its_bound_and_a_word(pristine_tiny: Path) -> None:
    bundle = Bundle.open(pristine_tiny)
    page = build_page([bundle])
    assert page.count("✓ met") == len(bundle.manifest.parity)
    assert "✗" not in page
    assert "≥ 45 dB" in page
    assert "max abs ≤ 0.001" in page


def test_a_missed_bound_is_said_in_words(tiny: TinyBundle) -> None:
    tiny.rewrite(lambda manifest: manifest["parity"][0].update(worst=0.5))
    bundle = Bundle.open(tiny.path)
    page = build_page([bundle])
    assert page.count("✗ missed") == 1
    assert f"✗ 1 of {len(bundle.manifest.parity)} parity figures miss their bound." in page
    assert parity_rows(bundle.manifest)[0].fullness == 1.0


def test_text_from_a_bundle_is_not_markup(tiny: TinyBundle) -> None:
    tiny.rewrite(lambda manifest: manifest.update(name="<script>alert(1)</script>"))
    assert "<script>alert" not in build_page([Bundle.open(tiny.path)])


def test_a_bundle_without_golden_data_still_has_a_page(tiny: TinyBundle) -> None:
    tiny.rewrite(lambda manifest: manifest.update(golden=[], parity=[]))
    page = build_page([Bundle.open(tiny.path)])
    assert "The bundle has no golden frames." in page
    assert "No parity figures were recorded." in page


def test_a_variant_without_an_engine_is_named_and_the_rest_is_played(
    tiny: TinyBundle, tmp_path: Path
) -> None:
    tiny.rewrite(lambda manifest: manifest["variants"][1].update(target="coreml"))
    options = ReportOptions(output=tmp_path / "page.html", seconds=0.2)
    page = write_report([tiny.path], options).read_text()
    assert "Not played: coreml fp16: " in page
    assert page.count("data:video/mp4") == 1


def test_the_command_writes_into_the_bundle_and_replaces_the_page(
    run: Callable, tiny: TinyBundle
) -> None:
    result = run("report", tiny.path, "--seconds", 0.2, "--json")
    page = tiny.path / "report" / "index.html"
    assert result.exit_code == 0
    assert json.loads(result.stdout) == {"output": str(page), "bytes": page.stat().st_size}
    assert page.read_text().count("data:video/mp4") == 2
    assert run("report", tiny.path, "--no-clips").exit_code == 0
    assert "data:video/mp4" not in page.read_text()
    assert [path.name for path in page.parent.iterdir()] == ["index.html"]


def test_a_page_that_cannot_be_written_is_refused_before_playing(
    run: Callable, pristine_tiny: Path, tmp_path: Path
) -> None:
    result = run("report", pristine_tiny, "-o", tmp_path / "none" / "page.html")
    assert result.exit_code == 1
    assert "no folder" in result.stderr


def test_damaged_golden_data_is_an_error(tiny: TinyBundle) -> None:
    for file in (tiny.path / "golden").iterdir():
        file.write_bytes(b"\0" * file.stat().st_size)
    with pytest.raises(BundleError, match="golden"):
        build_page([Bundle.open(tiny.path, verify=False)])


def test_several_bundles_are_compared_with_the_first(pristine_tiny: Path, tiny: TinyBundle) -> None:
    tiny.rewrite(lambda manifest: manifest.update(name="other"))
    page = build_page([Bundle.open(pristine_tiny), Bundle.open(tiny.path)])
    assert "At a glance" in page
    assert "tiny → other (tiny.lpbundle)" in page
    assert "1 facts differ" in page
    assert "At a glance" not in build_page([Bundle.open(pristine_tiny)])


def test_estimates_are_called_estimates(pristine_tiny: Path) -> None:
    page = build_page([Bundle.open(pristine_tiny)])
    assert "estimated ms a frame" in page
    assert "not measurements" in page


def test_the_error_of_each_layer_is_told(run: Callable, tiny: TinyBundle) -> None:
    result = run("report", tiny.path, "--no-clips", "--layers", "generator")
    assert result.exit_code == 0
    page = (tiny.path / "report" / "index.html").read_text()
    assert "onnx fp16 generator against fp32: 1 layers" in page


def test_layers_of_a_graph_that_is_not_there_are_refused(run: Callable, tiny: TinyBundle) -> None:
    result = run("report", tiny.path, "--no-clips", "--layers", "mouth")
    assert result.exit_code == 1
    assert "mouth" in result.stderr


def test_half_precision_costs_what_eleven_bits_cost(pristine_tiny: Path) -> None:
    (errors,) = layer_errors(Bundle.open(pristine_tiny), "generator")
    (layer,) = errors.layers
    assert (errors.variant, layer.layer, layer.operator) == ("onnx fp16", "logits", "MatMul")
    assert 50 < layer.decibels < 90


@pytest.mark.parametrize(("period", "band"), [(32, 0), (5, 1), (2, 2)])
def test_a_spectrum_puts_a_wave_into_its_band(period: int, band: int) -> None:
    wave = np.cos(2 * np.pi * np.arange(160) / period)
    shares = spectrum(np.tile(wave, (1, 3, 64, 1)))
    assert shares is not None
    assert shares[band] > 0.9
    assert sum(shares) == pytest.approx(1)


def test_equal_frames_differ_nowhere() -> None:
    frames = np.random.default_rng(0).integers(0, 256, (4, 32, 32, 3))
    result = compare(played(frames), played(frames), None)
    assert (result.largest, result.flicker, result.bands.max(), result.where.max()) == (0, 0, 0, 0)
    assert (result.psnr == 99).all()
    assert result.motion > 0


def test_a_difference_shows_in_its_place_and_its_frame() -> None:
    before = np.zeros((3, 48, 48, 3))
    after = before.copy()
    after[1, 10, 20] = 30
    result = compare(played(before), played(after), (slice(40, 48), slice(0, 48)))
    assert result.largest == 30
    assert np.argwhere(result.bands).tolist() == [[5, 1]]
    assert np.argwhere(result.where).tolist() == [[10, 20]]
    assert result.where[10, 20] == pytest.approx(10)
    assert result.psnr.argmin() == 1
    # The lips' box does not hold the pixel.
    assert result.lip_psnr == 99
    # It appears and disappears: two changes of 30 in one of 48 x 48 pixels, over two steps.
    assert result.flicker == pytest.approx(30 / 48**2)


def test_lips_are_where_their_keypoints_are() -> None:
    keypoints = np.zeros((2, 21, 3), np.float32)
    keypoints[:, 3, :2] = (-0.5, 0.5)
    frames = np.zeros((2, 100, 100, 3))
    rows, columns = lip_region(played(frames, keypoints), (3,)) or (slice(0), slice(0))
    assert rows.start < 75 < rows.stop
    assert columns.start < 25 < columns.stop
    assert lip_region(played(frames), (3,)) is None
    assert lip_region(played(frames, keypoints), None) is None


def test_the_heat_ramp_grows_lighter_all_the_way() -> None:
    colors = heat_colors(np.linspace(0, 1, 64), 1.0).astype(float)
    lightness = colors @ [0.2126, 0.7152, 0.0722]
    assert (np.diff(lightness) > 0).all()


@pytest.mark.parametrize(("largest", "top"), [(0.9, 1), (1.0, 1), (1.1, 2), (200, 256)])
def test_a_scale_ends_at_a_power_of_two(largest: float, top: float) -> None:
    assert scale_top(largest) == top
