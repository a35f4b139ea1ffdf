"""The one batcher of voice activity detection in the process: all live calls are judged together.

A call's shell feeds its caller's audio, frame by frame, into its `Listener`: a copy into an
array that all calls share, nothing more. When somebody has a whole window, `Ears` arms a
timer; its tick judges every window that waits in one run of the model and calls back those for
whom speech started or stopped. One run for 16 calls costs a third of 16 runs for one (onnxruntime's
own overhead is most of a window's price), and no call needs a task or a queue.
"""

from __future__ import annotations

import asyncio
import contextvars
from collections import deque
from collections.abc import Callable
from functools import partial

import numpy as np
import structlog

from media.audio import Samples
from media.vad import (
    WINDOW,
    WINDOW_MS,
    Model,
    SpeechDetector,
    SpeechEvent,
)

from .errors import CapacityError

__all__ = ["Ears", "Listener"]

log = structlog.get_logger(__name__)

OnEvent = Callable[[SpeechEvent], None]
OnJudged = Callable[[], None]

_TICK_S = 0.010
_WINDOWS = 32
_SAMPLES = WINDOW * _WINDOWS
# Larger batches gain nothing (measured: 16 to 64 cost the same a window), and after a stall the
# event loop must breathe: four batches take a few milliseconds.
_BATCH = 64
_BATCHES_PER_TICK = 4
_FIRST_CAPACITY = 16


class Listener:
    """One call's ear: opened by `Ears.open`, fed by the call, closed when the call ends."""

    __slots__ = (
        "_context",
        "_detector",
        "_ears",
        "_judged",
        "_on_event",
        "_on_judged",
        "_ring",
        "_slot",
        "_waiting",
        "_written",
    )

    def __init__(
        self,
        ears: Ears,
        slot: int,
        on_event: OnEvent,
        on_judged: OnJudged | None,
        detector: SpeechDetector,
    ) -> None:
        self._ears = ears
        self._slot = slot
        self._on_event = on_event
        self._on_judged = on_judged
        self._detector = detector
        # A tick runs in whichever call's context armed it; events belong to this one's.
        self._context = contextvars.copy_context()
        self._ring: Samples = ears._rings[slot]
        self._written = 0
        self._judged = 0
        self._waiting = False

    @property
    def speaking(self) -> bool:
        """Whether the caller is speaking, as far as the audio has been judged."""
        return self._detector.speaking

    @property
    def last_speech_ms(self) -> int | None:
        """When the caller's speech was last heard, on the audio's clock; `None` if never."""
        return self._detector.last_speech_ms

    @property
    def judged_ms(self) -> int:
        """How far the audio has been judged, on its clock: 0 is the first sample fed."""
        return self._judged * WINDOW_MS

    def feed(self, samples: Samples) -> None:
        """Take the caller's next samples: 8 kHz, int16, shape [n], any n.

        Samples are the clock: audio that was lost on the way must be made up with silence. When
        more than a second waits to be judged, it is judged at once, before this returns.

        Raises:
            RuntimeError: the listener is closed, or `on_event` calls this with that much waiting.
        """
        if self._slot < 0:
            raise RuntimeError("this listener is closed: nobody hears what is fed to it")
        size = len(samples)
        start = self._written % _SAMPLES
        end = start + size
        if end > _SAMPLES or self._written + size - self._judged * WINDOW > _SAMPLES:
            self._feed_piecewise(samples)
            return
        self._ring[start:end] = samples
        self._written += size
        if not self._waiting and self._written - self._judged * WINDOW >= WINDOW:
            self._ears._await_tick(self)

    def _feed_piecewise(self, samples: Samples) -> None:
        while len(samples):
            room = self._judged * WINDOW + _SAMPLES - self._written
            if not room:
                self._ears._catch_up()
                continue
            piece = samples[: min(room, _SAMPLES - self._written % _SAMPLES)]
            samples = samples[len(piece) :]
            self.feed(piece)

    def judge(self) -> None:
        """Judge at once all whole windows that wait, and those of all others."""
        self._ears._catch_up()

    def close(self) -> None:
        """Give back the place. Nothing is called back any more, not even from a tick under way."""
        if self._slot >= 0:
            self._ears._release(self, self._slot)
            self._slot = -1


class Ears:
    """Judges the audio of all listeners of this process, on the event loop's own thread.

    A tick runs as soon as a window is whole, but at most every 10 ms: a lone call does not wait, a
    hundred are judged together.

    Args:
        model: says what speech is (`providers.vad.load_model`).
        max_calls: how many listeners may be open.
    """

    def __init__(self, model: Model, *, max_calls: int = 1024) -> None:
        self.model = model
        self.windows = 0
        """How many windows were judged."""
        self.batches = 0
        """In how many runs of the model."""
        self.callback_errors = 0
        """How many callbacks raised."""
        self._max_calls = max_calls
        self._rings = np.empty((0, _SAMPLES), np.int16)
        self._listeners: dict[int, Listener] = {}
        self._free: list[int] = []
        self._pending: deque[Listener] = deque()
        self._timer: asyncio.TimerHandle | None = None
        self._next_tick_s = 0.0
        self._calling_back = False

    def open(
        self,
        on_event: OnEvent,
        *,
        on_judged: OnJudged | None = None,
        detector: SpeechDetector | None = None,
    ) -> Listener:
        """Listen to one more call, from the event loop's thread.

        `on_event` is called from a tick, in the context (`contextvars`) of this call, while
        `Listener.judged_ms` is where the event became sure; `on_judged` when all that was fed was
        judged. They must not block and may close listeners; what they raise is logged and counted,
        and hurts nobody else.

        Raises:
            CapacityError: `max_calls` listeners are open.
        """
        if not self._free:
            self._grow()
        slot = self._free.pop()
        self.model.forget(slot)
        listener = Listener(self, slot, on_event, on_judged, detector or SpeechDetector())
        self._listeners[slot] = listener
        return listener

    def close(self) -> None:
        """Close every listener and the timer. What waits is not judged any more."""
        for listener in list(self._listeners.values()):
            listener.close()
        self._pending.clear()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _grow(self) -> None:
        old = len(self._rings)
        if old >= self._max_calls:
            raise CapacityError(
                "providers",
                f"all {old} listeners are taken",
                hint="end one, or raise max_calls",
            )
        new = min(max(_FIRST_CAPACITY, 2 * old), self._max_calls)
        rings = np.zeros((new, _SAMPLES), np.int16)
        rings[:old] = self._rings
        self._rings = rings
        for slot, listener in self._listeners.items():
            listener._ring = rings[slot]
        self.model.reserve(new)
        self._free.extend(range(new - 1, old - 1, -1))

    def _release(self, listener: Listener, slot: int) -> None:
        del self._listeners[slot]
        self._free.append(slot)
        if listener._waiting:
            self._pending.remove(listener)

    def _await_tick(self, listener: Listener) -> None:
        listener._waiting = True
        self._pending.append(listener)
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_at(self._next_tick_s, self._tick)

    def _tick(self) -> None:
        loop = asyncio.get_running_loop()
        self._timer = None
        for _ in range(_BATCHES_PER_TICK):
            if not self._pending:
                break
            self._judge()
        now_s = loop.time()
        # After a stall the rest comes next, once the loop has seen to everybody else.
        self._next_tick_s = now_s if self._pending else now_s + _TICK_S
        if self._pending and self._timer is None:
            self._timer = loop.call_at(now_s, self._tick)

    def _catch_up(self) -> None:
        if self._calling_back:
            raise RuntimeError("feed() was called from on_event with more than a second waiting")
        while self._pending:
            self._judge()

    def _judge(self) -> None:
        """Judge one window of each listener that waits, up to a batch of them."""
        batch = [self._pending.popleft() for _ in range(min(_BATCH, len(self._pending)))]
        slots = np.fromiter((listener._slot for listener in batch), np.intp, len(batch))
        nexts = np.fromiter((listener._judged for listener in batch), np.intp, len(batch))
        windows = self._rings.reshape(-1, _WINDOWS, WINDOW)[slots, nexts % _WINDOWS]
        # Before the model runs: should it raise, these windows are lost and nobody stays stuck.
        for listener in batch:
            listener._judged += 1
            listener._waiting = False
        probabilities = self.model.infer(windows, slots).tolist()
        self.windows += len(batch)
        self.batches += 1
        happened: list[tuple[Listener, SpeechEvent]] = []
        through: list[tuple[Listener, OnJudged]] = []
        for listener, probability in zip(batch, probabilities, strict=True):
            event = listener._detector.feed(probability, listener.judged_ms)
            if event is not None:
                happened.append((listener, event))
            if listener._written - listener._judged * WINDOW >= WINDOW:
                listener._waiting = True
                self._pending.append(listener)
            elif listener._on_judged is not None:
                through.append((listener, listener._on_judged))
        self._calling_back = True
        try:
            for listener, event in happened:
                told = partial(listener._on_event, event)
                listener._context.run(self._call_back, listener, told, type(event).__name__)
            for listener, on_judged in through:
                listener._context.run(self._call_back, listener, on_judged, "all")
        finally:
            self._calling_back = False

    def _call_back(self, listener: Listener, told: Callable[[], None], heard: str) -> None:
        if listener._slot < 0:
            return
        try:
            told()
        except Exception:
            self.callback_errors += 1
            log.exception("listener failed", heard=heard)
