"""Who speaks: a script's audio as it comes in a call, its voice activity, and what is heard."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from media.audio import ulaw_to_pcm
from media.energy import Energy
from media.vad import SpeechEvent, SpeechStarted
from providers.ears import Ears
from providers.errors import ProviderError
from providers.fallback import Fallback
from providers.options import SttOptions
from providers.stt.relay import Relay
from providers.types import SttEvent, SttProvider, Transcript, Word
from tests.vendors.speech.script import Script

__all__ = ["Speaker"]

FRAME_MS = 40
ENDPOINT_MS = 700


class Speaker:
    """Speaks a script to a relay, and notes what comes of it.

    Args:
        stt: who may listen.
        script: what is said.
        phrases: what may be said, for those that choose among phrases.

    Attributes:
        finals: what was understood for good, in order, on the speaker's clock.
        used: who listened, one after the other.
        failures: who failed, and how.
        lost_ms: how much audio nobody got.
    """

    def __init__(
        self, stt: Fallback[SttProvider], script: Script, phrases: tuple[str, ...] = ()
    ) -> None:
        self.finals: list[Transcript] = []
        self.used: list[str] = []
        self.failures: list[tuple[str, str]] = []
        self._script = script
        self._relay = Relay(stt, SttOptions(audio=script.format, phrases=phrases), self)
        self._ears = Ears(Energy())
        self._vad = self._ears.open(self._heard_speech)
        self._silent_since_ms: float | None = None

    @property
    def words(self) -> list[Word]:
        """All words that were understood for good."""
        return [word for final in self.finals for word in final.words]

    @property
    def text(self) -> str:
        """All that was understood for good."""
        return " ".join(final.text for final in self.finals if final.text)

    @property
    def lost_ms(self) -> float:
        return self._relay.lost_ms

    async def speak(self, events: dict[float, Callable[[], Awaitable[None]]]) -> None:
        """Say it all, in real time, and do what is due when so many ms were said.

        Raises:
            ProviderError: nobody listens any more.
        """
        async with asyncio.TaskGroup() as group:
            listening = group.create_task(self._relay.run(self._understood))
            loop = asyncio.get_running_loop()
            began_s = loop.time()
            size = self._script.format.byte_count(FRAME_MS)
            for number, at in enumerate(range(0, len(self._script.audio), size)):
                await asyncio.sleep(began_s + number * FRAME_MS / 1000 - loop.time())
                for due_ms in [due for due in events if due <= number * FRAME_MS]:
                    await events.pop(due_ms)()
                self._hear(self._script.audio[at : at + size])
            await self._relay.finish()
            await listening
        self._vad.close()
        self._ears.close()

    def _hear(self, ulaw: bytes) -> None:
        relay = self._relay
        relay.feed(ulaw, relay.fed_ms + FRAME_MS)
        self._vad.feed(ulaw_to_pcm(ulaw))
        silent_ms = self._silent_since_ms
        if silent_ms is not None and relay.fed_ms - silent_ms >= ENDPOINT_MS:
            self._silent_since_ms = None
            relay.finalize()

    def _heard_speech(self, event: SpeechEvent) -> None:
        if isinstance(event, SpeechStarted):
            self._silent_since_ms = None
            self._relay.speech_started(event.at_ms)
        else:
            self._silent_since_ms = event.at_ms
            self._relay.speech_stopped(event.at_ms)

    def _understood(self, event: SttEvent) -> None:
        event = self._relay.on_clock(event)
        if isinstance(event, Transcript) and event.final:
            self.finals.append(event)

    # The `Follower`

    def uses(self, name: str) -> None:
        self.used.append(name)

    def failed(self, name: str, error: ProviderError) -> None:
        self.failures.append((name, type(error).__name__))
