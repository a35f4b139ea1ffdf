from __future__ import annotations

from datetime import UTC, datetime

import orjson

from bot.api.stt import messages
from bot.api.stt.asked import SessionRequest
from bot.api.stt.faults import Fault
from providers.results import Word

ID = "6f1c2c0e-9f55-4d3a-8b58-0d3f0a0a0a0a"
NOW = datetime(2026, 11, 22, 3, 4, 5, tzinfo=UTC)
SAID = messages.Transcription(
    session_id=ID,
    sequence=1,
    text="good morning",
    is_final=True,
    confidence=0.75,
    language=None,
    timestamp=NOW,
    start_ms=0,
    end_ms=900,
    words=(Word("good", 0, 400),),
    provider="deepgram",
    channel=0,
)


def test_a_message_says_first_what_it_is_and_has_all_fields() -> None:
    text = messages.render(SAID)
    assert text.startswith(b'{"type":"transcription",')
    said = orjson.loads(text)
    assert said["timestamp"] == "2026-11-22T03:04:05Z"
    assert said["language"] is None
    assert said["words"] == [
        {"text": "good", "start_ms": 0, "end_ms": 400, "confidence": None, "speaker": None}
    ]


def test_what_was_said_is_not_shown() -> None:
    ended = messages.SessionEnded(
        session_id=ID,
        reason="client",
        text="good morning",
        confidence=None,
        audio_ms=900,
        sequence=1,
        timestamp=NOW,
    )
    assert "morning" not in repr(SAID) + repr(ended)
    assert "good" not in repr(SAID)


def test_a_session_starts_as_it_was_asked_for() -> None:
    request = SessionRequest(language="fr-CA", encoding="webm", ignored=("vad",))
    started = messages.SessionStarted.of(
        request, session_id=ID, provider="soniox", expires_after_s=300.0
    )
    assert (started.language, started.encoding, started.ignored) == ("fr-CA", "webm", ("vad",))
    assert (started.resumed, started.sequence, started.audio_ms) == (False, 0, 0)
    ready = messages.AsrReady.of(request, session_id=ID, provider="soniox")
    assert orjson.loads(messages.render(ready)) == {
        "type": "metadata",
        "status": "ready",
        "session_id": ID,
        "language_code": "fr-CA",
        "sample_rate_hertz": 16_000,
        "encoding": "webm",
        "provider": "soniox",
        "ignored": ["vad"],
    }


def test_each_door_has_its_own_word_for_what_is_wrong() -> None:
    fault = Fault("bad_channels", "one or two", allowed=[1, 2])
    told = {"type": "error", "code": "bad_channels", "timestamp": 1.5, "allowed": [1, 2]}
    assert orjson.loads(messages.error(fault, 1.5)) == {**told, "error": "one or two"}
    assert orjson.loads(messages.asr_error(fault, 1.5)) == {**told, "detail": "one or two"}
