"""Where optional test data lies: beside the checkout, or where LP_PACK_SHARED points.

The data (real motion templates, speech, golden arrays of the original networks) is not part of the
repository. A test that needs it says that it was skipped where it is absent.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]


def shared_path(relative: str) -> Path:
    """The path of a shared file or folder; skips the calling test where it does not exist."""
    root = Path(os.environ.get("LP_PACK_SHARED", REPOSITORY.parent / "shared"))
    path = root / relative
    if not path.exists():
        pytest.skip(
            f"optional test data '{relative}' is not here (set LP_PACK_SHARED to its folder)"
        )
    return path
