"""From a video to a network that streams; labels of seeded networks mean nothing."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from recordings import Recording, face_picture, steady
from shared_data import shared_path

from lp_models.audio2motion import Audio2Motion
from lp_models.dims import LivePortraitDims
from lp_pack.dataset.extract import extract
from lp_pack.dataset.options import Labeller
from lp_pack.training.audio2motion import TrainingOptions
from lp_pack.training.dataset_source import SourceOptions
from lp_pack.training.persona_motion import PersonaOptions, train_persona

OPTIONS = PersonaOptions(
    hidden_size=12,
    training=TrainingOptions(steps=20, evaluate_every=10, warmup_steps=2, statistics_batches=2),
    source=SourceOptions(batch_size=3, frames=40),
)


def learned(video: Path, folder: Path) -> Audio2Motion:
    report = extract([video], folder / "dataset", Labeller(dims=LivePortraitDims.tiny()))
    assert report.refused == ()
    result = train_persona(folder / "dataset", folder / "model", OPTIONS)
    assert result.evaluations[-1].validation_loss < 2 * result.evaluations[0].validation_loss
    assert np.isfinite(result.held_out.network.groups["lips"].error)
    return Audio2Motion.load(result.weights)


def test_one_video_becomes_a_network_that_streams_as_it_was_trained(tmp_path: Path) -> None:
    pictures = [face_picture(round(6 * np.sin(n / 5))) for n in range(120)]
    video = Recording(pictures, steady(120), sound=(0, 4800)).write(tmp_path / "take.mkv")
    model = learned(video, tmp_path)
    pcm = 0.1 * torch.randn(1, 20 * 640, generator=torch.Generator().manual_seed(0))
    emotion, style = torch.zeros(1, 8), torch.zeros(1, model.dims.style_size)
    with torch.no_grad():
        whole, _ = model.forward_sequence(pcm, emotion, style)
        states, frames = model.initial_states(), []
        for chunk in pcm.split(640, dim=1):
            motion, *states = model(chunk, emotion, style, *states)
            frames.append(motion)
    torch.testing.assert_close(torch.stack(frames, 1), whole, atol=1e-5, rtol=0)


def test_the_real_driving_video(tmp_path: Path) -> None:
    model = learned(shared_path("real/driving_d20.mp4"), tmp_path)
    assert model.dims.look_ahead_frames == 2
