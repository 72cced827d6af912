"""The kinds of clips that a dataset is made of: what each depends on, and how it is made."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Protocol

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from lp_models.atomic_file import atomic_write
from lp_models.motion import HeadMotion, transform_keypoints
from lp_pack.dataset.drift import measure_drift
from lp_pack.dataset.face_track import FaceTrack, track_face
from lp_pack.dataset.labelling import Labels, draw_strip, label_frames
from lp_pack.dataset.motion_files import read_motion_file, resampled
from lp_pack.dataset.options import ExtractOptions, Labeller
from lp_pack.dataset.picture_stream import grid_pictures, picture_start
from lp_pack.dataset.record import (
    FORMAT,
    FRAME_RATE,
    SAMPLE_RATE,
    SAMPLES_PER_FRAME,
    ClipData,
    ClipRecord,
    check_motion,
)
from lp_pack.dataset.sound import TimedSound, read_sound
from lp_pack.errors import DatasetError
from lp_pack.hashing import file_sha256
from lp_pack.speech.clip_index import Clip
from lp_pack.speech.emotions import EMOTIONS
from lp_pack.speech.espeak import Phoneme, TimedSpeech
from lp_pack.speech.labels import speech_controls
from lp_pack.speech.performance import motion as performed

Array = NDArray[np.float32]
Progress = Callable[[int, int], None]
STRIP_FRAMES = 8
SHORTEST_FRAMES = 10
IDLE_WAVES = 8  # oscillators that `performance.motion` reads


class ClipJob(Protocol):
    """One clip to be: cheap to describe, expensive to make."""

    @property
    def identifier(self) -> str:
        """Its name in the dataset."""

    @property
    def key(self) -> str:
        """Hash of all that its numbers depend on."""

    def make(self, folder: Path, progress: Progress) -> tuple[ClipRecord, ClipData]:
        """Make it; `folder` is the dataset's, for partial results and pictures to look at."""


def _key(*parts: object) -> str:
    return hashlib.sha256("\n".join(map(str, (FORMAT, *parts))).encode()).hexdigest()


@dataclass(frozen=True)
class VideoJob:
    """A recording with picture and sound."""

    identifier: str
    path: Path
    options: ExtractOptions
    labeller: Labeller = field(repr=False)
    clip: Clip | None = None

    @cached_property
    def _hash(self) -> str:
        return file_sha256(self.path)

    @property
    def key(self) -> str:
        """Video, network and choices."""
        clip = self.clip
        told = (
            (self.options.emotion, self.options.intensity)
            if clip is None
            else (clip.emotion, clip.intensity, clip.text, clip.alignment_offset)
        )
        return _key("video", self._hash, self.labeller.identity, self.options.largest_face, *told)

    def make(self, folder: Path, progress: Progress) -> tuple[ClipRecord, ClipData]:
        """Follow the face, label every frame, cut sound and labels to what both cover."""
        name = self.path.name
        sound = read_sound(self.path, SAMPLE_RATE)
        # Shift the sound so that its clock is the picture's.
        offset = self.clip.alignment_offset if self.clip else 0.0
        sound = TimedSound(sound.samples, sound.start + offset, SAMPLE_RATE, sound.notices)
        video_start = picture_start(self.path)
        start = max(sound.start, video_start)
        frames = int((sound.end - start) * FRAME_RATE + 1e-6)
        _check_length(name, frames, "sound and picture overlap")
        pictures = grid_pictures(self.path, start, frames + 1, FRAME_RATE)
        track = track_face(name, pictures, FRAME_RATE, self.options.largest_face)
        notices = [*sound.notices, *_length_notices(name, track, frames, sound.start - video_start)]
        frames = min(frames, len(track))
        _check_length(name, frames, "sound and picture overlap")
        labels = self._labels(folder, start, track, frames, progress)
        check_motion(name, labels.motion)
        self._write_strip(folder, labels)
        drift = measure_drift(labels.canonical_keypoints, track.valid[:frames], FRAME_RATE)
        if drift.is_large:
            notices.append(
                f"clip {name}, frame {drift.frame}: canonical keypoints are off by "
                f"{drift.distance:.0%} of the face: another person, or a lost face?"
            )
        first = round((start - sound.start) * SAMPLE_RATE)
        data = ClipData.of(
            sound.samples[first : first + frames * SAMPLES_PER_FRAME],
            labels.motion,
            track.valid[:frames],
            labels.canonical_keypoints,
        )
        return self._record(data, drift.distance, (*track.notices, *notices)), data

    def _labels(
        self, folder: Path, start: float, track: FaceTrack, frames: int, progress: Progress
    ) -> Labels:
        cut = FaceTrack(
            track.centres[:frames], track.sides[:frames], track.valid[:frames], track.notices
        )
        partial = folder / "partial" / f"{self.identifier}-{self.key[:16]}.f32"
        shown = np.linspace(0, frames - 1, min(STRIP_FRAMES, frames)).round().astype(int)
        labels = label_frames(
            self.labeller.network,
            grid_pictures(self.path, start, frames, FRAME_RATE),
            cut,
            partial,
            batch_size=self.options.batch_size,
            keep_crops=frozenset(shown.tolist()),
            progress=progress,
        )
        return labels

    def _write_strip(self, folder: Path, labels: Labels) -> None:
        motion = HeadMotion.from_vector(torch.from_numpy(labels.motion))
        canonical = torch.from_numpy(np.ascontiguousarray(labels.canonical_keypoints))
        keypoints = transform_keypoints(canonical, motion).numpy()
        done, encoded = cv2.imencode(".png", draw_strip(labels, keypoints))
        assert done
        with atomic_write(folder / "strips" / f"{self.identifier}.png") as stream:
            stream.write(encoded.tobytes())

    def _record(self, data: ClipData, drift: float, notices: tuple[str, ...]) -> ClipRecord:
        clip = self.clip
        return ClipRecord(
            id=self.identifier,
            kind="video",
            frames=len(data.motion),
            valid_frames=int(data.valid.sum()),
            key=self.key,
            source=(self.path.name,),
            hashes={self.path.name: self._hash},
            network="seeded" if self.labeller.weights is None else self.labeller.identity,
            text=clip.text if clip else "",
            language=clip.language if clip else "",
            emotion=clip.emotion if clip else self.options.emotion,
            intensity=clip.intensity if clip else self.options.intensity,
            drift=round(drift, 6),
            notices=notices,
        )


@dataclass(frozen=True)
class MotionJob:
    """Sound with a motion file: a template or a sequence."""

    identifier: str
    sound: Path
    motion: Path
    clip: Clip | None = None

    @property
    def key(self) -> str:
        """Both files."""
        clip = self.clip
        told = (clip.emotion, clip.intensity, clip.text, clip.alignment_offset) if clip else ()
        return _key("motion", file_sha256(self.sound), file_sha256(self.motion), *told)

    def make(self, folder: Path, progress: Progress) -> tuple[ClipRecord, ClipData]:
        """Resample the motion to the grid, and cut both to equal length."""
        template = read_motion_file(self.motion)
        sound = read_sound(self.sound, SAMPLE_RATE)
        clip = self.clip
        offset = clip.alignment_offset if clip else 0.0
        heard = len(sound.samples) // SAMPLES_PER_FRAME
        frames = min(heard, int((len(template.motion) / template.fps - offset) * FRAME_RATE + 1e-6))
        _check_length(self.motion.name, frames, "sound and motion overlap")
        motion, inside = resampled(template, frames, offset)
        notices = list(sound.notices)
        if heard != frames:
            notices.append(
                f"clip {self.motion.name}, frame {frames}: the motion ends before its sound"
            )
        data = ClipData.of(sound.samples[: frames * SAMPLES_PER_FRAME], motion, inside)
        is_template = self.motion.suffix == ".pkl"
        record = ClipRecord(
            id=self.identifier,
            kind="template" if is_template else "sequence",
            frames=frames,
            valid_frames=int(data.valid.sum()),
            key=self.key,
            source=(self.sound.name, self.motion.name),
            hashes={path.name: file_sha256(path) for path in (self.sound, self.motion)},
            text=clip.text if clip else "",
            language=clip.language if clip else "",
            emotion=clip.emotion if clip else "neutral",
            intensity=clip.intensity if clip else 1.0,
            notices=tuple(notices),
        )
        return record, data


@dataclass(frozen=True)
class PhonemeJob:
    """Spoken by an engine that knows its phonemes' times: labels by rule, as the demo's."""

    identifier: str
    sound: Path
    clip: Clip

    @property
    def key(self) -> str:
        """Sound, phonemes and emotion."""
        clip = self.clip
        return _key("phonemes", file_sha256(self.sound), clip.phonemes, clip.emotion)

    def make(self, folder: Path, progress: Progress) -> tuple[ClipRecord, ClipData]:
        """Rules turn phonemes into motion; whole frames only."""
        clip = self.clip
        sound = read_sound(self.sound, SAMPLE_RATE)
        frames = len(sound.samples) // SAMPLES_PER_FRAME
        _check_length(self.sound.name, frames, "sound lasts")
        phonemes = tuple(Phoneme(*entry) for entry in clip.phonemes)
        controls = speech_controls(TimedSpeech(sound.samples, phonemes)).stack()[:frames]
        emotion = np.zeros((1, frames, len(EMOTIONS)), np.float32)
        emotion[..., emotion_index(clip.emotion, self.sound.name)] = clip.intensity
        still = np.zeros((1, frames, 3, IDLE_WAVES), np.float32)
        motion = performed(controls[None], emotion, np.zeros((1, 8), np.float32), still)[0]
        data = ClipData.of(sound.samples[: frames * SAMPLES_PER_FRAME], motion)
        record = ClipRecord(
            id=self.identifier,
            kind="phonemes",
            frames=frames,
            valid_frames=frames,
            key=self.key,
            source=(self.sound.name,),
            hashes={self.sound.name: file_sha256(self.sound)},
            text=clip.text,
            language=clip.language,
            emotion=clip.emotion,
            intensity=clip.intensity,
            options={"engine": clip.engine},
        )
        return record, data


def emotion_index(emotion: str, where: str) -> int:
    """Place of an emotion among the eight.

    Raises:
        DatasetError: there is no such emotion.
    """
    if emotion not in EMOTIONS:
        raise DatasetError(
            "no such emotion", where=f"clip {where}", expected=" or ".join(EMOTIONS), got=emotion
        )
    return EMOTIONS.index(emotion)


def _check_length(name: str, frames: int, what: str) -> None:
    if frames < SHORTEST_FRAMES:
        raise DatasetError(
            f"{what} too short a time",
            where=f"clip {name}, frame {max(frames, 0)}",
            expected=f"{SHORTEST_FRAMES} frames, {SHORTEST_FRAMES / FRAME_RATE:g} s",
            got=f"{max(frames, 0)} frames",
        )


def _length_notices(name: str, track: FaceTrack, heard: int, lead: float) -> list[str]:
    notices = []
    if abs(lead) > 1 / FRAME_RATE:
        late, early = ("sound", "picture") if lead > 0 else ("picture", "sound")
        notices.append(
            f"clip {name}, frame 0: the {late} begins {abs(lead):.2f} s after the {early}; "
            "frame 0 is where both have begun"
        )
    if len(track) > heard:
        notices.append(f"clip {name}, frame {heard}: the sound ends before the picture; cut there")
    return notices
