"""`lp-pack fetch-weights`: download LivePortrait's published checkpoints."""

from __future__ import annotations

from pathlib import Path

import click
import msgspec

from lp_pack.cli.common import json_option, notice, output, print_json
from lp_pack.fetch_weights import fetch_weights
from lp_pack.weights_record import RECORD_NAME


@click.command("fetch-weights")
@click.option(
    "-o",
    "--output",
    "folder",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("weights"),
    show_default=True,
    help="Folder for base_models/, retargeting_models/ and weights.json.",
)
@click.option(
    "--revision",
    default="main",
    show_default=True,
    help="Branch, tag or commit of KwaiVGI/LivePortrait on the Hugging Face hub.",
)
@json_option
def command(folder: Path, revision: str, as_json: bool) -> None:
    """Download LivePortrait's published checkpoints (about 520 MB, MIT licence).

    They come from the Hugging Face hub (KwaiVGI/LivePortrait); HF_ENDPOINT names a mirror. Hashes
    are checked and recorded in weights.json. Run again to check a folder, without network if
    nothing is amiss, or to continue a broken download.
    """
    fetched = fetch_weights(folder, revision)
    for text in fetched.notices:
        notice(text)
    if as_json:
        summary = {"folder": str(fetched.folder), "downloaded": list(fetched.downloaded)}
        print_json({**summary, **msgspec.to_builtins(fetched.record)})
        return
    for file in fetched.record.files:
        state = "downloaded" if file.path in fetched.downloaded else "already here"
        output.print(f"{file.path}  {file.bytes / 1e6:.1f} MB  {state}", markup=False)
    output.print(
        f"revision {fetched.record.revision}; hashes recorded in {fetched.folder / RECORD_NAME}",
        markup=False,
    )
