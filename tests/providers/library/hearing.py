"""Recognizers for tests of the library: what they hear is what a recording's script says."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from media.audio import AudioFormat, decode
from media.files import read_wav
from providers.ears import Ears
from providers.errors import ProviderError
from providers.fallback import Candidate, Fallback
from providers.options import SttOptions
from providers.results import AudioData, Container, TranscriptionResult, Word
from providers.stt.soniox import SonioxRecognizer
from providers.stt.streaming import StreamingStt
from providers.types import SttCapabilities, SttProvider
from tests.bot.engines import Level
from tests.vendors.soniox.standin import SonioxStandIn
from tests.vendors.speech.faults import Fault
from tests.vendors.speech.hearing import Listening, transcribe
from tests.vendors.speech.oracle import OracleHearing
from tests.vendors.speech.recordings import computed_script
from tests.vendors.speech.script import Script

__all__ = ["SCRIPT", "OracleDoor", "Timed", "ears", "remote", "said_in", "soniox"]

SCRIPT = computed_script(["Hello, this is Parley.", "How may I help you today?"], pause_ms=1_500)
"""Eight seconds."""

Timed = tuple[str, int, int]
"""A word, and when it began and ended, in ms."""


def said_in(script: Script) -> list[Timed]:
    """The words of a recording."""
    return [(word.text, word.start_ms, word.end_ms) for word in script.words]


def ears() -> Ears:
    """For which whatever is loud is speech."""
    return Ears(Level())


def remote(standin: SonioxStandIn) -> Candidate[SttProvider]:
    """Soniox, as far as the stand-in is it."""
    vendor = SonioxRecognizer(api_key=standin.api_key, stt_url=standin.stt_url)
    return Candidate("soniox", StreamingStt(vendor))


@asynccontextmanager
async def soniox(
    *faults: Fault, script: Script = SCRIPT
) -> AsyncIterator[tuple[SonioxStandIn, Fallback[SttProvider]]]:
    """Soniox' stand-in, and the way to it."""
    async with SonioxStandIn(OracleHearing(script), stt_faults=faults) as standin:
        yield standin, Fallback([remote(standin)])


@dataclass
class OracleDoor:
    """A door for whole recordings that knows one of them.

    Attributes:
        failures: raised, one by one, in the place of an answer.
        taken: what it was sent.
        models: which were asked for.
    """

    script: Script = SCRIPT
    containers: tuple[Container, ...] = ("wav",)
    max_bytes: int = 1 << 30
    max_ms: float | None = None
    raw: Sequence[AudioFormat] = ()
    failures: list[ProviderError] = field(default_factory=list)
    taken: list[AudioData] = field(default_factory=list)
    models: list[str | None] = field(default_factory=list)
    name: str = "door"

    @property
    def capabilities(self) -> SttCapabilities:
        return SttCapabilities(languages=("en-US",), audio=tuple(self.raw))

    async def transcribe(self, audio: AudioData, options: SttOptions) -> TranscriptionResult:
        self.taken.append(audio)
        self.models.append(options.model)
        if self.failures:
            raise self.failures.pop(0)
        assert audio.format is not None
        assert len(audio.data) <= self.max_bytes
        if audio.container == "wav":
            samples = read_wav(audio.data).samples[:, 0]
        else:
            samples = decode(audio.data, audio.format.encoding)
        hearing = OracleHearing(self.script)
        listening = Listening(audio.format, whole_words=True)
        tokens = await transcribe(hearing, samples.tobytes(), listening)
        words = tuple(
            Word(token.text.strip(), token.start_ms or 0, token.end_ms or 0, token.confidence)
            for token in tokens
        )
        text = "".join(token.text for token in tokens)
        return TranscriptionResult(text, self.name, len(samples) * 1e3 / 8_000, "en-US", 0.9, words)

    async def aclose(self) -> None:
        pass
