"""Ears and a voice that compute, in a thread of their own: they take real time, tests virtual.

While a thread is waited for, virtual time stands still: so what they need, on whatever machine, is
no delay of a vendor's.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

from media.audio import Samples
from tests.vendors.speech.hearing import Heard, Hearing, Listening, Recognizer
from tests.vendors.speech.sphinx import SphinxHearing
from tests.vendors.speech.voices import EspeakVoice, Speaking, Voice

from .remembering import Remembering

__all__ = ["Elsewhere", "ears", "elsewhere", "voice"]

DEADLINE_S = 50.0

T = TypeVar("T")


class Elsewhere:
    """An event loop that runs in another thread."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop

    def do(self, work: Coroutine[Any, Any, T]) -> T:
        """Do it there, and wait for it."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(DEADLINE_S)

    async def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Do it there, and let others go on meanwhile."""
        return await asyncio.get_running_loop().run_in_executor(None, self.do, work)


@contextmanager
def elsewhere() -> Iterator[Elsewhere]:
    """One, until the context is left."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="elsewhere")
    thread.start()
    try:
        yield Elsewhere(loop)
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


@contextmanager
def ears(there: Elsewhere, phrases: Sequence[str]) -> Iterator[Hearing]:
    """One PocketSphinx for all stand-ins."""
    sphinx = SphinxHearing(phrases, sphinx=Remembering())
    there.do(sphinx.start())
    try:
        yield _Ears(there, sphinx)
    finally:
        there.do(sphinx.aclose())


@contextmanager
def voice(there: Elsewhere) -> Iterator[Voice]:
    """One eSpeak for all stand-ins."""
    espeak = EspeakVoice()
    there.do(espeak.start())
    try:
        yield _Voice(there, espeak)
    finally:
        there.do(espeak.aclose())


class _Shared:
    """What a stand-in does not start, and does not end."""

    async def start(self) -> None:
        return

    async def aclose(self) -> None:
        return


class _Ears(_Shared):
    def __init__(self, there: Elsewhere, hearing: Hearing) -> None:
        self._there = there
        self._hearing = hearing

    async def listen(self, listening: Listening) -> Recognizer:
        return _Recognizer(self._there, await self._there.run(self._hearing.listen(listening)))


class _Recognizer:
    def __init__(self, there: Elsewhere, recognizer: Recognizer) -> None:
        self._there = there
        self._recognizer = recognizer

    @property
    def final_ms(self) -> int:
        return self._recognizer.final_ms

    @property
    def in_word(self) -> bool:
        return self._recognizer.in_word

    async def hear(self, audio: bytes) -> None:
        await self._there.run(self._recognizer.hear(audio))

    async def finalize(self) -> None:
        await self._there.run(self._recognizer.finalize())

    def take(self) -> Heard:
        return self._recognizer.take()

    async def aclose(self) -> None:
        await self._there.run(self._recognizer.aclose())


class _Voice(_Shared):
    by_sentence = EspeakVoice.by_sentence

    def __init__(self, there: Elsewhere, own: Voice) -> None:
        self._there = there
        self._own = own

    async def speak(self, text: str, speaking: Speaking) -> Samples:
        return await self._there.run(self._own.speak(text, speaking))
