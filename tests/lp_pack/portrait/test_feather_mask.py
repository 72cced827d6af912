"""The paste-back mask: full inside, nothing at the border, no step between."""

from __future__ import annotations

import numpy as np
import pytest

from lp_pack.portrait.feather_mask import FEATHER, feather_mask


@pytest.mark.parametrize("size", [64, 128, 512])
def test_the_border_keeps_the_portrait_and_the_inside_takes_the_frame(size: int):
    mask = feather_mask(size)
    assert mask.shape == (size, size)
    assert mask.dtype == np.uint8
    border = np.concatenate([mask[0], mask[-1], mask[:, 0], mask[:, -1]])
    assert border.max() == 0
    margin = int(np.ceil((FEATHER + 0.1) * size))
    assert mask[margin:-margin, margin:-margin].min() == 255


def test_it_is_symmetric():
    mask = feather_mask()
    for other in (mask[::-1], mask[:, ::-1], mask.T):
        np.testing.assert_array_equal(mask, other)


def test_no_two_neighbours_differ_visibly():
    mask = feather_mask().astype(int)
    assert np.abs(np.diff(mask, axis=0)).max() <= 7
    assert np.abs(np.diff(mask, axis=1)).max() <= 7


def test_it_rises_towards_the_middle():
    middle_row = feather_mask()[256, :257].astype(int)
    assert (np.diff(middle_row) >= 0).all()


def test_corners_are_rounder_than_edges():
    mask = feather_mask()
    assert mask[30, 256] > 0
    assert mask[30, 30] == 0
