"""The pickle reader: what Python's pickle writes for arrays is read, everything else refused."""

from __future__ import annotations

import contextlib
import os
import pickle
import struct
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as np_st

from lp_runtime import InputError
from lp_runtime.pickle_reader import read_pickle

PLAIN = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False)
    | st.text(max_size=20)
    | st.binary(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(max_size=5), inner, max_size=4)
        | st.tuples(inner, inner)
    ),
    max_leaves=20,
)


@given(value=PLAIN, protocol=st.integers(0, 5))
def test_plain_values_come_back(value: Any, protocol: int) -> None:
    data = pickle.dumps(value, protocol)
    # Empty bytes of old protocols are written as a call of `bytes`, which is not admitted.
    if protocol < 3 and b"__builtin__" in data:
        with pytest.raises(InputError):
            read_pickle(data)
    else:
        assert read_pickle(data) == value


@given(
    array=np_st.arrays(
        st.sampled_from(["<f4", ">f4", "f2", "f8", "i8", "u1", "?"]),
        np_st.array_shapes(max_dims=3, max_side=4),
    ),
    protocol=st.integers(2, 5),
    fortran=st.booleans(),
)
def test_arrays_come_back(array: np.ndarray, protocol: int, fortran: bool) -> None:
    if fortran:
        array = np.asfortranarray(array)
    back = read_pickle(pickle.dumps({"a": array, "again": array}, protocol))
    np.testing.assert_array_equal(back["a"], array)
    np.testing.assert_array_equal(back["again"], array)
    assert back["a"].dtype == array.dtype


def test_numpy_scalars_come_back() -> None:
    assert read_pickle(pickle.dumps(np.float32(1.5))) == 1.5


@pytest.mark.parametrize("core", ["numpy.core", "numpy._core"])
def test_both_names_of_numpys_core_are_known(core: str) -> None:
    data = pickle.dumps(np.arange(3.0), 4)
    written = b"numpy._core.multiarray" if b"numpy._core" in data else b"numpy.core.multiarray"
    renamed = f"{core}.multiarray".encode()
    data = data.replace(
        struct.pack("B", len(written)) + written, struct.pack("B", len(renamed)) + renamed
    )
    # The frame's length is the file's concern, not the reader's.
    np.testing.assert_array_equal(read_pickle(data), np.arange(3.0))


class Runs:
    """Pickles into a call."""

    def __init__(self, function: object, *arguments: object) -> None:
        self.call = (function, arguments)

    def __reduce__(self) -> Any:
        return self.call


@pytest.mark.parametrize("protocol", range(6))
@pytest.mark.parametrize("nested", [False, True])
def test_a_command_is_never_run(tmp_path: Path, protocol: int, nested: bool) -> None:
    mark = tmp_path / "ran"
    attack = Runs(os.system, f"touch {mark}")
    content = {"n_frames": 1, "motion": [{"exp": attack}]} if nested else attack
    with pytest.raises(InputError, match=r"numpy arrays(.|\n)*(posix|nt)\.system"):
        read_pickle(pickle.dumps(content, protocol))
    assert not mark.exists()


@pytest.mark.parametrize(
    "attack",
    [
        Runs(eval, "1"),
        Runs(subprocess.Popen, ["true"]),
        Runs(getattr, "x", "join"),
        Runs(np.load, "x.npy"),
        Runs(np.frombuffer, b"abc"),
        Runs(bytearray, 1 << 40),
        Path("x"),
        {1, 2},
        complex(1, 2),
        np.random.default_rng,
    ],
    ids=[
        *("eval", "process", "getattr", "load", "frombuffer", "bytearray"),
        *("path", "set", "complex", "function"),
    ],
)
def test_other_objects_and_calls_are_refused(attack: object) -> None:
    with pytest.raises(InputError, match="not admitted"):
        read_pickle(pickle.dumps(attack))


@pytest.mark.parametrize(
    "array",
    [
        np.array([object], dtype=object),
        np.array([{"a": 1}, None], dtype=object),
        np.zeros(2, dtype=[("a", "f4"), ("b", "O")]),
        np.zeros(2, dtype="U3"),
        np.zeros(2, dtype="M8[s]"),
        np.zeros(2, dtype="c8"),
    ],
    ids=["objects", "dicts", "fields", "text", "time", "complex"],
)
def test_arrays_of_anything_but_numbers_are_refused(array: np.ndarray) -> None:
    with pytest.raises(InputError, match="not admitted"):
        read_pickle(pickle.dumps(array))


def memoized(operations: bytes) -> bytes:
    return b"\x80\x04" + operations + b"."


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b".",
        b"no pickle at all",
        b"\x80\x04]",
        memoized(b"0"),
        memoized(b"a"),
        memoized(b"t"),
        memoized(b"h\x07"),
        memoized(b"]h\x00a"),
        memoized(b"K\x01R"),
        memoized(b"}K\x01K\x02s"),
        memoized(b"\x8e" + struct.pack("<Q", 1 << 62)),
        memoized(b"\x8b" + struct.pack("<i", -5)),
        memoized(b"L" + b"9" * 5000 + b"L\n"),
        memoized(b"\x8a\xff" + b"\x7f" * 255),
        memoized(b"(cos\nsystem\nX\x01\x00\x00\x00xo"),
        memoized(b"X\x01\x00\x00\x00xQ"),
    ],
)
def test_damaged_and_hand_made_pickles_are_refused(data: bytes) -> None:
    with pytest.raises(InputError, match="not admitted, or it is damaged"):
        read_pickle(data)


def test_every_cut_of_a_good_file_is_refused() -> None:
    data = pickle.dumps({"a": np.arange(4, dtype=np.float32)})
    for length in range(len(data)):
        with pytest.raises(InputError):
            read_pickle(data[:length])


@given(data=st.data())
def test_a_flipped_byte_never_escapes_as_another_error(data: st.DataObject) -> None:
    content = bytearray(pickle.dumps({"a": np.arange(4, dtype=np.float32), "b": [1, (2.0, "x")]}))
    content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    with contextlib.suppress(InputError):
        read_pickle(bytes(content))


def test_deep_nesting_neither_crashes_nor_recurses() -> None:
    depth = 200_000
    lists = read_pickle(memoized(b"]" * depth + b"a" * (depth - 1)))
    assert isinstance(lists, list)
    tuples = b")" + b"\x85" * depth
    assert isinstance(read_pickle(memoized(tuples)), tuple)
    # As a dict's key such a tuple would overflow the stack when hashed.
    with pytest.raises(InputError):
        read_pickle(memoized(b"}" + tuples + b"K\x01s"))


def test_too_many_operations_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lp_runtime.pickle_reader.MAX_OPERATIONS", 1000)
    with pytest.raises(InputError, match="1000 operations"):
        read_pickle(memoized(b"]" * 2000))
