"""A stream of many minutes in real time: is every word understood, once, and in its place?

    python -m tests.providers.stt.long_streams azure --minutes 11
    python -m tests.providers.stt.long_streams google --minutes 10.5 --finalize-every 0

A caller speaks numbered words to a recognizer of the catalogue, whose vendor is the stand-in, as
strict with long streams as the vendor is: it ends turns in which nobody speaks, and connections
that last too long. The caller says after every third sentence, or never, that an utterance is over,
leaves the others to the vendor, and falls silent now and then. Google, which begins anew each time
when it is told so, has its streams renewed for their age only where it is told never.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from bot.log import configure
from media.audio import ULAW_8K
from providers.catalog import STT, build_stt
from providers.types import SttOptions, SttStream, Transcript
from tests.providers.conformance.caller import said_in, utterances, words_of
from tests.providers.conformance.reach import access_to, remote
from tests.vendors.speech.oracle import OracleHearing
from tests.vendors.speech.recordings import computed_script
from tests.vendors.speech.script import Script

__all__ = ["Outcome", "long_stream", "main", "numbered"]

FRAME_MS = 20
WORDS = 5
SENTENCE_S = 3.2
PAUSE_MS = 1_000
FINALIZED_EVERY, SILENT_EVERY = 3, 8
SILENCE_S = 20.0
"""Longer than Azure lets a turn go on without a word."""


@dataclass(slots=True)
class Outcome:
    """What came of a stream.

    Attributes:
        said, heard: words, in their order.
        starts_ms: when each that was heard began, in the stream.
        connections: how many the vendor saw.
    """

    said: list[str]
    heard: list[str] = field(default_factory=list)
    starts_ms: list[int] = field(default_factory=list)
    connections: int = 0

    @property
    def lost(self) -> list[str]:
        """The words that were not understood."""
        return sorted({*self.said} - {*self.heard})

    @property
    def doubled(self) -> list[str]:
        """The words that were understood more than once."""
        return sorted({word for word in self.heard if self.heard.count(word) > 1})

    @property
    def is_right(self) -> bool:
        """Whether every word was understood once, in its order, and later than the one before."""
        in_time = all(one <= other for one, other in pairwise(self.starts_ms))
        return self.heard == self.said and in_time

    def __str__(self) -> str:
        return (
            f"{len(self.said)} words said, {len(self.heard)} heard, {len(self.lost)} lost, "
            f"{len(self.doubled)} doubled, {self.connections} connections"
        )


def numbered(minutes: float) -> Script:
    """Sentences for about so long, with the caller's silences; no two words are alike."""
    spoken_s = SENTENCE_S + SILENCE_S / SILENT_EVERY
    count = max(2, round(minutes * 60 / spoken_s))
    return computed_script(
        [
            " ".join(f"n{word:04d}" for word in range(at * WORDS, (at + 1) * WORDS))
            for at in range(count)
        ],
        pause_ms=PAUSE_MS,
    )


async def long_stream(
    name: str,
    minutes: float,
    frame_ms: int = FRAME_MS,
    finalize_every: int = FINALIZED_EVERY,
    **standin_options: Any,
) -> Outcome:
    """Speak for so long to a recognizer.

    Args:
        name: the catalogue's.
        minutes: about how long.
        frame_ms: how much audio is sent at a time.
        finalize_every: the caller says after so many sentences that one is over; 0 is never.
        standin_options: such as the stand-in's `limits`.

    Raises:
        ProviderError: the stream fails.
    """
    script, access = numbered(minutes), access_to(name)
    outcome = Outcome(said_in(script))
    standin = access.standin(OracleHearing(script), keep=False, **standin_options)
    async with standin:
        provider = build_stt(name, **access.settings(standin))
        async with provider.stream(SttOptions(audio=ULAW_8K)) as stream:
            listening = asyncio.create_task(_listen(stream, outcome))
            try:
                await _speak(stream, script, frame_ms, finalize_every)
                await stream.finish()
                await listening
            finally:
                listening.cancel()
                await asyncio.wait([listening])
        await provider.aclose()
        outcome.connections = len(standin.records[access.stt[name]])
    return outcome


async def _speak(stream: SttStream, script: Script, frame_ms: int, finalize_every: int) -> None:
    """As a telephone does: frame after frame, silence or not."""
    loop = asyncio.get_running_loop()
    size, due_s = ULAW_8K.byte_count(frame_ms), loop.time()
    for number, sentence in enumerate(utterances(script, ULAW_8K), 1):
        silence = b"" if number % SILENT_EVERY else ULAW_8K.silence(SILENCE_S * 1000)
        for audio in (sentence, silence):
            for at in range(0, len(audio), size):
                stream.send(audio[at : at + size])
                due_s += frame_ms / 1000
                await asyncio.sleep(due_s - loop.time())
            if audio == sentence and finalize_every and number % finalize_every == 0:
                stream.finalize()


async def _listen(stream: SttStream, outcome: Outcome) -> None:
    async for event in stream:
        if isinstance(event, Transcript) and event.final:
            for word in event.words:
                outcome.heard += words_of(word.text)
                outcome.starts_ms.append(word.start_ms)


def main(arguments: Sequence[str]) -> int:
    """Speak, and say what was understood; 1 when a word was lost or doubled."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.providers.stt.long_streams",
        description="A stream of many minutes, in real time, against a vendor's stand-in.",
    )
    parser.add_argument("name", choices=remote(STT))
    parser.add_argument("--minutes", type=float, default=11.0)
    parser.add_argument("--finalize-every", type=int, default=FINALIZED_EVERY, metavar="SENTENCES")
    given = parser.parse_args(arguments)
    configure("info")
    stream = long_stream(given.name, given.minutes, finalize_every=given.finalize_every)
    outcome = asyncio.run(stream)
    print(f"{given.name}: {outcome}")
    return 0 if outcome.is_right else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
