"""Errors of the packager, and the tuple of all errors that are meant for the user's eyes."""

from __future__ import annotations

from lp_runtime.errors import LpRuntimeError


class LpPackError(LpRuntimeError):
    """A build, export or check failed; the text says what, where, expected, got, next step."""


class PortraitError(LpPackError):
    """The portrait cannot be used as it is."""


class ExportError(LpPackError):
    """A graph could not be converted, simplified or quantized."""


class ParityError(LpPackError):
    """Two versions of a graph disagree by more than their threshold."""


class ConfigError(LpPackError):
    """An option or a build file asks for something that cannot be."""


class FetchError(LpPackError):
    """The published checkpoints could not be downloaded or do not match their hashes."""


class DistillationError(LpPackError):
    """A lite generator could not be trained: bad teacher, diverging loss, full disk."""


class SpeechError(LpPackError):
    """Text could not be spoken, or a phoneme is unknown."""


class TrainingError(LpPackError):
    """A training run diverged, cannot be resumed, or was given data it cannot use."""


class DatasetError(LpPackError):
    """A recording, template or dataset cannot be used for training as it is."""


class StudioError(LpPackError):
    """The studio cannot be served: port taken, engine not installed or not the pinned one."""
