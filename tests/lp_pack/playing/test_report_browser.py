"""The report in a real browser: clips play, nothing is logged, nothing is requested."""

from __future__ import annotations

from pathlib import Path

import pytest
from browser import Browser

from lp_pack.report.writing import ReportOptions, write_report


@pytest.fixture(scope="module")
def page(pristine_tiny: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    output = tmp_path_factory.mktemp("report") / "page.html"
    return write_report([pristine_tiny, pristine_tiny], ReportOptions(output=output, seconds=1.0))


def test_clips_play_with_sound_and_without_errors(page: Path) -> None:
    with Browser() as browser:
        browser.visit(page.as_uri())
        count = browser.run("return document.querySelectorAll('video').length")
        assert count == 4
        for index in range(count):
            clip = f"document.querySelectorAll('video')[{index}]"
            browser.run(f"return {clip}.play().then(() => null)")
            browser.wait_for(f"{clip}.currentTime > 0.1 || {clip}.error")
            assert browser.run(f"return {clip}.error") is None
            assert browser.run(f"return {clip}.webkitAudioDecodedByteCount") > 0
        assert browser.console() == []
        outside = [url for url in browser.requests() if not url.startswith("data:")]
        assert outside == [page.as_uri()]


@pytest.mark.parametrize("dark", [False, True])
def test_a_phone_shows_the_page_without_scrolling_sideways(page: Path, dark: bool) -> None:
    with Browser(390, 844, dark) as browser:
        browser.visit(page.as_uri())
        assert browser.run("return document.documentElement.scrollWidth") <= 390
        lightness = browser.run(
            "return getComputedStyle(document.body).backgroundColor.match(/\\d+/g).map(Number)"
        )
        assert (max(lightness) < 60) if dark else (min(lightness) > 200)


def test_on_a_phone_the_players_controls_leave_most_of_a_comparison_free(page: Path) -> None:
    with Browser(390, 844) as browser:
        browser.visit(page.as_uri())
        clip = "document.querySelector('video[data-kind=comparison]')"
        browser.run(f"return {clip}.play().then(() => null)")
        # Chromium's controls are some fifty pixels high.
        assert browser.run(f"return {clip}.clientHeight") > 200
        figure = browser.run(f"return {clip}.closest('figure').clientWidth")
        assert figure <= 390
