"""The file format of lp-pack's own networks."""

from __future__ import annotations

import json
import struct
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import save_file
from torch import nn

from lp_models.errors import CheckpointError
from lp_models.own_checkpoint import METADATA_KEY, load_own, save_own

DIMS = {"width": 3, "depths": [1, 2]}
EXTRA = {"trained_on": "nothing", "loss": "0.5"}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "network.safetensors"
    save_own(path, "linear", DIMS, nn.Linear(3, 2).state_dict(), EXTRA)
    return path


def test_everything_comes_back(tmp_path: Path) -> None:
    path = tmp_path / "new" / "network.safetensors"
    network = nn.LSTM(3, 4)
    save_own(path, "lstm", {"width": 4}, network.state_dict(), EXTRA)
    checkpoint = load_own(path, "lstm")
    assert (checkpoint.kind, checkpoint.dims, checkpoint.extra) == ("lstm", {"width": 4}, EXTRA)
    again = nn.LSTM(3, 4)
    checkpoint.load_into(again)
    for name, tensor in network.state_dict().items():
        assert torch.equal(again.state_dict()[name], tensor)
    assert [file.name for file in path.parent.iterdir()] == [path.name], "no temporary file stays"


def test_equal_networks_are_equal_files(tmp_path: Path) -> None:
    state = nn.Linear(3, 2).state_dict()
    files = [tmp_path / name for name in ("a", "b")]
    save_own(files[0], "linear", {"x": 1, "y": 2}, state, {"p": "1", "q": "2"})
    backwards = dict(reversed(state.items()))
    save_own(files[1], "linear", {"y": 2, "x": 1}, backwards, {"q": "2", "p": "1"})
    assert files[0].read_bytes() == files[1].read_bytes()


def test_tensors_that_share_memory_or_are_transposed_are_written_whole(tmp_path: Path) -> None:
    base = torch.arange(6.0).reshape(2, 3)
    path = tmp_path / "views.safetensors"
    save_own(path, "views", {}, {"plain": base, "turned": base.T, "part": base[:, :2]})
    tensors = load_own(path, "views").tensors
    assert torch.equal(tensors["turned"], base.T)
    assert torch.equal(tensors["part"], base[:, :2])


def test_another_kind_is_refused(path: Path) -> None:
    with pytest.raises(CheckpointError, match="another network") as caught:
        load_own(path, "lite")
    assert (caught.value.expected, caught.value.got) == ("lite", "linear")


def test_a_missing_file_and_a_folder(tmp_path: Path) -> None:
    for place in (tmp_path / "nothing", tmp_path):
        with pytest.raises(CheckpointError, match="no such checkpoint"):
            load_own(place, "linear")


@given(share=st.floats(0, 0.999))
def test_a_truncated_file(share: float, tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("cut") / "cut.safetensors"
    save_own(path, "linear", DIMS, nn.Linear(3, 2).state_dict())
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])
    with pytest.raises(CheckpointError, match="no readable safetensors"):
        load_own(path, "linear")


def test_a_header_that_claims_more_than_the_file_holds(path: Path) -> None:
    path.write_bytes(struct.pack("<Q", 1 << 62) + path.read_bytes()[8:])
    with pytest.raises(CheckpointError, match="no readable safetensors"):
        load_own(path, "linear")


def test_a_file_too_large_to_be_ours_is_not_read(path: Path) -> None:
    with path.open("r+b") as stream:
        stream.truncate(1 << 34)  # sparse: takes no space on the disk
    with pytest.raises(CheckpointError, match="too large"):
        load_own(path, "linear")


HEADER = {"format": 1, "kind": "linear", "dims": {}, "extra": {}}


@pytest.mark.parametrize(
    "written",
    [
        None,
        "not json",
        "[" * 100_000,
        "[]",
        json.dumps({**HEADER, "format": 2}),
        json.dumps({**HEADER, "surplus": 1}),
        json.dumps({"format": 1, "kind": "linear"}),
        json.dumps({**HEADER, "dims": 3}),
        json.dumps({**HEADER, "kind": 3}),
        json.dumps({**HEADER, "extra": {"a": 1}}),
    ],
)
def test_metadata_that_is_not_ours(written: str | None, tmp_path: Path) -> None:
    path = tmp_path / "stranger.safetensors"
    metadata = {} if written is None else {METADATA_KEY: written}
    save_file({"weight": torch.zeros(2)}, path, metadata=metadata)
    with pytest.raises(CheckpointError, match="not written by lp-pack"):
        load_own(path, "linear")


@pytest.mark.parametrize(
    ("state", "told"),
    [
        ({"weight": torch.zeros(2, 3)}, "1 missing, 0 surplus"),
        ({"weight": torch.zeros(3, 3), "bias": torch.zeros(2)}, r"got: +torch.float32 \[3, 3\]"),
        ({"weight": torch.zeros(2, 3), "bias": torch.zeros(2).double()}, "torch.float64"),
        ({"weight": torch.zeros(2, 3), "bias": torch.full((2,), torch.nan)}, "not finite"),
    ],
)
def test_tensors_of_another_network(
    state: dict[str, torch.Tensor], told: str, tmp_path: Path
) -> None:
    path = tmp_path / "other.safetensors"
    save_own(path, "linear", DIMS, state)
    with pytest.raises(CheckpointError, match=told):
        load_own(path, "linear").load_into(nn.Linear(3, 2))


def test_a_failed_write_leaves_the_old_file(path: Path) -> None:
    before = path.read_bytes()
    with pytest.raises(TypeError):
        save_own(path, "linear", {"not json": object()}, nn.Linear(3, 2).state_dict())
    assert path.read_bytes() == before
    assert list(path.parent.iterdir()) == [path]
