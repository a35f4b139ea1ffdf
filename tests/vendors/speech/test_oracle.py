"""The recognizer that knows its recording, without a socket."""

from __future__ import annotations

import pytest

from media.audio import PCM16_16K, ULAW_8K, AudioFormat, Encoding

from .hearing import END, Listening, Token, transcribe
from .oracle import OracleDelays, OracleHearing
from .recordings import computed_script
from .script import Script

PIECE = 160
PCM16_24K = AudioFormat(Encoding.PCM16, 24_000)


async def understood(
    script: Script,
    audio: bytes,
    audio_format: AudioFormat | None = ULAW_8K,
    *,
    whole_words: bool = False,
) -> list[Token]:
    """What is final of some audio when it has ended, taken piece by piece."""
    recognizer = await OracleHearing(script, OracleDelays(final_ms=100)).listen(
        Listening(audio_format, endpoint_ms=2_000, whole_words=whole_words)
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
    for other in (
        AudioFormat(Encoding.ULAW, 16_000),
        AudioFormat(Encoding.ALAW, 8_000),
        AudioFormat(Encoding.PCM16, 44_100),
        PCM16_16K,
        None,
    ):
        assert await understood(script, script.audio, other) == []
    assert await understood(script, bytes(range(256)) * 200) == []


async def test_a_pause_is_no_turn_without_a_word(script: Script) -> None:
    last = script.words[-1].end_ms * 8
    assert await understood(script, script.audio[last:] + script.audio[:7_000]) == []


@pytest.mark.parametrize("audio_format", [AudioFormat(Encoding.PCM16, 8_000), PCM16_16K, PCM16_24K])
async def test_linear_audio_is_known_too(script: Script, audio_format: AudioFormat) -> None:
    linear = script.audio_in(audio_format)
    undisturbed = await understood(script, script.audio)
    assert await understood(script, linear, audio_format) == undisturbed
    # Neither as another rate nor as another encoding.
    assert await understood(script, linear, AudioFormat(Encoding.PCM16, 48_000)) == []
    assert await understood(script, linear, ULAW_8K) == []


async def test_tokens_may_be_whole_words(script: Script) -> None:
    tokens = await understood(script, script.audio, whole_words=True)
    spoken = [(token.text.strip(), token.start_ms, token.end_ms) for token in tokens]
    assert [one for one in spoken if one[0] != "<end>"] == [
        (word.text, word.start_ms, word.end_ms) for word in script.words
    ]


async def test_a_file_is_transcribed_at_once(script: Script) -> None:
    hearing = OracleHearing(script)
    tokens = await transcribe(hearing, script.audio, Listening(ULAW_8K))
    assert "".join(token.text for token in tokens) == script.text
    assert await transcribe(hearing, script.audio, Listening(None)) == []
