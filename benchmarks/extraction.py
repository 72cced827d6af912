"""Cost of `lp-pack extract` apart from the network: python benchmarks/extraction.py VIDEO

Decoding, resampling, following the face, cropping and writing, with a tiny motion extractor in
place of the real one, on one thread; processor time of the whole process, against the video's.
"""

from __future__ import annotations

import shutil
import tempfile
import time
from pathlib import Path

import click
import cv2
import torch

from lp_models.dims import LivePortraitDims
from lp_pack.dataset.extract import extract
from lp_pack.dataset.options import Labeller


@click.command()
@click.argument("video", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--rounds", default=3, show_default=True, help="Runs, one line each.")
def main(video: Path, rounds: int) -> None:
    """Extract VIDEO several times."""
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    labeller = Labeller(dims=LivePortraitDims.tiny())
    _ = labeller.network
    with tempfile.TemporaryDirectory() as temporary:
        for _ in range(rounds):
            folder = Path(temporary) / "dataset"
            began = time.process_time()
            report = extract([video], folder, labeller)
            cost = time.process_time() - began
            shutil.rmtree(folder)
            if report.refused:
                raise click.ClickException(report.refused[0].error)
            click.echo(
                f"{report.seconds:.1f} s of video: {cost:.2f} s of processor time, "
                f"{report.seconds / cost:.1f} times real time"
            )


if __name__ == "__main__":
    main()
