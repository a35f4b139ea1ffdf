"""What a recognition leaves behind when its vendor cannot be had any more."""

from __future__ import annotations

import pytest

from providers.stt.recognition import LONG_UTTERANCE_MS
from providers.types import Transcript
from tests.providers.leaks import served
from tests.vendors.speech.recordings import computed_script
from tests.virtual_time import virtual_time_on_sockets

from .streaming import listening, speak

SENTENCE = "My name is Angela Winterbottom, and I have a question about my last bill. "


@pytest.mark.parametrize("times", [2, 5])
def test_the_words_of_a_long_utterance_that_are_final(times: int) -> None:
    script = computed_script([SENTENCE * times], pause_ms=200)
    long = len(script.audio) / 8 > LONG_UTTERANCE_MS + 3_000

    @virtual_time_on_sockets
    async def lose() -> None:
        async with served(script) as standin, listening(standin) as listener:
            await speak(listener.stream, script.audio)
            await standin.vanish()
            assert (await listener.failure()).retryable
        *_, last = listener.events
        assert isinstance(last, Transcript)
        # Nothing is left of a short one: another recognizer hears its audio.
        assert [final.text for final in listener.finals] == ([last.text] if long else [])
        if long:
            assert last.final
            words = script.text.split()
            assert last.text.split() == words[: len(last.words)]
            assert len(words) - 5 < len(last.words) < len(words)

    lose()
