"""Audio2Motion: streaming equals whole, states stay bounded, dims refuse nonsense, exports."""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch
from torch import Tensor

from lp_models.audio2motion import Audio2Motion, Audio2MotionDims
from lp_models.errors import CheckpointError, LpModelError
from lp_models.own_checkpoint import save_own


def seeded(dims: Audio2MotionDims | None = None) -> Audio2Motion:
    torch.manual_seed(0)
    return Audio2Motion(dims or Audio2MotionDims.tiny()).eval()


def speech_like(frames: int, seed: int = 0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return 0.1 * torch.randn(1, 640 * frames, generator=generator)


@torch.no_grad()
def run(model: Audio2Motion, pcm: Tensor, emotion: Tensor, style: Tensor) -> Tensor:
    states = model.initial_states()
    motion = []
    for frame in pcm.split(640, dim=1):
        output, *after = model(frame, emotion, style, *states)
        states = tuple(after)
        motion.append(output)
    return torch.cat(motion)


def test_frame_by_frame_equals_whole_utterance() -> None:
    model = seeded()
    _, emotion, style, *_ = model.example_inputs()
    pcm = speech_like(100)
    with torch.no_grad():
        whole, _ = model.forward_sequence(pcm, emotion, style)
    assert (run(model, pcm, emotion, style) - whole[0]).abs().max() <= 1e-5


def test_a_sequence_continues_from_the_states_of_the_last() -> None:
    model = seeded()
    _, emotion, style, *_ = model.example_inputs()
    pcm = speech_like(60)
    with torch.no_grad():
        whole, _ = model.forward_sequence(pcm, emotion, style)
        first, states = model.forward_sequence(pcm[:, : 640 * 25], emotion, style)
        second, _ = model.forward_sequence(pcm[:, 640 * 25 :], emotion, style, states)
    assert (torch.cat([first, second], dim=1) - whole).abs().max() <= 1e-5


def test_emotion_may_change_within_a_sequence() -> None:
    model = seeded()
    pcm, style = speech_like(20), torch.zeros(1, 3)
    emotion = torch.zeros(1, 20, 8)
    emotion[:, 10:, 0] = 1.0
    with torch.no_grad():
        changing, _ = model.forward_sequence(pcm, emotion, style)
        neutral, _ = model.forward_sequence(pcm, torch.zeros(1, 8), style)
    torch.testing.assert_close(changing[:, :10], neutral[:, :10])
    assert (changing[:, 10:] - neutral[:, 10:]).abs().max() > 1e-4


def test_silence_moves_and_the_style_decides_how() -> None:
    model = seeded()
    silence, emotion = torch.zeros(1, 640 * 200), torch.zeros(1, 8)
    motion = run(model, silence, emotion, torch.zeros(1, 3))
    other = run(model, silence, emotion, torch.tensor([[0.4, -0.8, 0.1]]))
    assert motion[100:].std(dim=0).mean() > 1e-4
    assert (motion - other).abs().mean() > 1e-4


def test_thirteen_minutes_do_not_drift() -> None:
    model = seeded()
    emotion, style = torch.zeros(1, 8), torch.zeros(1, 3)
    states = model.initial_states()
    magnitudes = []
    with torch.no_grad():
        for block in range(20):
            _, states = model.forward_sequence(speech_like(1000, block), emotion, style, states)
            magnitudes.append([state.abs().max().item() for state in states])
    early, late = np.array(magnitudes[:5]).max(axis=0), np.array(magnitudes[-5:]).max(axis=0)
    assert (late <= 1.5 * early + 0.5).all()
    phase = states[3]
    assert (phase >= 0).all()
    assert (phase < 1).all()


def test_state_specs_name_the_graphs_inputs_and_outputs() -> None:
    model = seeded()
    names = [spec.name for spec in model.state_specs()]
    assert list(model.input_names[3:]) == names
    assert list(model.output_names[1:]) == [f"next_{name}" for name in names]
    assert [tuple(state.shape) for state in model.initial_states()] == [
        spec.shape for spec in model.state_specs()
    ]
    assert [x.shape for x in model(*model.example_inputs())[1:]] == [
        torch.Size(spec.shape) for spec in model.state_specs()
    ]


@pytest.mark.filterwarnings("ignore")
def test_onnx_runtime_agrees_over_two_seconds_and_needs_no_fourier_operator(tmp_path: Path) -> None:
    model = seeded()
    inputs = model.example_inputs()
    path = tmp_path / "audio2motion.onnx"
    program = torch.onnx.export(
        model,
        inputs,
        input_names=model.input_names,
        output_names=model.output_names,
        dynamo=True,
        verbose=False,
    )
    assert program is not None
    program.save(path)
    operators = {node.op_type for node in program.model.graph}
    assert not operators & {"STFT", "DFT", "Loop", "If", "Scan"}
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    feeds = {name: value.numpy() for name, value in zip(model.input_names, inputs, strict=True)}
    pcm = speech_like(50)
    expected = run(model, pcm, inputs[1], inputs[2])
    for frame, motion in zip(pcm.split(640, dim=1), expected, strict=True):
        feeds["pcm"] = frame.numpy()
        outputs = dict(zip(model.output_names, session.run(None, feeds), strict=True))
        np.testing.assert_allclose(outputs["motion"][0], motion.numpy(), atol=1e-5)
        feeds.update({name[5:]: value for name, value in outputs.items() if name != "motion"})


def test_a_saved_network_gives_the_same_motion(tmp_path: Path) -> None:
    model = seeded()
    model.save(tmp_path / "a2m.safetensors", {"note": "seeded"})
    loaded = Audio2Motion.load(tmp_path / "a2m.safetensors")
    assert loaded.dims == model.dims
    with torch.no_grad():
        torch.testing.assert_close(
            loaded(*loaded.example_inputs()), model(*model.example_inputs()), rtol=0, atol=0
        )


def test_half_precision_files_are_half_the_size_and_keep_the_constants(tmp_path: Path) -> None:
    model = seeded()
    model.save(tmp_path / "full.safetensors")
    model.save(tmp_path / "half.safetensors", half=True)
    sizes = [(tmp_path / f"{name}.safetensors").stat().st_size for name in ("half", "full")]
    loaded = Audio2Motion.load(tmp_path / "half.safetensors")
    assert sizes[0] < 0.7 * sizes[1]
    assert torch.equal(loaded.idle.rates, model.idle.rates)
    with torch.no_grad():
        ours, halved = model(*model.example_inputs())[0], loaded(*model.example_inputs())[0]
    assert 0 < (ours - halved).abs().max() < 1e-2


def test_pulses_are_blinks_once_a_turn() -> None:
    model = seeded()
    phase = torch.linspace(0, 1, 1001)[:, None].expand(-1, 4)
    pulse = model.idle.waves(phase, torch.zeros(1001, 3))[2]
    torch.testing.assert_close(pulse[500], torch.ones(4))
    assert pulse[0].max() < 1e-6
    seconds = (pulse > 0.5).float().mean(dim=0) / (model.idle.rates * model.dims.frame_rate)
    assert ((seconds > 0.1) & (seconds < 0.3)).all()


def test_an_absent_checkpoint_is_an_error_with_its_path(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"absent\.safetensors"):
        Audio2Motion.load(tmp_path / "absent.safetensors")


def test_dims_survive_the_checkpoint_and_refuse_strangers() -> None:
    values = asdict(Audio2MotionDims.tiny())
    assert Audio2MotionDims.from_dict(values) == Audio2MotionDims.tiny()
    with pytest.raises(LpModelError, match="not the dims"):
        Audio2MotionDims.from_dict({**values, "extra": 1})
    with pytest.raises(LpModelError, match="not the dims"):
        Audio2MotionDims.from_dict({**values, "hidden_size": 1.5})


@pytest.mark.parametrize(
    ("name", "value"), [("hidden_size", 0), ("look_ahead_frames", 9), ("num_oscillators", 99)]
)
def test_dims_out_of_range_are_refused(name: str, value: int) -> None:
    with pytest.raises(LpModelError, match=name):
        replace(Audio2MotionDims(), **{name: value}).validate()


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ("missing", ["lstm.weight_hh_l1", "missing"]),
        ("surplus", ["stranger", "surplus"]),
        ("shape", ["head.bias", "[70]", "[71]"]),
        ("value", ["head.bias", "finite"]),
    ],
)
def test_a_checkpoint_that_does_not_fit_names_file_and_key(
    change: str, expected: list[str], tmp_path: Path
) -> None:
    model = seeded()
    tensors = dict(model.state_dict())
    if change == "missing":
        del tensors["lstm.weight_hh_l1"]
    elif change == "surplus":
        tensors["stranger"] = torch.zeros(2)
    else:
        bias = torch.zeros(71) if change == "shape" else torch.full((70,), float("nan"))
        tensors["head.bias"] = bias
    path = tmp_path / "odd.safetensors"
    save_own(path, "audio2motion", asdict(model.dims), tensors)
    with pytest.raises(CheckpointError) as caught:
        Audio2Motion.load(path)
    text = str(caught.value)
    for part in (path.name, *expected):
        assert part in text


def test_dims_that_do_not_fit_name_the_file(tmp_path: Path) -> None:
    model = seeded()
    path = tmp_path / "huge.safetensors"
    save_own(path, "audio2motion", {**asdict(model.dims), "hidden_size": 1 << 20}, {})
    with pytest.raises(CheckpointError, match=r"huge\.safetensors") as caught:
        Audio2Motion.load(path)
    assert "hidden_size between 1 and 2048" in str(caught.value)


def test_dims_that_would_fill_the_memory_are_refused_before_anything_is_made() -> None:
    values = asdict(Audio2MotionDims.tiny())
    for name in ("hidden_size", "mel_window", "samples_per_frame", "style_size"):
        with pytest.raises(LpModelError, match=name):
            Audio2MotionDims.from_dict({**values, name: 1 << 20})
