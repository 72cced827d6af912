"""The pipeline executor: runs the manifest's steps and knows nothing about what they mean."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from time import perf_counter
from types import MappingProxyType

import numpy as np

from lp_runtime.engines import LoadedGraph
from lp_runtime.errors import InputError
from lp_runtime.latency import Timings
from lp_runtime.manifest import GraphFile, Pipeline, PipelineInput, Step
from lp_runtime.pcm_buffer import PcmBuffer
from lp_runtime.plan import Plan, make_plan
from lp_runtime.values import Value, all_values, filled, fitted


class Session:
    """Runs one variant of a bundle, frame by frame. Made by `Bundle.session`.

    Audio goes in with `push_pcm` in chunks of any length, frames come out; `flush` ends an
    utterance; `set` changes a control. `step` is the same machine without the audio buffer: any
    value may be fed, and only what the wanted values depend on is run.

    Every array that is returned belongs to the caller. One session serves one thread.
    """

    def __init__(
        self,
        pipeline: Pipeline,
        graph_files: Mapping[str, GraphFile],
        graphs: Mapping[str, LoadedGraph],
    ) -> None:
        self.pipeline = pipeline
        self.graph_files = MappingProxyType(dict(graph_files))
        # Give it a `Timings` to time each graph (by its name); None costs nothing.
        self.timings: Timings | None = None
        self._graphs = dict(graphs)
        self._values = all_values(pipeline, dict(graph_files))
        self._plans: dict[tuple[frozenset[str], tuple[str, ...], bool], Plan] = {}
        self._controls = {
            item.name: filled(item.default, self._values[item.name])
            for item in pipeline.inputs
            if item.default is not None
        }
        self._states: dict[str, np.ndarray] = {}
        self._buffer = PcmBuffer(pipeline.samples_per_frame)
        self._frames_to_drop = 0
        self._ending = False
        self.reset()

    @property
    def values(self) -> Mapping[str, Value]:
        """Type, shape and layout of every value of the pipeline."""
        return MappingProxyType(self._values)

    def reset(self) -> None:
        """Start over: states at their initial values, no audio waiting. Controls stay as set."""
        self._states = {
            state.value: filled(state.initial, self._values[state.value])
            for state in self.pipeline.states
        }
        self._buffer.clear()
        self._frames_to_drop = self.pipeline.look_ahead_frames
        self._ending = False

    def set(self, name: str, array: object) -> None:
        """Use this value for the pipeline input `name` from the next frame on.

        Raises InputError when there is no such input or the array does not fit it.
        """
        self._controls[name] = fitted(array, self._values[self._input(name).name])

    def control(self, name: str) -> np.ndarray | None:
        """A copy of an input's current value; None while it has neither value nor default."""
        value = self._controls.get(self._input(name).name)
        return None if value is None else value.copy()

    def step(
        self, feeds: Mapping[str, object], outputs: tuple[str, ...] | None = None
    ) -> dict[str, np.ndarray]:
        """Run one frame and return the values named in `outputs` (default: the frame).

        `feeds` holds pipeline inputs, states or intermediate values for this frame only; a step
        whose outputs are fed or not needed is skipped, and states that only it touches stay.

        Raises InputError when a feed does not fit or an input has neither value nor default.
        """
        given = {name: fitted(array, self._value(name)) for name, array in feeds.items()}
        return self._run(given, self._wanted(outputs))

    def push_pcm(
        self, samples: np.ndarray, outputs: tuple[str, ...] | None = None
    ) -> Iterator[dict[str, np.ndarray]]:
        """Take in sound; the iterator runs and yields the frames that became complete.

        `samples` is mono float32 in [-1, 1] at the pipeline's sample rate, of any length. The
        sound is kept at once; frames that are not taken from this iterator come from the next.
        The first `look_ahead_frames` frames are run but not yielded: they show a time before the
        sound began.

        Raises InputError when the samples are not finite mono float, or after `flush`.
        """
        if self._ending:
            raise InputError(
                "The utterance has been flushed but its last frames were not taken.",
                remedy="exhaust the iterator of flush(), or call reset()",
            )
        self._audio_input()
        wanted = self._wanted(outputs)
        self._buffer.push(samples)
        return self._stream(wanted)

    def flush(self, outputs: tuple[str, ...] | None = None) -> Iterator[dict[str, np.ndarray]]:
        """End the utterance: pad with silence, yield the frames still owed, then reset.

        Over a whole utterance as many frames come out as its sound fills, the last one counted
        even if it is filled in part.
        """
        self._audio_input()
        wanted = self._wanted(outputs)
        if not self._ending and self._buffer.pushed:
            self._buffer.pad(self.pipeline.look_ahead_frames)
        self._ending = True
        return self._stream(wanted)

    def _stream(self, wanted: tuple[str, ...]) -> Iterator[dict[str, np.ndarray]]:
        audio = self._values[self._audio_input().name]
        while (chunk := self._buffer.take()) is not None:
            feeds = {audio.name: chunk.astype(audio.dtype).reshape(audio.shape)}
            if self._frames_to_drop:
                self._frames_to_drop -= 1
                self._run(feeds, (), advance_all_states=True)
                continue
            yield self._run(feeds, wanted)
        if self._ending:
            self.reset()

    def _run(
        self,
        feeds: Mapping[str, np.ndarray],
        wanted: tuple[str, ...],
        advance_all_states: bool = False,
    ) -> dict[str, np.ndarray]:
        plan = self._plan(frozenset(feeds), wanted, advance_all_states)
        values = {**self._controls, **self._states, **feeds}
        missing = sorted(plan.needed - values.keys())
        if missing:
            raise InputError(
                f"The value '{missing[0]}' is needed and has no default.",
                expected=f"set({missing[0]!r}, ...) or a feed",
                got="neither",
            )
        for step in plan.steps:
            made = self._run_graph(step, values)
            values.update({name: array for name, array in made.items() if name not in feeds})
        for state in plan.advanced:
            # A graph may run in half precision; a state keeps the type that the manifest declares.
            self._states[state.value] = values[state.next_value].astype(state.dtype)
        kept = feeds.keys() | self._controls.keys() | self._states.keys()
        return {name: values[name].copy() if name in kept else values[name] for name in wanted}

    def _run_graph(self, step: Step, values: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        file = self.graph_files[step.graph]
        inputs = {
            tensor.name: values[step.inputs[tensor.name]].astype(tensor.dtype, copy=False)
            for tensor in file.inputs
        }
        start = perf_counter()
        outputs = self._graphs[step.graph].run(inputs)
        if self.timings is not None:
            self.timings.add(step.graph, (perf_counter() - start) * 1e3)
        return {value: outputs[tensor] for tensor, value in step.outputs.items()}

    def _plan(self, fed: frozenset[str], wanted: tuple[str, ...], advance_all: bool) -> Plan:
        key = (fed, wanted, advance_all)
        if key not in self._plans:
            self._plans[key] = make_plan(self.pipeline, fed, wanted, advance_all)
        return self._plans[key]

    def _wanted(self, outputs: tuple[str, ...] | None) -> tuple[str, ...]:
        wanted = (self.pipeline.frame.value,) if outputs is None else tuple(outputs)
        for name in wanted:
            self._value(name)
        return wanted

    def _value(self, name: str) -> Value:
        if name not in self._values:
            raise InputError(
                f"The pipeline has no value '{name}'.", expected=sorted(self._values), got=name
            )
        return self._values[name]

    def _input(self, name: str) -> PipelineInput:
        for item in self.pipeline.inputs:
            if item.name == name:
                return item
        raise InputError(
            f"The pipeline has no input '{name}'.",
            expected=[item.name for item in self.pipeline.inputs],
            got=name,
        )

    def _audio_input(self) -> PipelineInput:
        for item in self.pipeline.inputs:
            if item.kind == "audio":
                return item
        raise InputError(
            "This bundle has no audio input.",
            expected="an input of kind 'audio'",
            got=[item.name for item in self.pipeline.inputs],
            remedy="drive it with step() and a motion",
        )
