"""Downloading the published checkpoints, against a small hub on this machine."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from fake_hub import COMMIT, FakeHub, running_hub, sha256

from lp_models.checkpoint_layout import PUBLISHED_FILES
from lp_pack.errors import FetchError
from lp_pack.fetch_weights import STAGING_NAME, fetch_weights
from lp_pack.hub import FILES, HUB_FOLDER, REPOSITORY

SPADE = "base_models/spade_generator.pth"
RECORD = "weights.json"


@pytest.fixture
def hub() -> Iterator[FakeHub]:
    files = {
        f"{HUB_FOLDER}/{name}": f"content of {name} ".encode() * (200 + 50 * index)
        for index, name in enumerate(FILES)
    }
    with running_hub(FakeHub(REPOSITORY, {**files, "README.md": b"hello"})) as hub:
        yield hub


def weights_in(folder: Path) -> list[str]:
    return sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*.pth"))


def run_command(*arguments: str, endpoint: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "HF_ENDPOINT": endpoint, "HF_HUB_DISABLE_PROGRESS_BARS": "1"}
    command = [sys.executable, "-c", "from lp_pack.cli import main; main()", "fetch-weights"]
    return subprocess.run(
        [*command, *arguments], capture_output=True, text=True, env=environment, timeout=60
    )


def test_the_files_are_those_that_the_networks_are_loaded_from():
    assert set(FILES) == set(PUBLISHED_FILES)


def test_all_files_arrive_and_their_hashes_are_recorded(hub: FakeHub, tmp_path: Path):
    fetched = fetch_weights(tmp_path / "weights", endpoint=hub.endpoint)
    assert fetched.downloaded == FILES
    assert weights_in(fetched.folder) == sorted(FILES)
    record = json.loads((fetched.folder / RECORD).read_text())
    assert (record["repository"], record["requested"]) == (REPOSITORY, "main")
    assert record["revision"] == COMMIT
    for entry in record["files"]:
        published = hub.files[f"{HUB_FOLDER}/{entry['path']}"]
        assert (fetched.folder / entry["path"]).read_bytes() == published
        assert (entry["sha256"], entry["bytes"]) == (sha256(published), len(published))


def test_nothing_else_is_left_in_the_folder(hub: FakeHub, tmp_path: Path):
    fetch_weights(tmp_path, endpoint=hub.endpoint)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "base_models",
        "retargeting_models",
        RECORD,
    ]


def test_a_complete_folder_needs_no_network(hub: FakeHub, tmp_path: Path):
    first = fetch_weights(tmp_path, endpoint=hub.endpoint)
    asked = hub.requests
    again = fetch_weights(tmp_path, endpoint=hub.endpoint)
    assert (again.downloaded, again.record) == ((), first.record)
    assert hub.requests == asked


def test_a_damaged_file_is_found_and_downloaded_again(hub: FakeHub, tmp_path: Path):
    fetch_weights(tmp_path, endpoint=hub.endpoint)
    damaged = tmp_path / SPADE
    content = bytearray(damaged.read_bytes())
    content[10] ^= 1
    damaged.write_bytes(content)
    fetched = fetch_weights(tmp_path, endpoint=hub.endpoint)
    assert fetched.downloaded == (SPADE,)
    assert SPADE in fetched.notices[0]
    assert damaged.read_bytes() == hub.files[f"{HUB_FOLDER}/{SPADE}"]


def test_a_broken_connection_is_resumed(hub: FakeHub, tmp_path: Path):
    hub.breaking.add(f"{HUB_FOLDER}/{SPADE}")
    fetch_weights(tmp_path, endpoint=hub.endpoint)
    assert (tmp_path / SPADE).read_bytes() == hub.files[f"{HUB_FOLDER}/{SPADE}"]
    assert hub.downloads.count(f"{HUB_FOLDER}/{SPADE}") == 2


def test_a_failed_download_never_looks_finished_and_the_next_run_continues(
    hub: FakeHub, tmp_path: Path
):
    hub.failing.add(f"{HUB_FOLDER}/{SPADE}")
    with pytest.raises(FetchError, match="refused the download"):
        fetch_weights(tmp_path, endpoint=hub.endpoint)
    assert not (tmp_path / RECORD).exists()
    assert not (tmp_path / "base_models").exists()
    done_before = [name for name in hub.downloads if not name.endswith(SPADE)]
    hub.failing.clear()
    hub.downloads.clear()
    fetch_weights(tmp_path, endpoint=hub.endpoint)
    assert len(done_before) == FILES.index(SPADE)
    assert not set(done_before) & set(hub.downloads)
    assert weights_in(tmp_path) == sorted(FILES)


def test_a_file_that_is_not_the_announced_one_is_refused(hub: FakeHub, tmp_path: Path):
    hub.altered.add(f"{HUB_FOLDER}/{SPADE}")
    with pytest.raises(FetchError, match="not the one that the hub announced") as caught:
        fetch_weights(tmp_path, endpoint=hub.endpoint)
    assert caught.value.where == SPADE
    assert sha256(hub.files[f"{HUB_FOLDER}/{SPADE}"]) in str(caught.value.expected)
    assert not (tmp_path / STAGING_NAME / HUB_FOLDER / SPADE).exists()
    assert not (tmp_path / RECORD).exists()


def test_files_put_there_by_hand_are_checked_and_not_downloaded_again(hub: FakeHub, tmp_path: Path):
    for name in FILES[:2]:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(hub.files[f"{HUB_FOLDER}/{name}"])
    assert fetch_weights(tmp_path, endpoint=hub.endpoint).downloaded == FILES[2:]


@pytest.mark.parametrize("text", ["", "{", "[1]", '{"files": []}', '{"surplus": 1}'])
def test_an_unreadable_record_means_checking_everything(hub: FakeHub, tmp_path: Path, text: str):
    fetch_weights(tmp_path, endpoint=hub.endpoint)
    (tmp_path / RECORD).write_text(text)
    fetched = fetch_weights(tmp_path, endpoint=hub.endpoint)
    assert fetched.downloaded == ()
    assert json.loads((tmp_path / RECORD).read_text())["revision"] == COMMIT


def test_an_unknown_revision_is_named(hub: FakeHub, tmp_path: Path):
    with pytest.raises(FetchError, match="no such revision") as caught:
        fetch_weights(tmp_path, revision="v99", endpoint=hub.endpoint)
    assert caught.value.got == "v99"


def test_a_repository_without_the_files_is_named(hub: FakeHub, tmp_path: Path):
    del hub.files[f"{HUB_FOLDER}/{SPADE}"]
    with pytest.raises(FetchError, match="another layout") as caught:
        fetch_weights(tmp_path, endpoint=hub.endpoint)
    assert SPADE in str(caught.value.where)
    assert hub.downloads == []


def test_a_log_in_page_is_not_taken_for_a_hub(hub: FakeHub, tmp_path: Path):
    hub.log_in_page = True
    with pytest.raises(FetchError, match="does not come from a Hugging Face hub"):
        fetch_weights(tmp_path, endpoint=hub.endpoint)


def test_a_file_where_the_folder_should_be_is_named(tmp_path: Path):
    (tmp_path / "weights").write_text("a file")
    with pytest.raises(FetchError, match="weights folder cannot be made"):
        fetch_weights(tmp_path / "weights")


def test_without_network_the_command_says_so_and_how_to_go_on(tmp_path: Path):
    with socket.socket() as unused:
        # Bound but not listening: a connection is refused, as without a network.
        unused.bind(("127.0.0.1", 0))
        endpoint = f"http://127.0.0.1:{unused.getsockname()[1]}"
        done = run_command("-o", str(tmp_path / "weights"), endpoint=endpoint)
    assert done.returncode == 1
    assert done.stdout == ""
    assert "cannot be reached" in done.stderr
    assert "HF_ENDPOINT" in done.stderr
    assert f"huggingface.co/{REPOSITORY}/tree/main/{HUB_FOLDER}" in done.stderr
    assert str(tmp_path / "weights" / SPADE) in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "weights").exists()


def test_the_command_prints_json_for_machines(hub: FakeHub, tmp_path: Path):
    done = run_command("-o", str(tmp_path), "--json", endpoint=hub.endpoint)
    assert done.returncode == 0, done.stderr
    summary = json.loads(done.stdout)
    assert summary["downloaded"] == list(FILES)
    assert summary["revision"] == COMMIT


def test_the_command_prints_what_it_did(hub: FakeHub, tmp_path: Path):
    fetch_weights(tmp_path, endpoint=hub.endpoint)
    done = run_command("-o", str(tmp_path), endpoint=hub.endpoint)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("already here") == len(FILES)
    assert RECORD in done.stdout
