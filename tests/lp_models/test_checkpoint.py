"""Reading and writing the published files, at a tiny size: what is accepted, what is refused."""

from __future__ import annotations

import os
import pickle
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from lp_models.checkpoint import (
    LivePortraitNetworks,
    load_liveportrait,
    save_liveportrait,
    seeded_networks,
)
from lp_models.dims import LivePortraitDims
from lp_models.errors import CheckpointError

WARPING = "base_models/warping_module.pth"
DECODER = "base_models/spade_generator.pth"
RETARGETING = "retargeting_models/stitching_retargeting_module.pth"


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory, tiny_networks: LivePortraitNetworks) -> Path:
    folder = tmp_path_factory.mktemp("saved")
    save_liveportrait(tiny_networks, folder)
    return folder


@pytest.fixture
def weights(saved: Path, tmp_path: Path) -> Path:
    """A copy that a test may damage."""
    return Path(shutil.copytree(saved, tmp_path / "weights"))


def edit(path: Path, change: Callable[[dict[str, Any]], object]) -> None:
    state = torch.load(path, weights_only=True)
    change(state)
    torch.save(state, path)


def assert_same(one: LivePortraitNetworks, other: LivePortraitNetworks) -> None:
    for name, module in one.modules().items():
        theirs = other.modules()[name].state_dict()
        for key, tensor in module.state_dict().items():
            torch.testing.assert_close(theirs[key], tensor, msg=f"{name}.{key}")


def test_saved_networks_load_again_frozen(
    saved: Path, tiny_networks: LivePortraitNetworks, tiny_dims: LivePortraitDims
) -> None:
    loaded = load_liveportrait(saved, tiny_dims)
    assert_same(loaded, tiny_networks)
    for module in loaded.modules().values():
        assert not module.training
        assert not any(parameter.requires_grad for parameter in module.parameters())


def test_equal_networks_are_equal_files(saved: Path, tmp_path: Path) -> None:
    save_liveportrait(seeded_networks(LivePortraitDims.tiny(), seed=0), tmp_path)
    files = sorted(path.relative_to(saved) for path in saved.rglob("*") if path.is_file())
    assert [str(path) for path in files] == sorted(
        str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file()
    )
    assert all((saved / path).read_bytes() == (tmp_path / path).read_bytes() for path in files)


def test_the_folder_may_be_the_hub_s(
    weights: Path, tmp_path: Path, tiny_networks: LivePortraitNetworks, tiny_dims: LivePortraitDims
) -> None:
    hub = tmp_path / "hub"
    hub.mkdir()
    weights.rename(hub / "liveportrait")
    assert_same(load_liveportrait(hub, tiny_dims), tiny_networks)


@pytest.mark.parametrize("file", [WARPING, RETARGETING])
def test_keys_may_begin_with_module_or_not(
    file: str, weights: Path, tiny_networks: LivePortraitNetworks, tiny_dims: LivePortraitDims
) -> None:
    def swap(state: dict[str, Any]) -> dict[str, Any]:
        return {
            key.removeprefix("module.") if key.startswith("module.") else f"module.{key}": value
            for key, value in state.items()
        }

    state = torch.load(weights / file, weights_only=True)
    named = file == RETARGETING
    swapped = {name: swap(part) for name, part in state.items()} if named else swap(state)
    torch.save(swapped, weights / file)
    assert_same(load_liveportrait(weights, tiny_dims), tiny_networks)


def refusal(weights: Path) -> str:
    with pytest.raises(CheckpointError) as caught:
        load_liveportrait(weights, LivePortraitDims.tiny())
    text = str(caught.value)
    assert caught.value.remedy, "every refusal says what to do"
    return text


def test_an_absent_folder(tmp_path: Path) -> None:
    text = refusal(tmp_path / "nowhere")
    assert "no such weights folder" in text
    assert "lp-pack fetch-weights" in text


@pytest.mark.parametrize("file", [WARPING, DECODER, RETARGETING])
def test_an_absent_file(file: str, weights: Path) -> None:
    (weights / file).unlink()
    text = refusal(weights)
    assert file in text
    assert "missing" in text


def test_a_missing_and_a_surplus_key(weights: Path) -> None:
    edit(weights / WARPING, lambda state: state.update(extra=state.pop("fourth.bias")))
    text = refusal(weights)
    assert WARPING in text
    assert "'fourth.bias'" in text
    assert "1 missing, 1 surplus ('extra')" in text


def test_a_wrong_shape(weights: Path) -> None:
    edit(weights / WARPING, lambda state: state.update({"fourth.bias": torch.zeros(7)}))
    text = refusal(weights)
    assert "key 'fourth.bias'" in text
    assert "torch.float32 [12]" in text
    assert "torch.float32 [7]" in text


def test_a_wrong_type(weights: Path) -> None:
    edit(weights / WARPING, lambda state: state.update({"fourth.bias": torch.zeros(12).half()}))
    text = refusal(weights)
    assert "torch.float16 [12]" in text


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_values_that_are_not_finite(value: float, weights: Path) -> None:
    edit(weights / DECODER, lambda state: state["fc.bias"][:2].fill_(value))
    text = refusal(weights)
    assert "key 'fc.bias'" in text
    assert "2 of 24" in text


@pytest.mark.parametrize("value", [3.5, None, "text", [1, 2]])
def test_a_value_that_is_no_tensor(value: object, weights: Path) -> None:
    edit(weights / WARPING, lambda state: state.update({"fourth.bias": value}))
    assert "something else than a plain tensor" in refusal(weights)


def test_a_tensor_without_memory(weights: Path) -> None:
    empty = torch.zeros(12, device="meta")
    edit(weights / WARPING, lambda state: state.update({"fourth.bias": empty}))
    assert "key 'fourth.bias'" in refusal(weights)


def test_a_spectral_norm_of_zero(weights: Path) -> None:
    edit(weights / DECODER, lambda state: state["up_0.conv_s.weight_u"].zero_())
    assert "key 'up_0.conv_s.weight_orig'" in refusal(weights)


def test_a_key_twice_with_and_without_prefix(weights: Path) -> None:
    edit(weights / WARPING, lambda state: state.update({"module.fourth.bias": torch.zeros(12)}))
    assert "'module.fourth.bias'" in refusal(weights)


def test_a_key_that_is_no_text(weights: Path) -> None:
    edit(weights / WARPING, lambda state: state.update({3: torch.zeros(12)}))  # type: ignore[dict-item]
    assert "text keys" in refusal(weights)


def test_a_missing_section(weights: Path) -> None:
    edit(weights / RETARGETING, lambda state: state.pop("retarget_mouth"))
    text = refusal(weights)
    assert "'retarget_mouth'" in text
    assert RETARGETING in text


@pytest.mark.parametrize("content", [torch.zeros(3), [1, 2], "text"])
def test_a_file_of_something_else_than_a_state_dict(content: object, weights: Path) -> None:
    torch.save(content, weights / WARPING)
    assert "no state dict" in refusal(weights)


def test_files_that_changed_places(weights: Path) -> None:
    shutil.copy(weights / DECODER, weights / WARPING)
    assert "keys are not those of this network" in refusal(weights)


@pytest.mark.parametrize("kept", [0.0, 0.1, 0.5, 0.9, 0.999])
def test_a_truncated_file(kept: float, weights: Path) -> None:
    path = weights / DECODER
    content = path.read_bytes()
    path.write_bytes(content[: int(kept * len(content))])
    text = refusal(weights)
    assert DECODER in text
    assert "only a part of one" in text


@pytest.mark.parametrize("content", [b"<html>404</html>", bytes(1000), pickle.dumps({"a": 1})])
def test_a_file_that_is_no_checkpoint(content: bytes, weights: Path) -> None:
    (weights / WARPING).write_bytes(content)
    assert "no torch checkpoint" in refusal(weights)


class RunsCode:
    """Unpickles by calling a function on a path: proof that code from the checkpoint ran."""

    def __init__(self, function: Callable[..., object], path: Path) -> None:
        self.function = function
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return self.function, (str(self.path),)


@pytest.mark.parametrize("function", [os.mkdir, os.makedirs, Path])
def test_a_hostile_pickle_does_not_run(
    function: Callable[..., object], weights: Path, tmp_path: Path
) -> None:
    proof = tmp_path / "proof"
    edit(weights / WARPING, lambda state: state.update(extra=RunsCode(function, proof)))
    text = refusal(weights)
    assert "code instead of weights" in text
    assert function.__name__ in text
    assert "weights_only" not in text, "no advice to switch the safety off"
    assert not proof.exists()


def test_a_file_larger_than_the_network_is_not_read(weights: Path) -> None:
    with (weights / WARPING).open("r+b") as stream:
        stream.truncate(1 << 34)  # sparse: takes no space on the disk
    text = refusal(weights)
    assert "larger than its network" in text
    assert str(1 << 34) in text


def test_a_compressed_archive_is_not_unpacked(weights: Path) -> None:
    path = weights / WARPING
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("archive/data.pkl", bytes(1 << 24))
    assert "compressed members" in refusal(weights)


def test_published_dims_do_not_accept_tiny_files(saved: Path) -> None:
    with pytest.raises(CheckpointError, match=r"wrong shape or type|keys are not those"):
        load_liveportrait(saved)


def test_a_failed_write_leaves_the_old_file(
    weights: Path, tiny_networks: LivePortraitNetworks, tiny_dims: LivePortraitDims
) -> None:
    blocked = weights / "base_models" / "appearance_feature_extractor.pth"
    blocked.unlink()
    blocked.mkdir()
    before = sorted(weights.rglob("*"))
    with pytest.raises(IsADirectoryError):
        save_liveportrait(tiny_networks, weights)
    assert sorted(weights.rglob("*")) == before
