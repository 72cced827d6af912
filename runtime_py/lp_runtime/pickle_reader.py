"""Reads pickles of plain containers and numpy arrays, and can do nothing else.

Python's own unpickler runs what the file tells it to. This one is a small interpreter of the
opcodes that such files consist of: no global is ever looked up, no object is ever built or called.
A callable in the file is only compared, by name, with the few that numpy's arrays are made of, and
the array is then assembled here from checked parts.

Opcodes as documented in Python's `pickletools`.
"""

from __future__ import annotations

import pickletools
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from lp_runtime.errors import InputError

MAX_OPERATIONS = 5_000_000
MAX_AXES = 8
MAX_INTEGER_BITS = 64
# Boolean, integer and floating point types by kind and bytes; anything else could hold objects.
NUMBER_TYPE = re.compile(r"[<>=|]?(b1|[iu][1248]|f[248])")

_NUMPY_CORE = ("numpy.core", "numpy._core")
RECONSTRUCT = {(f"{core}.multiarray", "_reconstruct") for core in _NUMPY_CORE}
SCALAR = {(f"{core}.multiarray", "scalar") for core in _NUMPY_CORE}
FROM_BUFFER = {(f"{core}.numeric", "_frombuffer") for core in _NUMPY_CORE}
NDARRAY = {("numpy", "ndarray")}
DTYPE = {("numpy", "dtype")}
ENCODE = {("_codecs", "encode")}
ADMITTED = RECONSTRUCT | SCALAR | FROM_BUFFER | NDARRAY | DTYPE | ENCODE

# Opcodes whose argument is the value they push.
_LITERALS = frozenset(
    {
        *("BININT", "BININT1", "BININT2", "INT", "LONG", "LONG1", "LONG4", "BINFLOAT", "FLOAT"),
        *("UNICODE", "BINUNICODE", "SHORT_BINUNICODE", "BINUNICODE8"),
        *("BINBYTES", "SHORT_BINBYTES", "BINBYTES8", "BYTEARRAY8"),
    }
)
_CONSTANTS = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False}
_IGNORED = frozenset({"PROTO", "FRAME"})


@dataclass(frozen=True)
class _Global:
    """A name in the file that stands for one of the admitted callables."""

    module: str
    name: str


@dataclass
class _Type:
    """An element type under construction: numbers and booleans only."""

    code: str
    big_endian: bool = False

    def build(self) -> np.dtype[Any]:
        """The numpy type."""
        match = NUMBER_TYPE.fullmatch(self.code)
        if match is None:
            raise _refused("an array of numbers", f"an array of the type {self.code[:20]!r}")
        return np.dtype((">" if self.big_endian else "<") + match.group(1))


@dataclass
class _Array:
    """An array under construction: made by one opcode, filled by a later one."""

    array: np.ndarray | None = None


class _Mark:
    """Where a container's items begin on the stack."""


def read_pickle(data: bytes) -> Any:
    """The value in a pickle of dicts, lists, tuples, texts, numbers, bytes and numeric arrays.

    Arrays are read-only views of the file's bytes where the file holds them as bytes.
    Raises InputError when the pickle holds anything else or is damaged.
    """
    machine = _Machine()
    try:
        for count, (opcode, argument, _) in enumerate(pickletools.genops(data)):
            if count > MAX_OPERATIONS:
                raise _refused(f"{MAX_OPERATIONS} operations at most", "more")
            machine.execute(opcode.name, argument)
    except (ValueError, IndexError, KeyError, TypeError, OverflowError, AttributeError) as error:
        # pickletools reports damage as ValueError; the others are stack or memo underflows.
        raise _refused("a complete pickle", f"{type(error).__name__}: {error}") from error
    return machine.result()


class _Machine:
    """The pickle machine: a stack and a memo."""

    def __init__(self) -> None:
        self._stack: list[Any] = []
        self._memo: dict[int, Any] = {}
        self._result: list[Any] = []
        self._operations: dict[str, Callable[[Any], None]] = {
            "MARK": lambda _: self._stack.append(_Mark()),
            "EMPTY_DICT": lambda _: self._stack.append({}),
            "EMPTY_LIST": lambda _: self._stack.append([]),
            "EMPTY_TUPLE": lambda _: self._stack.append(()),
            "DICT": lambda _: self._stack.append(_as_dict(self._pop_to_mark())),
            "LIST": lambda _: self._stack.append(self._pop_to_mark()),
            "TUPLE": lambda _: self._stack.append(tuple(self._pop_to_mark())),
            "TUPLE1": lambda _: self._stack.append(self._pop_tuple(1)),
            "TUPLE2": lambda _: self._stack.append(self._pop_tuple(2)),
            "TUPLE3": lambda _: self._stack.append(self._pop_tuple(3)),
            "APPEND": self._append,
            "APPENDS": self._appends,
            "SETITEM": self._set_item,
            "SETITEMS": self._set_items,
            "MEMOIZE": lambda _: self._put(len(self._memo)),
            "PUT": self._put,
            "BINPUT": self._put,
            "LONG_BINPUT": self._put,
            "GET": self._get,
            "BINGET": self._get,
            "LONG_BINGET": self._get,
            "POP": lambda _: self._pop(),
            "GLOBAL": lambda argument: self._push_global(*argument.split(" ", 1)),
            "STACK_GLOBAL": self._stack_global,
            "REDUCE": self._reduce,
            "BUILD": self._build,
            "STOP": lambda _: self._result.append(self._pop()),
        }

    def execute(self, name: str, argument: Any) -> None:
        """Run one opcode."""
        if name in _IGNORED:
            return
        if name in _LITERALS:
            if isinstance(argument, int) and argument.bit_length() > MAX_INTEGER_BITS:
                raise _refused(f"integers of {MAX_INTEGER_BITS} bits", argument.bit_length())
            self._stack.append(argument)
        elif name in _CONSTANTS:
            self._stack.append(_CONSTANTS[name])
        elif name in self._operations:
            self._operations[name](argument)
        else:
            raise _refused("plain containers and numpy arrays", f"the opcode {name}")

    def result(self) -> Any:
        """The value of the whole pickle."""
        return _finished(self._result[0])

    def _pop(self) -> Any:
        return self._stack.pop()

    def _pop_tuple(self, size: int) -> tuple[Any, ...]:
        items = [_finished(self._pop()) for _ in range(size)]
        return tuple(reversed(items))

    def _pop_to_mark(self) -> list[Any]:
        items = []
        while not isinstance(item := self._pop(), _Mark):
            items.append(_finished(item))
        return items[::-1]

    def _append(self, _: Any) -> None:
        item = _finished(self._pop())
        _of_type(self._stack[-1], list).append(item)

    def _appends(self, _: Any) -> None:
        items = self._pop_to_mark()
        _of_type(self._stack[-1], list).extend(items)

    def _set_item(self, _: Any) -> None:
        key, value = self._pop_tuple(2)
        _of_type(self._stack[-1], dict).update(_as_dict([key, value]))

    def _set_items(self, _: Any) -> None:
        items = _as_dict(self._pop_to_mark())
        _of_type(self._stack[-1], dict).update(items)

    def _put(self, index: int) -> None:
        self._memo[index] = self._stack[-1]

    def _get(self, index: int) -> None:
        self._stack.append(self._memo[index])

    def _stack_global(self, _: Any) -> None:
        name, module = self._pop(), self._pop()
        self._push_global(_of_type(module, str), _of_type(name, str))

    def _push_global(self, module: str, name: str) -> None:
        if (module, name) not in ADMITTED:
            raise _refused("numpy arrays and nothing else", f"'{module}.{name}'")
        self._stack.append(_Global(module, name))

    def _reduce(self, _: Any) -> None:
        arguments = _of_type(self._pop(), tuple)
        function = _of_type(self._pop(), _Global)
        self._stack.append(_call((function.module, function.name), arguments))

    def _build(self, _: Any) -> None:
        state = _of_type(self._pop(), tuple)
        target = self._stack[-1]
        if isinstance(target, _Type):
            # (version, byte order, subarray, names, fields, size, alignment, flags)
            if state[1] not in ("<", ">", "|") or any(part is not None for part in state[2:5]):
                raise _refused("a plain number type", "a type with fields or sub-arrays")
            target.big_endian = state[1] == ">"
        elif isinstance(target, _Array) and target.array is None:
            _, shape, dtype, fortran, content = state
            order = "F" if fortran else "C"
            target.array = _assemble(content, _of_type(dtype, _Type), shape, order)
        else:
            raise _refused("numpy arrays and nothing else", "state for another object")


def _call(function: tuple[str, str], arguments: tuple[Any, ...]) -> Any:
    """What the admitted callable would return."""
    if function in RECONSTRUCT:
        if not isinstance(arguments[0], _Global):
            raise _refused("an ndarray", "another class")
        return _Array()
    if function in DTYPE:
        return _Type(_of_type(arguments[0], str))
    if function in SCALAR:
        dtype, content = arguments
        return _assemble(content, _of_type(dtype, _Type), (), "C")[()]
    if function in FROM_BUFFER:
        content, dtype, shape, order = arguments
        return _assemble(content, _of_type(dtype, _Type), shape, order)
    if function in ENCODE and arguments[1:] in (("latin1",), ("latin-1",)):
        return _of_type(arguments[0], str).encode("latin-1")
    raise _refused("numpy arrays and nothing else", f"a call of '{'.'.join(function)}'")


def _assemble(content: object, dtype: _Type, shape: object, order: object) -> np.ndarray:
    sizes = shape if isinstance(shape, tuple) else (shape,)
    if len(sizes) > MAX_AXES or not all(isinstance(n, int) and n >= 0 for n in sizes):
        raise _refused("a shape of a few axes", f"{len(sizes)} axes")
    if not isinstance(content, bytes | bytearray) or order not in ("C", "F"):
        raise _refused("an array's bytes in C or Fortran order", type(content).__name__)
    return np.frombuffer(content, dtype.build()).reshape(sizes, order="F" if order == "F" else "C")


def _finished(value: Any) -> Any:
    """Arrays that are complete leave their shell as soon as they are used."""
    if isinstance(value, _Array) and value.array is not None:
        return value.array
    return value


def _as_dict(items: list[Any]) -> dict[str, Any]:
    """Alternating keys and values; keys must be texts, as hashing others may never end."""
    return {_of_type(key, str): value for key, value in zip(items[::2], items[1::2], strict=True)}


def _of_type(value: Any, wanted: type) -> Any:
    if not isinstance(value, wanted):
        raise _refused(f"a {wanted.__name__.strip('_').lower()}", type(value).__name__)
    return value


def _refused(expected: str, got: object) -> InputError:
    return InputError(
        "The pickle holds something that is not admitted, or it is damaged.",
        expected=expected,
        got=got,
        remedy="use a motion template as LivePortrait or JoyVASA write it",
    )
