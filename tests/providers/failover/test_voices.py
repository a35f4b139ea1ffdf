"""Every two voices with a stand-in: who fails is replaced, and what was heard is not said again."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import pytest

from media.audio import ULAW_8K
from providers.catalog import TTS, build_tts
from providers.errors import CutOffError, ProviderError
from providers.fallback import Candidate, Fallback
from providers.options import TtsOptions
from providers.tts.fallback import FallbackTts
from providers.types import TtsProvider
from tests.providers.conformance.reach import access_to, remote
from tests.vendors.speech.faults import Fault
from tests.vendors.speech.oracle import OracleHearing
from tests.vendors.speech.recordings import computed_script
from tests.vendors.speech.standin import StandIn
from tests.virtual_time import virtual_time_on_sockets

VOICES = sorted(remote(TTS))
PAIRS = [(name, VOICES[at - 1]) for at, name in enumerate(VOICES)]
SCRIPT = computed_script(["Nobody listens."])
FIRST, SECOND = "The first of two sentences.", "The second one."
MID_TEXT = Fault("reset", "audio", at_ms=300, at_bytes=4_800)
GONE = [Fault("refuse")] * 50


def may_break_off(name: str) -> bool:
    """Whether it may in the midst of a text."""
    access = access_to(name)
    return access.tts[name] not in access.whole


@asynccontextmanager
async def voice(name: str) -> AsyncIterator[tuple[Candidate[TtsProvider], StandIn, str]]:
    """A synthesizer, its stand-in, and the service there."""
    access = access_to(name)
    async with access.standin(OracleHearing(SCRIPT)) as standin:
        provider = build_tts(name, **access.settings(standin))
        try:
            yield Candidate(name, provider), standin, access.tts[name]
        finally:
            await provider.aclose()


async def say(face: FallbackTts, text: str) -> bytes:
    return b"".join([chunk.audio async for chunk in face.synthesize(text, TtsOptions())])


async def alone(candidate: Candidate[TtsProvider], text: str) -> bytes:
    """What one says without the other."""
    return await say(FallbackTts(Fallback([candidate]), audio=ULAW_8K), text)


class _Used(list[str]):
    """Notes who spoke."""

    def uses(self, name: str) -> None:
        self.append(name)

    def failed(self, name: str, error: ProviderError) -> None:
        self.append(f"{name} failed")


@pytest.mark.parametrize("pair", PAIRS, ids="+".join)
def test_who_is_gone_is_replaced_from_the_texts_start(pair: tuple[str, str]) -> None:
    @virtual_time_on_sockets
    async def speak() -> None:
        async with AsyncExitStack() as stack:
            (one, standin, _), (other, _, _) = [
                await stack.enter_async_context(voice(name)) for name in pair
            ]
            await standin.vanish()
            used = _Used()
            face = FallbackTts(Fallback([one, other]), audio=ULAW_8K, follower=used)
            said = await say(face, FIRST)
            assert said == await alone(other, FIRST)
            assert used == [f"{pair[0]} failed", pair[1]]
            assert not one.health.well

    speak()


@pytest.mark.parametrize("pair", [p for p in PAIRS if may_break_off(p[0])], ids="+".join)
def test_who_breaks_off_is_not_begun_again_and_the_next_text_is_anothers(
    pair: tuple[str, str],
) -> None:
    @virtual_time_on_sockets
    async def speak() -> None:
        async with AsyncExitStack() as stack:
            (one, standin, service), (other, _, _) = [
                await stack.enter_async_context(voice(name)) for name in pair
            ]
            standin.misbehave(MID_TEXT, *GONE, service=service)
            used = _Used()
            face = FallbackTts(Fallback([one, other]), audio=ULAW_8K, follower=used)
            with pytest.raises(CutOffError):
                await say(face, FIRST)
            assert await say(face, SECOND) == await alone(other, SECOND)
            assert used == [pair[0], f"{pair[0]} failed", pair[1]]

    speak()
