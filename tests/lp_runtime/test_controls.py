"""Controls by label: between the default and one element alone."""

from __future__ import annotations

import numpy as np
import pytest
from tiny_bundle import EMOTIONS, NEUTRAL

from lp_runtime import InputError, Session
from lp_runtime.controls import labelled_control


def test_full_intensity_is_that_element_alone(session: Session) -> None:
    name, value = labelled_control(session.pipeline, "happy")
    assert name == "emotion"
    np.testing.assert_array_equal(value, [[float(e == "happy") for e in EMOTIONS]])
    assert value.dtype == np.float32


def test_zero_intensity_is_the_default(session: Session) -> None:
    _, value = labelled_control(session.pipeline, "happy", 0.0)
    np.testing.assert_array_equal(value, [NEUTRAL])


def test_in_between_is_a_mixture_that_the_session_takes(session: Session) -> None:
    name, value = labelled_control(session.pipeline, "sad", 0.25)
    assert value[0, EMOTIONS.index("sad")] == pytest.approx(0.25)
    assert value[0, EMOTIONS.index("neutral")] == pytest.approx(0.75)
    session.set(name, value)


def test_unknown_labels_and_intensities_are_refused(session: Session) -> None:
    with pytest.raises(InputError, match=r"'hungry'(.|\n)*angry, contented"):
        labelled_control(session.pipeline, "hungry")
    for intensity in (-0.1, 1.1, float("nan")):
        with pytest.raises(InputError, match="out of range"):
            labelled_control(session.pipeline, "happy", intensity)
