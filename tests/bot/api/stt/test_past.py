"""What another worker makes of what is kept of a session."""

from __future__ import annotations

from dataclasses import replace

import orjson

from bot.api.stt.asked import SessionRequest, from_config
from bot.api.stt.past import joined_of, told_of, values_of

ASKED = SessionRequest(
    language="fr-FR",
    provider=("deepgram", "soniox"),
    sample_rate_hz=8_000,
    encoding="mulaw",
    channels=2,
    stereo="split",
    chunk_bytes=320,
    interim_results=False,
    punctuation=True,
    profanity_filter=True,
    diarization=True,
    key_terms=("Parley",),
    phrases=("oui", "non"),
    silence_ms=500,
    buffer_ms=2_000,
    overlap_ms=100,
    model="nova-3",
    session_id="6f3dc4b8-0000-4000-8000-000000000000",
    after=7,
)


def test_a_request_is_the_same_when_it_was_kept() -> None:
    for asked in (ASKED, SessionRequest()):
        kept = orjson.loads(orjson.dumps(values_of(asked)))
        again = from_config(kept, SessionRequest())
        assert again == replace(asked, session_id=None, after=0)


def test_what_was_understood_is_put_together() -> None:
    said = [("good", 1.0, "en-US"), ("", None, None), ("day", 0.5, "en-US")]
    messages = [
        orjson.dumps({"text": text, "confidence": sure, "language": language})
        for text, sure, language in said
    ]
    whole = joined_of(messages).result("", 0)
    assert (whole.text, whole.language, whole.words) == ("good day", "en-US", ())
    assert whole.confidence == (4 * 1.0 + 3 * 0.5) / 7


def test_of_several_channels_it_is_known_how_far_each_was_understood() -> None:
    said = [(0, 900), (1, 2_000), (0, 1_500)]
    messages = [orjson.dumps({"channel": channel, "end_ms": end_ms}) for channel, end_ms in said]
    assert told_of(messages, 2) == {0: 1_500, 1: 2_000}
    assert told_of(messages[:1], 2) == {0: 900}
    assert told_of(messages, 1) == {}
