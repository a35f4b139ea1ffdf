"""One stream of utterances through Whisper, which knows no streams.

An utterance is decoded when it is over. While it lasts, what there is of it is decoded for an
interim transcript, a draft, when a process has nothing better to do, and at ever longer intervals:
all drafts together cost a few decodings, however long somebody speaks, and where one takes long
there are few, or none.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, replace

from media.audio import PCM16_16K, Samples, bytes_to_pcm
from media.silence import Piece, Splitter

from ..errors import DeadlineError, ProviderError
from ..types import SttOptions, Transcript
from .local_stream import LocalStream
from .whisper_pool import SLOW, Decoders
from .whisper_task import PROVIDER, Task
from .whisper_understood import Understood

__all__ = ["WhisperStream", "splitter"]

PIECE_MS = 28_000
"""What is decoded at once: a model listens to 30 s, however short the utterance is."""
SHORTEST_MS = 100
SILENT_PEAK = 100
"""Of 32,768: nothing on a line is speech below it."""
DRAFT_MS = 1_000
DRAFT_GROWTH = 0.5
DRAFT_SHARE = 0.2
"""Of the time, at most, a process works on one stream's drafts: final transcripts wait for them."""
PATIENCE_S = 20.0
DEADLINE_S = 30.0
MAX_LAG_MS = 60_000


def splitter() -> Splitter:
    """What cuts speech into pieces that a model can take, without the silence around them."""
    return Splitter(PCM16_16K.sample_rate_hz, PIECE_MS)


@dataclass(slots=True)
class _Utterance:
    """Speech in progress.

    Attributes:
        start_ms: in the stream.
        task: how it is decoded.
        splitter: holds what has not been given to be decoded.
        drafted_ms: how long it was when the last interim transcript was begun.
        draft: the text of the last one.
    """

    start_ms: float
    task: Task
    splitter: Splitter
    drafted_ms: float = 0.0
    draft: str = ""


@dataclass(frozen=True, slots=True)
class _Speech:
    """A piece that is to be decoded."""

    utterance: _Utterance
    piece: Piece

    @property
    def duration_ms(self) -> float:
        return _duration_ms(self.piece.samples)


@dataclass(frozen=True, slots=True)
class _End:
    """An utterance ends here; its pieces came before."""

    start_ms: float
    end_ms: float


class WhisperStream(LocalStream):
    """An `SttStream` on a pool of decoders. `run` does its work, and is the owner's to end.

    Args:
        decoders: those of the provider.
        options: how to recognize.

    Raises:
        UnsupportedLanguageError: the model does not know the language.
    """

    def __init__(self, decoders: Decoders, options: SttOptions) -> None:
        super().__init__(PROVIDER)
        self._decoders = decoders
        self._interims = options.interim_results
        self._task = decoders.task(options)
        self._loop = asyncio.get_running_loop()
        self._sent_ms = 0.0
        self._utterance: _Utterance | None = None
        self._drafting: asyncio.Timeout | None = None
        self._steps: deque[_Speech | _End] = deque()
        self._lag_ms = 0.0  # what waits to be decoded for good
        self._work = asyncio.Event()

    def send(self, audio: bytes) -> None:
        """Hand over PCM16 at 16 kHz. Never blocks.

        Raises:
            ProviderError: the stream has failed or is over, or fails since a minute of speech waits
                to be decoded.
            ValueError: the audio ends in the middle of a sample.
        """
        self._check_open()
        samples = bytes_to_pcm(audio)
        if not audio:
            return
        if self._lag_ms > MAX_LAG_MS:
            late = DeadlineError(
                PROVIDER,
                f"the recognizer lags {MAX_LAG_MS / 1000:g} s behind",
                hint=f"this machine is overloaded: {SLOW}",
            )
            self.failed(late)  # who sends does not get these words in again
            raise late
        if self._utterance is None:
            self._utterance = _Utterance(self._sent_ms, self._task, splitter())
        self._sent_ms += _duration_ms(samples)
        for piece in self._utterance.splitter.feed(samples):
            self._put(self._utterance, piece)
        if self._draft_is_due():
            self._work.set()

    def finalize(self) -> None:
        """The utterance is over: exactly one final transcript (perhaps empty) follows."""
        self._check_open()
        self._finalize()

    def expect(self, phrases: Sequence[str]) -> None:
        """Nothing changes: a model that is told many phrases says them, whatever it hears."""
        self._check_open()

    async def finish(self) -> None:
        """No more audio: the iterator ends when the last final transcript has been given.

        Audio that no `finalize()` followed is finalized.
        """
        if self._finished or self._left:
            return
        if self._utterance is not None and self._error is None:
            self._finalize()
        self._finished = True
        self._changed.set()

    async def run(self) -> None:
        """Decode what is sent, in its order, until cancelled or failed."""
        try:
            await self._run()
        except ProviderError as error:
            self.failed(error)
        except Exception as error:
            failure = ProviderError(PROVIDER, f"it failed: {type(error).__name__}")
            failure.__cause__ = error
            self.failed(failure)

    async def _run(self) -> None:
        understood = Understood()
        while True:
            await self._work.wait()
            self._work.clear()
            while self._steps:
                step = self._steps.popleft()
                if isinstance(step, _Speech):
                    await self._decode(step, understood)
                else:
                    self._give(_final(understood, step))
                    understood = Understood()
            if self._utterance is not None and self._draft_is_due():
                await self._draft(self._utterance, understood)

    def _put(self, utterance: _Utterance, piece: Piece) -> None:
        if not _may_be_speech(piece.samples):
            return
        step = _Speech(utterance, piece)
        self._lag_ms += step.duration_ms
        self._steps.append(step)
        self._work.set()

    def _finalize(self) -> None:
        self.owed += 1
        start_ms = self._sent_ms
        if (utterance := self._utterance) is not None:
            start_ms = utterance.start_ms
            if utterance.draft:
                # It is withdrawn, since it is of less than was said: nobody who is tired of
                # waiting for the final one shall take it for all.
                self._give(Transcript("", False, round(start_ms), round(self._sent_ms)))
            for piece in utterance.splitter.flush():
                self._put(utterance, piece)
            self._utterance = None
        self._steps.append(_End(start_ms, self._sent_ms))
        self._work.set()
        drafting, self._drafting = self._drafting, None
        if drafting is not None:
            drafting.reschedule(self._loop.time())  # what is for good comes first

    async def _decode(self, step: _Speech, understood: Understood) -> None:
        utterance, piece = step.utterance, step.piece
        result = await self._decoders.decode(
            piece.samples, utterance.task, patience_s=PATIENCE_S, deadline_s=DEADLINE_S
        )
        self._lag_ms -= step.duration_ms
        understood.add(result, utterance.start_ms + piece.start_ms)

    def _draft_is_due(self) -> bool:
        utterance = self._utterance
        if not self._interims or utterance is None or self._steps:
            return False
        pause_ms = max(
            DRAFT_MS,
            DRAFT_GROWTH * utterance.drafted_ms,
            self._decoders.took_s * 1000 / DRAFT_SHARE,
        )
        new_ms = self._sent_ms - utterance.start_ms - utterance.drafted_ms
        return new_ms >= pause_ms and self._decoders.spare

    async def _draft(self, utterance: _Utterance, understood: Understood) -> None:
        """Give an interim transcript, unless the utterance ends before it is there."""
        end_ms = self._sent_ms
        utterance.drafted_ms = end_ms - utterance.start_ms
        speech = _trimmed(utterance.splitter.held.samples)
        if speech is None:
            return
        draft = replace(utterance.task, draft=True)
        try:
            async with asyncio.timeout(None) as self._drafting:
                result = await self._decoders.decode(
                    speech, draft, patience_s=0, deadline_s=DEADLINE_S
                )
        except (TimeoutError, ProviderError):
            return  # the final transcript tells whether something is wrong
        finally:
            self._drafting = None
        text = f"{understood.text} {result.text}".strip()
        if utterance is self._utterance and text and text != utterance.draft:
            utterance.draft = text
            start_ms, language = round(utterance.start_ms), result.language
            self._give(Transcript(text, False, start_ms, round(end_ms), language=language))


def _final(understood: Understood, end: _End) -> Transcript:
    words = understood.words
    return Transcript(
        understood.text,
        True,
        words[0].start_ms if words else round(end.start_ms),
        words[-1].end_ms if words else round(end.end_ms),
        understood.confidence,
        words,
        understood.language,
    )


def _trimmed(samples: Samples) -> Samples | None:
    """What there is without the silence around it; None when nothing of it may be speech."""
    cutter = splitter()
    pieces = [*cutter.feed(samples), *cutter.flush()]
    return pieces[0].samples if pieces and _may_be_speech(pieces[0].samples) else None


def _may_be_speech(samples: Samples) -> bool:
    """A model would find words in anything."""
    return _duration_ms(samples) >= SHORTEST_MS and _peak(samples) >= SILENT_PEAK


def _peak(samples: Samples) -> int:
    return max(int(samples.max()), -int(samples.min()))


def _duration_ms(samples: Samples) -> float:
    return PCM16_16K.duration_ms(samples.nbytes)
