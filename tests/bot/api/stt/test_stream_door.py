"""`/stt/stream` on real sockets: what a client says, hears, and how it ends."""

from __future__ import annotations

import asyncio
import base64
from uuid import UUID, uuid4

import pytest
from structlog.testing import capture_logs
from websockets.exceptions import InvalidStatus

from bot.api.stt.faults import Fault
from bot.api.stt.socket_door import BREATHE
from bot.api.stt.stream_socket import SEND_S
from providers.errors import AuthenticationError
from tests.background import until
from tests.bot.engines import Recognizer
from tests.virtual_time import virtual_time_on_sockets

from .served import LOUD, QUIET, serving


async def test_a_session_from_its_start_to_its_end() -> None:
    async with serving(Recognizer(texts=["good morning"])) as service, service.client() as client:
        started = await client.hear()
        assert started["type"] == "session_started"
        assert str(UUID(started["session_id"])) == started["session_id"]
        assert (started["language"], started["provider"], started["sample_rate"]) == (
            "en-US", "recognizer", 16_000,
        )  # fmt: skip
        assert (started["resumed"], started["sequence"], started["audio_ms"]) == (False, 0, 0)
        await client.send(LOUD, QUIET)
        said = await client.hear()
        assert (said["type"], said["text"], said["is_final"]) == (
            "transcription", "good morning", True,
        )  # fmt: skip
        assert (said["sequence"], said["confidence"], said["language"]) == (1, 0.9, "en-US")
        await client.say("close")
        ended = await client.hear()
        assert (ended["type"], ended["reason"], ended["text"]) == (
            "session_ended", "client", "good morning",
        )  # fmt: skip
        assert (ended["audio_ms"], ended["sequence"]) == (2_000, 1)
        assert await client.closed() == (1000, "client")
        assert service.sessions.active == 0
        assert service.gate.open == []
        assert service.gate.used_ms == {started["session_id"]: 2_000}


async def test_interims_come_at_once_and_finals_stay() -> None:
    async with serving(Recognizer(utterances=False)) as service, service.client() as client:
        await client.hear("session_started")
        stream = service.engine.current
        stream.hear("good")
        first = await client.hear()
        assert (first["text"], first["is_final"], first["sequence"]) == ("good", False, 0)
        stream.hear("good morning", final=True, end_ms=900)
        final = await client.hear()
        assert (final["text"], final["is_final"], final["sequence"]) == ("good morning", True, 1)
        stream.hear("hm")
        assert (await client.hear())["sequence"] == 1
        stream.hear("", final=True)
        assert (await client.hear())["text"] == ""


async def test_who_asks_for_what_its_recognizer_cannot_do_is_told_so() -> None:
    asked = "key_terms=Parley&diarization=true&interim_results=false&silence_ms=400&model=large"
    async with serving(Recognizer()) as service, service.client(asked) as client:
        started = await client.hear()
        assert started["not_honoured"] == ["model", "diarization", "key_terms"]
        await client.say("config", diarization=False, phrases=["yes", "no"])
        applied = await client.hear("config_applied")
        assert applied["not_honoured"] == ["phrases", "model", "key_terms"]
        await client.say("config", phrases=[])
        assert (await client.hear("config_applied"))["not_honoured"] == ["model", "key_terms"]
    async with serving() as service, service.client() as client:
        assert (await client.hear())["not_honoured"] == []


async def test_audio_may_come_in_base64() -> None:
    async with serving(Recognizer(texts=["hello"])) as service, service.client() as client:
        await client.hear()
        for piece in (LOUD, QUIET):
            await client.say("audio", audio=base64.b64encode(piece).decode())
        assert (await client.hear("transcription"))["text"] == "hello"


async def test_finalize_is_answered_when_all_before_it_was_told() -> None:
    async with serving(Recognizer(texts=["he", "llo"])) as service, service.client() as client:
        await client.hear()
        await client.say("finalize")
        assert (await client.hear())["type"] == "finalized"  # there was nothing
        await client.send(LOUD)
        await client.say("finalize")
        assert (await client.hear())["text"] == "he"
        assert (await client.hear())["sequence"] == 1
        await client.say("keepalive")
        assert (await client.hear())["type"] == "keepalive"


@pytest.mark.parametrize(
    "message",
    ["", "{", "[]", '{"type": "fly"}', '{"type": "audio", "audio": "%%"}', '{"type": "audio"}',
     '{"type": "config", "language": "klingon"}', '{"type": "config", "sample_rate": 1}'],
)  # fmt: skip
async def test_wrong_messages_harm_nothing(message: str) -> None:
    async with serving(Recognizer(texts=["hello"])) as service, service.client() as client:
        await client.hear()
        await client.websocket.send(message)
        error = await client.hear()
        assert (error["type"], error["allowed"] is not None) == ("error", True)
        await client.send(LOUD, QUIET)
        assert (await client.hear())["text"] == "hello"


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("sample_rate=1", "bad_sample_rate"),
        ("encoding=vorbis", "bad_encoding"),
        ("language=xx-YY-ZZ", "bad_language"),
        ("language=de-DE", "unsupported_language"),
        ("channels=3", "bad_channels"),
        ("token=secret", "key_in_url"),
    ],
)
async def test_what_cannot_be_had_is_said_before_the_end(query: str, code: str) -> None:
    async with serving() as service, service.client(query) as client:
        error = await client.hear()
        assert (error["type"], error["code"]) == ("error", code)
        assert error["allowed"]
        assert await client.closed() == (1008, code)
        assert "secret" not in str(error)


async def test_whoever_may_not_is_refused_before_the_upgrade() -> None:
    async with serving() as service:
        service.gate.refusal = Fault("rate_limited", "wait", retry_after_s=2)
        with pytest.raises(InvalidStatus) as refused:
            async with service.client():
                pass
        assert refused.value.response.status_code == 429
        assert refused.value.response.headers["Retry-After"] == "2"
        assert b'"rate_limited"' in (refused.value.response.body or b"")
        # A page's script would not see that.
        async with service.client(origin="https://example.com") as client:
            assert (await client.hear())["code"] == "rate_limited"
            assert await client.closed() == (1013, "rate_limited")


async def test_who_comes_back_goes_on_with_what_it_missed() -> None:
    async with serving(Recognizer(texts=["one", "two", "three"])) as service:
        async with service.client() as client:
            session_id = (await client.hear())["session_id"]
            await client.send(LOUD, QUIET)
            assert (await client.hear())["text"] == "one"
            await client.send(LOUD, QUIET)
            await until(lambda: service.engine.current.finalized == 2)
            await client.send(LOUD)
            client.websocket.transport.abort()
        await service.settled()
        assert service.engine.open == 1
        assert service.gate.open == []
        async with service.client(f"session_id={session_id}&after=1") as client:
            started = await client.hear()
            assert (started["resumed"], started["sequence"]) == (True, 2)
            assert started["audio_ms"] == 5_000
            missed = await client.hear()
            assert (missed["text"], missed["sequence"]) == ("two", 2)
            assert service.gate.open == [session_id]
            await client.send(LOUD, QUIET)
            said = await client.hear()
            # Of the utterance in which the connection was lost all is heard, and once.
            assert (said["text"], said["sequence"]) == ("three", 3)
            assert 3_000 < said["start_ms"] < 5_000 < said["end_ms"] <= 7_000
            await client.say("close")
            ended = await client.hear()
            assert (ended["text"], ended["audio_ms"]) == ("one two three", 7_000)
        assert [stream.finalized for stream in service.engine.streams] == [3]


@virtual_time_on_sockets
async def test_what_came_is_understood_though_its_client_is_gone() -> None:
    async with serving(Recognizer(utterances=False)) as service:
        async with service.client() as client:
            session_id = (await client.hear())["session_id"]
            await client.send(*[LOUD] * 10)
            await asyncio.sleep(0.1)
            client.websocket.transport.abort()
            await asyncio.sleep(0.1)
            service.engine.current.hear("one", final=True)  # which cannot be told any more
        await asyncio.sleep(10)
        assert len(service.engine.current.audio) == 10 * len(LOUD)
        async with service.client(f"session_id={session_id}") as client:
            started = await client.hear()
            assert (started["audio_ms"], started["sequence"]) == (10_000, 1)


async def test_the_latest_connection_has_the_session() -> None:
    async with serving(Recognizer(texts=["one"])) as service, service.client() as client:
        session_id = (await client.hear())["session_id"]
        async with service.client(f"session_id={session_id}") as other:
            assert (await other.hear())["resumed"]
            assert (await client.hear())["code"] == "session_taken_over"
            assert await client.closed() == (1008, "session_taken_over")
            await other.send(LOUD, QUIET)
            assert (await other.hear())["text"] == "one"


async def test_sessions_of_others_and_of_nobody_are_not_there() -> None:
    async with serving() as service, service.client() as client:
        session_id = (await client.hear())["session_id"]
        for query, key in ((session_id, "another"), (str(uuid4()), "somebody")):
            headers = {"X-API-Key": key}
            async with service.client(f"session_id={query}", additional_headers=headers) as other:
                # Redis is away, so nobody knows.
                assert (await other.hear())["code"] == "store_away"


async def test_nobody_recognizes_any_more() -> None:
    async with serving(Recognizer(utterances=False)) as service, service.client() as client:
        session_id = (await client.hear())["session_id"]
        service.engine.current.hear("one", final=True)
        service.engine.current.fail(AuthenticationError("recognizer", "the key was refused"))
        assert (await client.hear())["text"] == "one"
        error = await client.hear()
        assert (error["type"], error["code"]) == ("error", "provider_failed")
        assert await client.closed() == (1011, "provider_failed")
        await service.settled()
        async with service.client(f"session_id={session_id}&after=1") as client:
            assert (await client.hear())["resumed"]


async def test_a_message_that_is_too_long() -> None:
    async with serving(stt_max_message_bytes=65_536) as service, service.client() as client:
        await client.hear()
        await client.send(bytes(65_536))
        await client.send(bytes(65_537))
        assert (await client.hear())["code"] == "message_too_large"
        assert await client.closed() == (1009, "message_too_large")


async def test_a_config_before_audio_may_change_all_and_later_some() -> None:
    async with serving(Recognizer(texts=["un", "deux"])) as service, service.client() as client:
        await client.hear()
        await client.say("config", encoding="mulaw", sample_rate=8000, language="fr-FR")
        applied = await client.hear()
        assert (applied["encoding"], applied["language"]) == ("mulaw", "fr-FR")
        await client.send(b"\x00" * 8_000, b"\xff" * 8_000)
        said = await client.hear()
        assert (said["text"], said["language"]) == ("un", "fr-FR")
        await client.say("config", encoding="alaw")
        assert (await client.hear())["code"] == "bad_config"
        await client.say("config", phrases=["deux"])
        assert (await client.hear())["phrases"] == ["deux"]
        assert service.engine.current.expected == [("deux",)]
        await client.say("config", language="en-US")
        await client.hear("config_applied")
        await client.send(b"\x00" * 8_000, b"\xff" * 8_000)
        said = await client.hear()
        assert (said["text"], said["language"], said["start_ms"] >= 2_000) == (
            "deux",
            "en-US",
            True,
        )


async def test_two_channels_are_two_speakers() -> None:
    left = b"\x00\x40\x00\x00" * 16_000
    right = b"\x00\x00\x00\x40" * 16_000
    silent = bytes(64_000)
    async with (
        serving(Recognizer(texts=["left", "right"])) as service,
        service.client("channels=2&stereo=split") as client,
    ):
        await client.hear()
        audio = left + silent + right + silent
        for at in range(0, len(audio), 63_999):  # in the midst of samples
            await client.send(audio[at : at + 63_999])
        for text, channel in (("left", 0), ("right", 1)):
            said = await client.hear()
            assert (said["text"], said["channel"]) == (text, channel)
        assert [len(stream.audio) > 0 for stream in service.engine.streams] == [True, True]


async def test_a_worker_that_ends_tells_and_leaves_nothing() -> None:
    async with serving(Recognizer(texts=["one"])) as service, service.client() as client:
        await client.hear()
        await client.send(LOUD, QUIET)
        await asyncio.sleep(0.05)
        draining = asyncio.create_task(service.sessions.drain())
        assert (await client.hear())["text"] == "one"
        assert (await client.hear())["code"] == "draining"
        assert await client.closed() == (1012, "draining")
        await draining
        async with service.client() as late:
            assert (await late.hear())["code"] == "draining"
            assert await late.closed() == (1012, "draining")


async def test_so_many_and_no_more() -> None:
    async with serving(stt_max_sessions=1) as service, service.client() as client:
        await client.hear()
        async with service.client() as other:
            error = await other.hear()
            assert (error["code"], error["retry_after_s"] > 0) == ("too_many_sessions", True)
            assert await other.closed() == (1013, "too_many_sessions")


@virtual_time_on_sockets
async def test_who_stops_reading_is_dropped_and_may_come_back() -> None:
    async with serving(Recognizer(utterances=False)) as service, service.client() as client:
        session_id = (await client.hear())["session_id"]
        stream = service.engine.current
        stream.hear("one", final=True)
        assert (await client.hear())["text"] == "one"
        client.websocket.transport.pause_reading()
        for number in range(100):
            stream.hear(f"{number} {'word ' * 20_000}", final=True)
        await asyncio.sleep(SEND_S + 1)
        assert service.engine.open == 0
        client.websocket.transport.abort()
        async with service.client(f"session_id={session_id}&after=100") as again:
            started = await again.hear()
            assert (started["resumed"], started["sequence"] >= 40) == (True, True)


def broken(*_: object) -> None:
    raise ValueError("broken")


async def test_what_nobody_expected_is_said_and_logged(monkeypatch: pytest.MonkeyPatch) -> None:
    with capture_logs() as logs:
        async with serving(Recognizer(utterances=False)) as service:
            async with service.client() as client:
                session_id = (await client.hear())["session_id"]
                monkeypatch.setattr(service.engine.current, "send", broken)
                await client.send(LOUD, LOUD)
                assert (await client.hear())["code"] == "internal"
                assert await client.closed() == (1011, "internal")
            await service.settled()
            async with service.client(f"session_id={session_id}") as client:
                assert (await client.hear())["resumed"]
            monkeypatch.setattr(service.sessions, "open", broken)
            async with service.client() as client:
                assert (await client.hear())["code"] == "internal"
                assert await client.closed() == (1011, "internal")
    assert [line["event"] for line in logs if line["log_level"] == "error"] == [
        "session failed",
        "session failed",
    ]


@virtual_time_on_sockets
async def test_who_stops_reading_and_is_lost_is_left_at_once() -> None:
    async with serving() as service, service.client() as client:
        session = service.sessions.get((await client.hear())["session_id"])
        assert session is not None
        client.websocket.transport.pause_reading()
        while not session._outbox._half_full:
            session.push(b"x" * 100_000)
            await asyncio.sleep(0)
        for _ in range(BREATHE + 1):
            await client.say("keepalive")
        await asyncio.sleep(0.1)
        client.websocket.transport.abort()
        await service.settled()
        assert (session.over, session.take_all()) == (False, [])
