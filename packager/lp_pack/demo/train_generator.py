"""Makes the demo persona's generator: `python -m lp_pack.demo.train_generator --seed 0`.

The teacher is the puppet, the motion is synthetic, the result goes to `weights/` in this package
with its report. Motion templates given with --template are used to judge, never to train.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path

import click
import torch

from lp_models.lite_dims import LiteGeneratorDims
from lp_pack.cli.common import output
from lp_pack.demo.face import demo_face
from lp_pack.demo.puppet import Puppet
from lp_pack.distillation.monitor import Monitor
from lp_pack.distillation.motion_sampling import (
    held_out_sequences,
    template_sequence,
    training_clips,
)
from lp_pack.distillation.run import DistillationTask, distill, report, save_result
from lp_pack.distillation.settings import DistillationSettings
from lp_runtime.motion_template import read_motion_template

WEIGHTS = Path(__file__).parent / "weights" / "lite_generator.safetensors"
HELD_OUT_SEQUENCES, HELD_OUT_FRAMES, TEMPLATE_FRAMES = 6, 50, 100
# What the puppet changes: lips and jaw, eyes and brows; and where its head can be.
WINDOWS = ((296, 152, 176, 208), (184, 160, 96, 192))
MOVING_BOX = (8, 48, 464, 432)


def demo_dims(preset: str = "small") -> LiteGeneratorDims:
    """Dimensions of the demo persona's generator."""
    return dataclasses.replace(
        LiteGeneratorDims.preset(preset), windows=WINDOWS, moving_box=MOVING_BOX
    )


@click.command()
@click.option("--seed", default=0, show_default=True, help="Of weights, motion and batches.")
@click.option(
    "--work",
    type=click.Path(path_type=Path),
    default=Path("demo_generator_work"),
    show_default=True,
    help="Folder for frames (2.5 GB) and the training state; a killed run resumes from it.",
)
@click.option("--weights", type=click.Path(path_type=Path), default=WEIGHTS, help="The result.")
@click.option("--preset", default="small", show_default=True, help="nano, small or base.")
@click.option("--steps", type=int, help="Optimizer steps in all, instead of the settings' own.")
@click.option("--threads", default=1, show_default=True, help="CPU threads.")
@click.option(
    "--template",
    "templates",
    multiple=True,
    type=click.Path(exists=True, path_type=Path),
    help="A motion template (pickle) to judge on; may be given several times.",
)
def main(
    seed: int,
    work: Path,
    weights: Path,
    preset: str,
    steps: int | None,
    threads: int,
    templates: tuple[Path, ...],
) -> None:
    """Train the demo persona's generator and measure it on held-out motion."""
    torch.set_num_threads(threads)
    face = demo_face()
    settings = DistillationSettings(preset=preset, seed=seed)
    if steps is not None:
        settings = settings.scaled(steps)
    held_out = held_out_sequences(face, HELD_OUT_SEQUENCES, HELD_OUT_FRAMES, seed)
    for path in templates:
        motion = read_motion_template(path).motion[:TEMPLATE_FRAMES]
        held_out.append(template_sequence(face, path.stem, motion))
    task = DistillationTask(
        teacher=Puppet(),
        teacher_name="puppet of scikit-image's astronaut",
        face=face,
        dims=demo_dims(preset),
        settings=settings,
        training_keypoints=training_clips(face, settings.training_clips, seed),
        held_out=held_out,
        folder=work,
        device="cuda" if torch.cuda.is_available() else "cpu",
        half=True,
    )
    with Monitor(work / "tensorboard") as monitor:
        result = distill(task, monitor)
    save_result(result, task, weights)
    output.print_json(data=report(result, task))


if __name__ == "__main__":
    main()
