"""One PocketSphinx decoder, used for one call after the other: utterances in, `Result`s out.

How well PocketSphinx hears a telephone is decided by the mean that is taken out of its cepstra
(CMN). Its acoustic model was trained with the mean of each whole utterance; decoding a stream it
can only take out one that it was told beforehand, and the one it brings, of another microphone,
raises the word error on telephone recordings from a third to four fifths. So the start of an
utterance is held back, its mean measured in a pass that costs a few milliseconds, and the stream
decoded with a mean of that, the call's earlier utterances, and telephone speech as it usually is.

Expected phrases are looked for in a second pass when the utterance is over, see `PhraseSearch`.
"""

from __future__ import annotations

from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from pocketsphinx import Decoder

from .local_wire import Result
from .sphinx_phrases import grammar
from .sphinx_search import FREE, PhraseSearch, Scored, scored_segments

__all__ = ["Recognizer"]

BYTES_PER_MS = 32
FRAME_MS = 10
HELD_MS = 600
PIECE_MS = 100
"""Longer utterances' means are brought up to date between pieces: all of them have the same."""
INTERIM_MS = 300
_SHORTEST_MS = 50
_SILENT_PEAK = 100  # of 32,768: nothing on a line is speech below it
_SILENT_FRAME_PEAK = 16
# The mean cepstrum of telephone speech upsampled to 16 kHz, over recordings and synthesized
# voices. It weighs as much as 2 s of the speaker's own: of 0.2 to 1000 s, 1 to 5 s did best.
_TELEPHONE_MEAN = (48.0, 22.0, -33.0, 46.0, -29.0, 5.0, 3.0, -26.0, 15.0, -14.0, 3.0, 2.0, -8.0)
_TELEPHONE_FRAMES = 200
_PRIOR_FRAMES = 500  # CMN_WIN: as much weighs, in PocketSphinx, a mean that was set
_PROBE = "probe"


@dataclass(slots=True)
class _Utterance:
    """The utterance in progress."""

    held: bytearray = field(default_factory=bytearray)
    rest: bytearray = field(default_factory=bytearray)  # no whole piece yet
    length: int = 0  # bytes
    peak: int = 0
    decoding: bool = False  # as a stream: more than `held` is known of
    interim_at: int = 0  # the length at which the next interim transcript is due
    interim_text: str = ""


class Recognizer:
    """Loads the models (half a second, 120 MB) and recognizes what it hears, in call order."""

    abilities: Mapping[str, Any] = {}

    def __init__(self) -> None:
        # The second pass (fwdflat) takes as long again and finds nothing more on the telephone;
        # compallsen makes the acoustic scores of different searches comparable.
        self._decoder = Decoder(samprate=16_000, fwdflat=False, compallsen=True, loglevel="FATAL")
        self._decoder.add_jsgf_string(_PROBE, grammar([("hello",)]))
        self._phrases = PhraseSearch(self._decoder)
        self._utterance = _Utterance()
        self.close()

    def open(self, wanted: Mapping[str, Any]) -> None:
        """A call begins: nothing of the one before is remembered.

        Args:
            wanted: the `phrases` that are expected, and whether `interims` are wanted.
        """
        self._interims = wanted["interims"]
        self._call_mean = _TELEPHONE_MEAN
        self._call_frames = _TELEPHONE_FRAMES
        self._heard = 0  # bytes of the call before this utterance
        if self._utterance.decoding:
            self._decoder.end_utt()
        self._utterance = _Utterance()
        self._decoder.start_stream()
        self.expect(wanted["phrases"])

    def close(self) -> None:
        """The call is over."""
        self.open({"phrases": (), "interims": False})

    def expect(self, phrases: Sequence[str]) -> None:
        """From the next utterance on, `phrases` are expected."""
        self._expected: tuple[str, ...] | None = tuple(phrases)

    def hear(self, audio: bytes) -> None:
        """More of the utterance: PCM16 at 16 kHz."""
        utterance = self._utterance
        if not utterance.length and self._expected is not None:
            self._phrases.load(self._expected)
            self._expected = None
        utterance.length += len(audio)
        utterance.peak = max(utterance.peak, _peak(audio))
        utterance.rest += audio
        # What is understood must not depend on how the audio was cut on its way.
        step = PIECE_MS * BYTES_PER_MS
        while len(utterance.rest) >= step:
            self._hear(bytes(utterance.rest[:step]))
            del utterance.rest[:step]

    def _hear(self, piece: bytes) -> None:
        utterance = self._utterance
        if not utterance.decoding or len(utterance.held) < self._phrases.longest_ms * BYTES_PER_MS:
            utterance.held += piece
        if utterance.decoding:
            self._decoder.process_raw(piece)
        elif len(utterance.held) >= HELD_MS * BYTES_PER_MS:
            self._start()

    def interim(self) -> Result | None:
        """What was understood so far, if it is due and differs from what was said last."""
        utterance = self._utterance
        if not (self._interims and utterance.decoding) or utterance.length < utterance.interim_at:
            return None
        utterance.interim_at = utterance.length + INTERIM_MS * BYTES_PER_MS
        hypothesis = self._decoder.hyp()
        text = hypothesis.hypstr if hypothesis else ""
        if not text or text == utterance.interim_text:
            return None
        utterance.interim_text = text
        start_ms = self._heard // BYTES_PER_MS
        return Result(text, False, start_ms, start_ms + utterance.length // BYTES_PER_MS)

    def finalize(self) -> Result:
        """The utterance is over: what was said, perhaps nothing."""
        utterance = self._utterance
        start_ms = self._heard // BYTES_PER_MS
        end_ms = start_ms + utterance.length // BYTES_PER_MS
        if utterance.peak < _SILENT_PEAK or utterance.length < _SHORTEST_MS * BYTES_PER_MS:
            result = Result("", True, start_ms, end_ms)
        else:
            result = self._understand(start_ms, end_ms)
        if utterance.decoding:
            self._decoder.end_utt()
        self._heard += utterance.length
        self._utterance = _Utterance()
        return result

    def _understand(self, start_ms: int, end_ms: int) -> Result:
        utterance = self._utterance
        if utterance.rest:
            self._hear(bytes(utterance.rest))
        if not utterance.decoding:
            self._start()
        self._decoder.end_utt()
        utterance.decoding = False
        free = scored_segments(self._decoder)
        result = _result(free, start_ms, end_ms)
        if not self._phrases:
            return result
        match = None
        if utterance.length <= self._phrases.longest_ms * BYTES_PER_MS:
            self._set_mean(self._call_mean)  # that of the free search: the two are compared
            match = self._phrases.match(bytes(utterance.held), free)
        if match is None:
            return replace(result, rejected=bool(result.text))
        said = _result(match.segments, start_ms, end_ms)
        return replace(said, text=match.phrase, confidence=match.confidence)

    def _start(self) -> None:
        """Decode what was held back, and from now on what comes."""
        held = bytes(self._utterance.held)
        self._learn_mean(held)
        self._set_mean(self._call_mean)
        self._decoder.activate_search(FREE)
        self._decoder.start_utt()
        self._decoder.process_raw(held)
        self._utterance.decoding = True

    def _learn_mean(self, audio: bytes) -> None:
        """Let the mean of `audio`, pauses left out, take part in the mean of the call."""
        sound = _without_silence(audio)
        if len(sound) < _SHORTEST_MS * BYTES_PER_MS:
            return
        decoder = self._decoder
        self._set_mean(_TELEPHONE_MEAN)
        decoder.activate_search(_PROBE)
        decoder.start_utt()
        decoder.process_raw(sound)
        decoder.end_utt()
        # PocketSphinx gives (500 × the mean that was set + the sum of the frames) / (500 + frames).
        frames = decoder.n_frames()
        updated = [float(value) for value in decoder.get_cmn(True).split(",")]
        known = self._call_frames
        self._call_frames += frames
        self._call_mean = tuple(
            (mean * known + new * (_PRIOR_FRAMES + frames) - usual * _PRIOR_FRAMES)
            / self._call_frames
            for mean, new, usual in zip(self._call_mean, updated, _TELEPHONE_MEAN, strict=True)
        )

    def _set_mean(self, mean: Sequence[float]) -> None:
        self._decoder.set_cmn(",".join(f"{value:.4f}" for value in mean))


def _without_silence(audio: bytes) -> bytes:
    """`audio` without the frames in which the line is dead, which PocketSphinx does not count."""
    step = FRAME_MS * BYTES_PER_MS
    frames = (audio[at : at + step] for at in range(0, len(audio), step))
    return b"".join(frame for frame in frames if _peak(frame) >= _SILENT_FRAME_PEAK)


def _peak(audio: bytes) -> int:
    samples = array("h", audio)
    return max(max(samples, default=0), -min(samples, default=0))


def _result(segments: Sequence[Scored], start_ms: int, end_ms: int) -> Result:
    words = tuple(
        (
            segment.word,
            start_ms + segment.start * FRAME_MS,
            min(end_ms, start_ms + segment.end * FRAME_MS),
            round(segment.probability, 3),
        )
        for segment in segments
        if segment.spoken
    )
    if not words:
        return Result("", True, start_ms, end_ms)
    return Result(
        " ".join(word for word, *_ in words),
        True,
        words[0][1],
        words[-1][2],
        confidence=round(sum(word[3] for word in words) / len(words), 3),
        words=words,
    )
