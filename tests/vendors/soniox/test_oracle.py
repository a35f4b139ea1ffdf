"""The recognizer that knows its recording, without a socket."""

from __future__ import annotations

from .hearing import END, Token
from .oracle import OracleDelays, OracleHearing
from .recordings import computed_script
from .script import Script
from .stt_config import SttConfig
from .talking import CONFIG

PIECE = 160


async def understood(script: Script, audio: bytes, **more: object) -> list[Token]:
    """What is final of some audio when it has ended, taken piece by piece."""
    recognizer = await OracleHearing(script, OracleDelays(final_ms=100)).listen(
        SttConfig.model_validate({**CONFIG, **more})
    )
    tokens: list[Token] = []
    for at in range(0, len(audio), PIECE):
        await recognizer.hear(audio[at : at + PIECE])
        tokens += recognizer.take().final
    await recognizer.finalize()
    return [*tokens, *recognizer.take().final]


def words(tokens: list[Token]) -> list[str]:
    return "".join(token.text for token in tokens if token != END).split()


async def test_a_replay_from_any_word_goes_on_with_it(script: Script) -> None:
    said = [word.text for word in script.words]
    for number, word in enumerate(script.words):
        at = word.start_ms * 8
        tokens = await understood(script, script.audio[at:])
        assert words(tokens) == said[number:]
        # Times are those of this stream.
        assert tokens[0].start_ms == 0
        for later, spoken in ((at + 1, said[number + 1 :]), (at - 1, said[number:])):
            assert words(await understood(script, script.audio[later:])) == spoken


async def test_a_stream_that_ends_in_a_word_has_only_pieces_of_it(script: Script) -> None:
    word = script.words[3]
    middle_ms = (word.start_ms + word.end_ms) // 2
    tokens = await understood(script, script.audio[: middle_ms * 8])
    assert words(tokens) == ["Hello,", "this", "is", "Par"]


async def test_a_word_that_breaks_off_is_none(script: Script) -> None:
    word = script.words[3]
    middle = (word.start_ms + word.end_ms) // 2 * 8
    noise = computed_script(["Something else entirely."]).audio[8_000:]
    tokens = await understood(script, script.audio[:middle] + noise)
    assert words(tokens) == ["Hello,", "this", "is"]


async def test_nothing_is_known_of_another_format(script: Script) -> None:
    assert await understood(script, script.audio, sample_rate=16_000) == []
    assert await understood(script, script.audio, audio_format="alaw") == []
    assert await understood(script, bytes(range(256)) * 200) == []


async def test_a_pause_is_no_turn_without_a_word(script: Script) -> None:
    last = script.words[-1].end_ms * 8
    assert await understood(script, script.audio[last:] + script.audio[:7_000]) == []
