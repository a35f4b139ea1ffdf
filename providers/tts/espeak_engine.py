"""The one thread of the process that calls libespeak-ng, and how audio gets from it to callers.

Nobody waits for a slow listener in that thread: an utterance is a bounded piece of text, and its
audio (500 times faster than it plays) goes whole into the utterance's own list.
"""

from __future__ import annotations

import asyncio
import atexit
import threading
from collections import deque
from collections.abc import AsyncGenerator
from concurrent.futures import Future
from dataclasses import dataclass
from queue import SimpleQueue

from ..errors import CapacityError, DeadlineError, MissingKeyError, ProviderError, UnavailableError
from .espeak_lib import EspeakVoice, Library, LibraryError, WordEvent

__all__ = ["PROVIDER", "Engine", "Inventory", "Utterance", "acquire", "release"]

PROVIDER = "espeak"
MAX_WAITING = 256
ANSWER_DEADLINE_S = 5.0
EXIT_DEADLINE_S = 1.0

Piece = tuple[bytes, list[WordEvent]]

_engines_lock = threading.Lock()
_engine: Engine | None = None
_users = 0
# Held by an owner thread as long as it lives, so that the next one cannot overlap with it.
_library_lock = threading.Lock()


@dataclass(frozen=True, slots=True)
class Inventory:
    """What the loaded library offers."""

    voices: tuple[EspeakVoice, ...]
    variants: tuple[str, ...]


class Utterance:
    """One text to be spoken, and its audio on the way to the event loop that asked for it."""

    def __init__(self, text: str, *, voice: str, words_per_minute: int, end_pause: bool) -> None:
        self.text = text
        self.voice = voice
        self.words_per_minute = words_per_minute
        self.end_pause = end_pause
        self.cancelled = False
        self._pieces: deque[Piece | ProviderError | None] = deque()
        self._loop = asyncio.get_running_loop()
        self._ready = asyncio.Event()
        self._waking = False

    async def pieces(self) -> AsyncGenerator[Piece, None]:
        """The audio and its words, piece by piece; leaving early stops the synthesis.

        Raises:
            ProviderError: as the engine gave it, or `DeadlineError` when nothing came for 5 s.
        """
        try:
            while True:
                await self._arrival()
                while self._pieces:
                    piece = self._pieces.popleft()
                    if piece is None:
                        return
                    if isinstance(piece, ProviderError):
                        raise piece
                    yield piece
        finally:
            self.cancelled = True

    async def _arrival(self) -> None:
        try:
            async with asyncio.timeout(ANSWER_DEADLINE_S):
                await self._ready.wait()
        except TimeoutError:
            raise DeadlineError(
                PROVIDER, f"no audio within {ANSWER_DEADLINE_S:g} s: the engine is overloaded"
            ) from None
        self._ready.clear()

    def put(self, piece: Piece | ProviderError | None) -> None:
        """Hand over a piece, a failure, or the end (None). May be called from any thread."""
        self._pieces.append(piece)
        if self._waking:
            return
        self._waking = True
        try:
            self._loop.call_soon_threadsafe(self._wake)
        except RuntimeError:  # the loop is closed: nobody listens any more
            self.cancelled = True

    def _wake(self) -> None:
        self._waking = False
        self._ready.set()


class Engine:
    """The owner thread. Build it with `acquire`, which keeps it the only one of the process."""

    def __init__(self, library_path: str, data_path: str) -> None:
        self.started: Future[Inventory] = Future()
        self.stopped: Future[None] = Future()
        for future in (self.started, self.stopped):
            # From now on one of several that wait for it cannot cancel it for the others.
            future.set_running_or_notify_cancel()
        self._paths = (library_path, data_path)
        self._waiting: SimpleQueue[Utterance | None] = SimpleQueue()
        self._stopping = False
        # A daemon, so that a process may exit whatever the library is doing.
        self._thread = threading.Thread(target=self._run, name="espeak", daemon=True)
        self._thread.start()
        atexit.register(self._exit)

    def submit(self, utterance: Utterance) -> None:
        """Queue an utterance.

        Raises:
            CapacityError: too many are waiting.
        """
        if self._waiting.qsize() >= MAX_WAITING:
            raise CapacityError(PROVIDER, f"{MAX_WAITING} texts are waiting to be spoken")
        self._waiting.put(utterance)

    def stop(self) -> None:
        """Fail what is waiting, unload the library and end the thread. Does not wait for it."""
        self._stopping = True
        self._waiting.put(None)
        atexit.unregister(self._exit)

    def _exit(self) -> None:
        self.stop()
        self._thread.join(EXIT_DEADLINE_S)

    def _run(self) -> None:
        with _library_lock:
            try:
                library = Library(*self._paths)
                inventory = Inventory(library.voices(), library.variants())
            except LibraryError as error:
                self.started.set_exception(_not_loaded(error))
            else:
                self.started.set_result(inventory)
                while (utterance := self._waiting.get()) is not None:
                    self._speak(library, utterance)
                library.close()
        self.stopped.set_result(None)

    def _speak(self, library: Library, utterance: Utterance) -> None:
        if self._stopping:
            utterance.put(UnavailableError(PROVIDER, "the engine was closed", retryable=False))
            return
        if utterance.cancelled:
            return

        def sink(audio: bytes, words: list[WordEvent]) -> bool:
            if audio or words:
                utterance.put((audio, words))
            return not (utterance.cancelled or self._stopping)

        try:
            library.speak(
                utterance.text,
                sink,
                voice=utterance.voice,
                words_per_minute=utterance.words_per_minute,
                end_pause=utterance.end_pause,
            )
        except LibraryError as error:
            utterance.put(UnavailableError(PROVIDER, str(error), retryable=False))
        else:
            stopped = UnavailableError(PROVIDER, "the engine was closed", retryable=False)
            utterance.put(stopped if self._stopping else None)


def acquire(library_path: str, data_path: str) -> Engine:
    """The engine of this process; each `acquire` is paired with one `release`."""
    global _engine, _users
    with _engines_lock:
        if _engine is None:
            _engine = Engine(library_path, data_path)
        _users += 1
        return _engine


def release() -> Future[None]:
    """Give the engine back. The last one to do so stops it; the future tells when it is gone."""
    global _engine, _users
    with _engines_lock:
        assert _engine is not None, "release without acquire"
        _users -= 1
        if _users > 0:
            done: Future[None] = Future()
            done.set_result(None)
            return done
        engine, _engine = _engine, None
    engine.stop()
    return engine.stopped


def _not_loaded(error: LibraryError) -> ProviderError:
    return MissingKeyError(PROVIDER, str(error), hint="pip install 'parley[espeak]'")
