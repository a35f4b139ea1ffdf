"""What Twilio is answered, on a real Redis and without one."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from redis.asyncio import Redis
from structlog.testing import capture_logs

from bot.dialog.types import Ended, Hangup, HistoryEntry, SendDigits, Transfer
from bot.record import Record
from bot.store import Store, StoreUnavailable
from bot.telephony.decision import MAX_HOPS, MAX_RECONNECTS, MAX_WAITS, RECONNECT_WINDOW_S
from bot.telephony.facts import asked_key, refusal_key
from bot.telephony.pending import Leaving, Move, SayByTwilio, dump_pending
from bot.telephony.token import TTL_S, derive_key, verify
from bot.write_behind import Backlog
from providers import catalog

from .deployment import (
    ACCOUNT,
    AUTH_TOKEN,
    CALL,
    NEXT_URL,
    Deployment,
    parameters,
    path_of,
    refusals,
    settings,
    tags,
    target,
)

RUNNING = {"CallStatus": "in-progress"}
CONNECT = ["Connect", "Redirect"]


def generation(deployment: Deployment, token: str) -> int:
    claims = verify([derive_key(AUTH_TOKEN)], token, deployment.now_s)
    assert (claims.call_sid, claims.account_sid) == (CALL, ACCOUNT)
    return claims.generation


async def stream_over(
    deployment: Deployment, pending: Leaving | None = None, turns: int = 0, number: int = 1
) -> None:
    """The call had a stream, which left its record so."""
    taken = await deployment.store.take(CALL, "worker-1", number)
    record = taken.record or Record(CALL)
    record.generation = number
    record.pending = dump_pending(pending) if pending else None
    record.turns = turns
    await deployment.store.commit(record)


# Voice


async def test_voice_connects_the_first_stream_and_keeps_the_call(deployment: Deployment) -> None:
    verbs = await deployment.ask("/twilio/voice")
    assert tags(verbs) == CONNECT
    given = parameters(verbs)
    assert generation(deployment, given.pop("token")) == 1
    assert given == {"from": "+15550001111", "to": "+15551234567", "direction": "inbound"}
    record = await deployment.store.load(CALL)
    assert record is not None
    assert (record.account_sid, record.from_number, record.to_number, record.generation) == (
        ACCOUNT,
        "+15550001111",
        "+15551234567",
        0,
    )
    assert (record.status, record.dialog, record.ended) == ("ringing", "echo", None)


async def test_the_called_number_chooses_the_bot(tmp_path: Path, store: Store) -> None:
    numbers = {"+15551234567": {"dialog": "script:x.toml", "language": "de-DE"}}
    deployment = Deployment(settings(tmp_path, numbers=numbers), store)
    await deployment.ask("/twilio/voice")
    record = await store.load(CALL)
    assert record is not None
    assert (record.dialog, record.language) == ("script:x.toml", "de-DE")


async def test_an_outbound_call_keeps_the_record_made_for_it(deployment: Deployment) -> None:
    made = Record(CALL, direction="outbound", parameters={"order": "42"}, status="queued")
    await deployment.store.commit(made)
    verbs = await deployment.ask("/twilio/voice", {"Direction": "outbound-api"})
    given = parameters(verbs)
    assert (given["order"], given["direction"]) == ("42", "outbound")
    record = await deployment.store.load(CALL)
    assert record is not None
    assert record.parameters == {"order": "42"}


async def test_voice_for_a_call_that_had_a_stream_goes_on_with_it(deployment: Deployment) -> None:
    await stream_over(deployment, number=4)
    verbs = await deployment.ask("/twilio/voice", RUNNING)
    assert generation(deployment, parameters(verbs)["token"]) == 5


async def test_a_full_worker_is_busy(tmp_path: Path, store: Store) -> None:
    deployment = Deployment(settings(tmp_path, max_calls=3), store)
    deployment.calls.active = 3
    (reject,) = await deployment.ask("/twilio/voice")
    assert (reject.tag, reject.attrib) == ("Reject", {"reason": "busy"})
    assert tags(await deployment.ask("/twilio/voice", {"Direction": "outbound-api"})) == ["Hangup"]
    assert refusals(deployment.metrics) == {"capacity": 2}
    deployment.calls.active = 2
    assert tags(await deployment.ask("/twilio/voice")) == CONNECT


async def test_a_full_worker_dials_the_fallback_number(tmp_path: Path, store: Store) -> None:
    values = {"max_calls": 1, "fallback_number": "+15557770000"}
    deployment = Deployment(settings(tmp_path, **values), store)
    deployment.calls.active = 1
    (dial,) = await deployment.ask("/twilio/voice")
    assert (dial.tag, dial.attrib["action"], dial[0].text) == ("Dial", NEXT_URL, "+15557770000")


async def test_a_full_worker_does_as_it_is_told(tmp_path: Path, store: Store) -> None:
    values = {"max_calls": 1, "fallback_number": "+15557770000"}
    for overflow, verb in (("fallback", "Dial"), ("busy", "Reject"), ("redirect", "Redirect")):
        deployment = Deployment(settings(tmp_path, overflow=overflow, **values), store)
        deployment.calls.active = 1
        assert tags(await deployment.ask("/twilio/voice")) == [verb]
        assert tags(await deployment.ask(f"/twilio/voice?hop={MAX_HOPS}"))[0] == (
            "Reject" if overflow == "busy" else "Dial"
        )


async def test_a_worker_whose_recognizer_is_full_takes_what_another_one_hears(
    tmp_path: Path, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(catalog.STT, "another", "never:built")
    numbers = {"+15559990000": {"stt_provider": "another"}}
    values = {"numbers": numbers, "fallback_number": "+15557770000"}
    deployment = Deployment(settings(tmp_path, stt_provider="pocketsphinx", **values), store)
    deployment.calls.full_recognizers = {"pocketsphinx"}
    assert tags(await deployment.ask("/twilio/voice")) == ["Dial"]
    assert refusals(deployment.metrics) == {"capacity": 1}
    assert tags(await deployment.ask("/twilio/voice", {"To": "+15559990000"})) == CONNECT
    assert deployment.calls.expected == [(CALL, "another")]


async def test_a_call_that_is_answered_is_not_rejected(tmp_path: Path, store: Store) -> None:
    deployment = Deployment(settings(tmp_path, max_calls=1), store)
    deployment.calls.active = 1
    assert tags(await deployment.ask("/twilio/voice", RUNNING)) == ["Hangup"]
    assert deployment.calls.ends == [(CALL, Ended("error", "no capacity"))]


async def test_a_place_is_kept_for_each_stream_that_is_to_come(deployment: Deployment) -> None:
    for _ in range(2):
        await deployment.ask("/twilio/voice", repeat="delivery")
    assert deployment.calls.expected == [(CALL, "pocketsphinx")]
    await stream_over(deployment)
    await deployment.ask("/twilio/next", RUNNING)
    assert deployment.calls.expected == [(CALL, "pocketsphinx")] * 2
    await stream_over(deployment, Hangup("done"), number=2)
    await deployment.ask("/twilio/next", RUNNING)
    assert deployment.calls.expected == [(CALL, "pocketsphinx")] * 2


async def test_a_draining_worker_sends_new_calls_on_and_serves_the_others(
    deployment: Deployment,
) -> None:
    deployment.calls.draining = True
    asked = "/twilio/voice"
    for hop in range(1, MAX_HOPS + 1):
        *pause, redirect = await deployment.ask(asked)
        # At once first, then while the balancer finds out.
        assert tags(pause) == ([] if hop == 1 else ["Pause"])
        asked = target(redirect)
        assert asked == f"/twilio/voice?hop={hop}"
    assert tags(await deployment.ask(asked)) == ["Reject"]
    assert deployment.calls.expected == []
    await stream_over(deployment)
    assert tags(await deployment.ask("/twilio/next", RUNNING)) == CONNECT


async def test_voice_admits_calls_without_redis(lonely: Deployment) -> None:
    for repeat in (None, "some-token"):
        verbs = await lonely.ask("/twilio/voice", repeat=repeat)
        assert generation(lonely, parameters(verbs)["token"]) == 1


async def test_every_answer_has_a_token_of_its_own_and_a_repetition_the_same(
    deployment: Deployment,
) -> None:
    async def token(repeat: str | None) -> str:
        return parameters(await deployment.ask("/twilio/voice", repeat=repeat))["token"]

    first = await token("delivery-1")
    assert await token("delivery-1") == first
    assert len({first, await token("delivery-2"), await token(None), await token(None)}) == 4
    assert await token("no such token, with spaces") != await token("no such token, with spaces")


async def test_a_repetition_may_reach_another_worker(
    deployment: Deployment, tmp_path: Path
) -> None:
    other = Deployment(settings(tmp_path), deployment.store)
    first, second = [
        parameters(await worker.ask("/twilio/voice", repeat="delivery"))["token"]
        for worker in (deployment, other)
    ]
    assert first == second


async def test_a_repetition_is_the_same_without_redis(lonely: Deployment) -> None:
    first, second = [
        parameters(await lonely.ask("/twilio/voice", repeat="delivery"))["token"] for _ in range(2)
    ]
    assert first == second


# Next


async def test_next_connects_the_next_generation(deployment: Deployment) -> None:
    await deployment.ask("/twilio/voice")
    await stream_over(deployment, number=1)
    verbs = await deployment.ask("/twilio/next", RUNNING)
    assert tags(verbs) == CONNECT
    assert generation(deployment, parameters(verbs)["token"]) == 2
    assert deployment.calls.back == [CALL]
    assert deployment.calls.ends == []


async def test_next_leaves_the_record_to_the_stream(deployment: Deployment) -> None:
    await stream_over(deployment, SendDigits("1"))
    before = await deployment.store.load(CALL)
    await deployment.ask("/twilio/next", RUNNING)
    assert await deployment.store.load(CALL) == before


async def test_next_hangs_up_and_ends_the_call(deployment: Deployment) -> None:
    await stream_over(deployment, Hangup("done"))
    for _ in range(2):
        assert tags(await deployment.ask("/twilio/next", RUNNING, repeat="delivery")) == ["Hangup"]
    assert deployment.calls.ends == [(CALL, Ended("bot", "done"))]


async def test_next_transfers_and_ends_when_that_is_over(deployment: Deployment) -> None:
    await stream_over(deployment, Transfer("+15559990000", "+15551234567"))
    (dial,) = await deployment.ask("/twilio/next", RUNNING)
    assert dial.attrib == {"action": NEXT_URL, "method": "POST", "callerId": "+15551234567"}
    assert dial[0].text == "+15559990000"
    assert deployment.calls.ends == []
    over = {**RUNNING, "DialCallStatus": "completed"}
    assert tags(await deployment.ask("/twilio/next", over)) == ["Hangup"]
    assert deployment.calls.ends == [(CALL, Ended("bot", "transferred"))]


async def test_digits_are_sent_once_though_the_stream_fails(deployment: Deployment) -> None:
    await stream_over(deployment, SendDigits("ww12#"))
    play, *rest = await deployment.ask("/twilio/next", RUNNING)
    assert (play.tag, play.attrib, tags(rest)) == ("Play", {"digits": "ww12#"}, CONNECT)
    assert tags(await deployment.ask("/twilio/next", RUNNING)) == CONNECT


@pytest.mark.parametrize("pending", [SendDigits("w" * 121), SayByTwilio("o " * 121)])
async def test_that_it_was_done_is_known_when_it_has_taken_a_minute(
    deployment: Deployment, redis_url: str, redis_prefix: str, pending: Leaving
) -> None:
    """Else a stream that fails behind them would bring them a second time."""
    await stream_over(deployment, pending)
    await deployment.ask("/twilio/next", RUNNING)
    async with Redis.from_url(redis_url) as redis:
        done_s = await redis.ttl(f"{redis_prefix}answer:pending:{CALL}:1")
        promised_s = await redis.ttl(f"{redis_prefix}answer:generation:{CALL}:2")
    assert done_s > 60 + RECONNECT_WINDOW_S - 2
    assert promised_s > 60 + TTL_S - 2


async def test_a_repetition_on_another_worker_sends_the_digits_too(
    deployment: Deployment, tmp_path: Path
) -> None:
    """Both are asked the same before either has answered: their answers must agree."""
    other = Deployment(settings(tmp_path), deployment.store)
    await stream_over(deployment, SendDigits("12#"))
    answers = await asyncio.gather(
        *(worker.ask("/twilio/next", RUNNING, repeat="one") for worker in (deployment, other))
    )
    assert [tags(verbs) for verbs in answers] == [["Play", *CONNECT]] * 2
    assert len({parameters(verbs)["token"] for verbs in answers}) == 1


async def test_a_call_that_moves_connects_again_without_counting(deployment: Deployment) -> None:
    for number in range(1, MAX_RECONNECTS + 3):
        await stream_over(deployment, Move(), number=number)
        verbs = await deployment.ask("/twilio/next", RUNNING)
        assert tags(verbs) == CONNECT
        assert generation(deployment, parameters(verbs)["token"]) == number + 1


async def test_a_move_whose_stream_fails_counts(deployment: Deployment) -> None:
    await stream_over(deployment, Move())
    for _ in range(1 + MAX_RECONNECTS):
        assert tags(await deployment.ask("/twilio/next", RUNNING)) == CONNECT
    assert tags(await deployment.ask("/twilio/next", RUNNING)) == ["Say", "Hangup"]


async def test_what_no_synthesizer_says_twilio_says_once(deployment: Deployment) -> None:
    await stream_over(deployment, SayByTwilio("We are sorry."))
    say, *rest = await deployment.ask("/twilio/next", RUNNING)
    assert (say.tag, say.text, say.attrib) == ("Say", "We are sorry.", {"language": "en-US"})
    assert tags(rest) == CONNECT
    assert tags(await deployment.ask("/twilio/next", RUNNING)) == CONNECT


async def test_two_answers_promise_two_generations(deployment: Deployment, tmp_path: Path) -> None:
    """The stream ends, and at the same moment the call is redirected by REST: two ask for it."""
    other = Deployment(settings(tmp_path), deployment.store)
    await stream_over(deployment, number=4)
    promised = [
        generation(deployment, parameters(await worker.ask("/twilio/next", RUNNING))["token"])
        for worker in (deployment, other, deployment)
    ]
    assert promised == [5, 6, 7]


async def test_a_failed_transfer_comes_back_to_the_bot(deployment: Deployment) -> None:
    await stream_over(deployment, Transfer("+15559990000"))
    assert tags(await deployment.ask("/twilio/next", RUNNING)) == ["Dial"]
    say, *rest = await deployment.ask("/twilio/next", {**RUNNING, "DialCallStatus": "busy"})
    assert (say.tag, tags(rest)) == ("Say", CONNECT)
    given = parameters(rest)
    assert given["dial_status"] == "busy"
    assert generation(deployment, given["token"]) == 2
    assert deployment.calls.ends == []


async def test_a_failed_fallback_ends_the_call(tmp_path: Path, store: Store) -> None:
    deployment = Deployment(settings(tmp_path, fallback_number="+15557770000"), store)
    await stream_over(deployment, Transfer("+15557770000"))
    over = {**RUNNING, "DialCallStatus": "no-answer"}
    assert tags(await deployment.ask("/twilio/next", over)) == ["Hangup"]
    assert deployment.calls.ends == [(CALL, Ended("bot", "transfer failed: no-answer"))]


async def test_a_turn_that_kills_its_worker_each_time_reaches_the_fallback(
    tmp_path: Path, store: Store, redis_url: str, redis_prefix: str
) -> None:
    """However long it takes it each time, and whichever worker it kills."""
    for number in range(1, MAX_RECONNECTS + 2):
        worker = Deployment(settings(tmp_path, fallback_number="+15557770000"), store)
        record = (await store.take(CALL, f"worker-{number}", number)).record or Record(CALL)
        record.generation, record.turns = number, 1
        record.history = [HistoryEntry("caller", "boom", "boom", 0, 1)]
        record.open_turn = {"id": f"{CALL}-1", "text": "boom"}
        await store.commit(record)
        verbs = await worker.ask("/twilio/next", RUNNING)
        if number <= MAX_RECONNECTS:
            assert tags(verbs) == CONNECT
    say, dial = verbs
    assert (say.tag, dial.tag, dial[0].text) == ("Say", "Dial", "+15557770000")
    async with Redis.from_url(redis_url) as redis:
        for place in range(MAX_RECONNECTS):
            key = f"{redis_prefix}answer:retry:{CALL}:1:{place}"
            assert await redis.ttl(key) > 10 * RECONNECT_WINDOW_S
    kept = await store.load(CALL)
    assert kept is not None
    assert (kept.open_turn, [entry.text for entry in kept.history]) == (record.open_turn, ["boom"])


@pytest.mark.parametrize(
    ("pending", "status", "held"),
    [
        (None, RUNNING, True),
        (Move(), RUNNING, True),
        (Hangup(), RUNNING, False),
        (Transfer("+15559990000"), RUNNING, False),
        (None, {"CallStatus": "completed"}, False),
    ],
)
async def test_a_call_without_a_stream_has_no_holder(
    deployment: Deployment, pending: Leaving | None, status: dict[str, str], held: bool
) -> None:
    """Else the end of a worker would bring its callers back from where they were transferred."""
    await stream_over(deployment, pending)
    await deployment.store.leases.renew("worker-1", {}, {CALL: 1})
    await deployment.ask("/twilio/next", status)
    assert await deployment.store.leases.holder(CALL) == ("worker-1" if held else None)


async def test_the_worker_that_had_the_stream_can_see_that_another_was_asked(
    deployment: Deployment,
) -> None:
    await stream_over(deployment)
    assert await deployment.store.recall(asked_key(CALL, 1)) is None
    await deployment.ask("/twilio/next", RUNNING)
    assert await deployment.store.recall(asked_key(CALL, 1)) is not None


async def test_the_call_goes_its_way_though_it_cannot_be_put_down(
    tmp_path: Path, redis_url: str, redis_prefix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(sid: str, generation: int) -> None:
        raise StoreUnavailable("Redis: TimeoutError")

    store = Store(redis_url, prefix=redis_prefix, deadline_s=10)
    monkeypatch.setattr(store.leases, "put_down", fail)
    deployment = Deployment(settings(tmp_path), store)
    await stream_over(deployment, Transfer("+15559990000"))
    assert tags(await deployment.ask("/twilio/next", RUNNING)) == ["Dial"]
    assert deployment.memory.away
    await store.aclose()


async def test_a_terminal_status_ends_the_call(deployment: Deployment) -> None:
    await stream_over(deployment)
    assert tags(await deployment.ask("/twilio/next", {"CallStatus": "completed"})) == []
    assert deployment.calls.ends == [(CALL, Ended("caller", "hung up"))]


async def test_next_hangs_up_after_a_refused_stream(deployment: Deployment) -> None:
    await deployment.memory.remember(refusal_key(CALL), "", 10)
    assert tags(await deployment.ask("/twilio/next", RUNNING)) == ["Hangup"]
    assert deployment.calls.ends == [(CALL, Ended("error", "stream refused"))]


async def test_a_call_that_loses_its_stream_again_and_again_is_given_up(
    deployment: Deployment,
) -> None:
    for number in range(1, 4):
        await stream_over(deployment, number=number)
        assert tags(await deployment.ask("/twilio/next", RUNNING)) == CONNECT
    await stream_over(deployment, number=4)
    say, hangup = await deployment.ask("/twilio/next", RUNNING)
    assert (say.text, say.attrib, hangup.tag) == ("Sorry.", {"language": "en-US"}, "Hangup")
    assert deployment.calls.ends == [(CALL, Ended("error", "the stream could not be kept"))]


async def test_a_finished_turn_shows_that_the_stream_works(deployment: Deployment) -> None:
    for turns in range(2):
        await stream_over(deployment, turns=turns)
        for _ in range(3):
            assert tags(await deployment.ask("/twilio/next", RUNNING)) == CONNECT
    assert tags(await deployment.ask("/twilio/next", RUNNING)) == ["Say", "Hangup"]


async def test_giving_up_dials_the_fallback_number(tmp_path: Path, store: Store) -> None:
    deployment = Deployment(settings(tmp_path, fallback_number="+15557770000"), store)
    for _ in range(3):
        await deployment.ask("/twilio/next", RUNNING)
    say, dial = await deployment.ask("/twilio/next", RUNNING)
    assert (say.tag, dial.tag, dial[0].text) == ("Say", "Dial", "+15557770000")
    assert deployment.calls.ends == []


async def test_next_for_a_call_that_redis_has_lost_goes_on(deployment: Deployment) -> None:
    verbs = await deployment.ask("/twilio/next", RUNNING)
    assert generation(deployment, parameters(verbs)["token"]) == 1


async def test_next_waits_for_redis_and_then_gives_up(lonely: Deployment) -> None:
    asked = "/twilio/next"
    for wait in range(1, MAX_WAITS + 1):
        pause, redirect = await lonely.ask(asked, RUNNING)
        assert (pause.tag, pause.attrib) == ("Pause", {"length": "1"})
        asked = target(redirect)
        assert asked == f"/twilio/next?wait={wait}"
    assert tags(await lonely.ask(asked, RUNNING)) == ["Say", "Hangup"]


async def test_a_transfer_that_fails_while_redis_is_away_still_comes_back_to_the_bot(
    deployment: Deployment, lonely: Deployment
) -> None:
    await stream_over(deployment, Transfer("+15559990000"))
    assert tags(await deployment.ask("/twilio/next", RUNNING)) == ["Dial"]
    asked, form = "/twilio/next", {**RUNNING, "DialCallStatus": "no-answer"}
    for number in (1, 2):
        pause, redirect = await lonely.ask(asked, form)
        assert (pause.tag, pause.attrib) == ("Pause", {"length": "1"})
        asked = target(redirect)
        assert asked == f"/twilio/next?wait={number}&dial=no-answer"
        form = RUNNING  # the redirect does not say again how the transfer went
    assert lonely.calls.ends == []
    say, *rest = await deployment.ask(asked, RUNNING)
    assert (say.tag, tags(rest)) == ("Say", CONNECT)
    given = parameters(rest)
    assert given["dial_status"] == "no-answer"
    assert generation(deployment, given["token"]) == 2
    assert deployment.calls.ends == []


async def test_a_fallback_number_is_dialled_once_when_redis_stays_away(
    tmp_path: Path, no_store: Store
) -> None:
    lonely = Deployment(settings(tmp_path, fallback_number="+15557770000"), no_store)
    asked = f"/twilio/next?wait={MAX_WAITS}&dial=busy"
    say, dial = await lonely.ask(asked, RUNNING)
    assert (say.tag, dial[0].text) == ("Say", "+15557770000")
    assert lonely.calls.ends == []
    asked = path_of(dial.attrib["action"])
    failed = {**RUNNING, "DialCallStatus": "failed"}
    assert tags(await lonely.ask(asked, failed)) == ["Hangup"]
    assert lonely.calls.ends == [(CALL, Ended("bot", "transfer failed: failed"))]


async def test_a_transfer_that_was_put_through_ends_the_call_without_redis(
    lonely: Deployment,
) -> None:
    over = {**RUNNING, "DialCallStatus": "completed"}
    assert tags(await lonely.ask("/twilio/next", over)) == ["Hangup"]
    assert lonely.calls.ends == [(CALL, Ended("bot", "transferred"))]


async def test_a_call_that_next_has_failed_is_not_taken_for_a_new_one_without_redis(
    deployment: Deployment, lonely: Deployment
) -> None:
    """A number's fallback URL is `voice`, which is asked when there was no answer from `next`."""
    await stream_over(deployment, number=4)
    failed = {**RUNNING, "ErrorCode": "11200", "ErrorUrl": NEXT_URL.replace("#", "?wait=1#")}
    _, redirect = await lonely.ask("/twilio/voice", failed)
    assert target(redirect) == "/twilio/next?wait=1"
    verbs = await deployment.ask(target(redirect), RUNNING)
    assert generation(deployment, parameters(verbs)["token"]) == 5
    # One that `voice` has failed is new.
    failed["ErrorUrl"] = NEXT_URL.replace("next", "voice")
    assert tags(await lonely.ask("/twilio/voice", failed)) == CONNECT


@pytest.mark.parametrize("wait", ["x", "-1", "99999999999", "²"])
async def test_a_counter_that_is_none_counts_as_nothing(lonely: Deployment, wait: str) -> None:
    _, redirect = await lonely.ask(f"/twilio/next?wait={wait}".replace("²", "%C2%B2"), RUNNING)
    assert target(redirect) == "/twilio/next?wait=1"


# Status and stream


async def log_of(deployment: Deployment) -> list[dict[str, object]]:
    assert await deployment.store.flush(10.0)
    stored = await deployment.store.get(CALL)
    return stored.log if stored is not None else []


async def test_a_terminal_status_callback_ends_the_call(deployment: Deployment) -> None:
    await deployment.ask("/twilio/voice")
    assert tags(await deployment.ask("/twilio/status", {"CallStatus": "completed"})) == []
    assert deployment.calls.ends == [(CALL, Ended("caller", "hung up"))]


async def test_a_hangup_of_the_bots_is_known_as_such(deployment: Deployment) -> None:
    await stream_over(deployment, Hangup("done"))
    await deployment.ask("/twilio/status", {"CallStatus": "completed"})
    assert deployment.calls.ends == [(CALL, Ended("bot", "done"))]


async def test_status_callbacks_may_overtake_one_another(deployment: Deployment) -> None:
    made = Record(CALL, direction="outbound", status="queued")
    await deployment.store.commit(made)
    for status, sequence in (("ringing", "1"), ("initiated", "0"), ("in-progress", "2")):
        await deployment.ask("/twilio/status", {"CallStatus": status, "SequenceNumber": sequence})
        assert await deployment.store.flush(10.0)
    record = await deployment.store.load(CALL)
    assert record is not None
    assert record.status == "in-progress"
    events = [(event["status"], event["sequence"]) for event in await log_of(deployment)]
    assert events == [("ringing", "1"), ("initiated", "0"), ("in-progress", "2")]
    assert deployment.calls.ends == []


async def test_the_status_of_a_call_with_a_stream_is_the_streams_to_write(
    deployment: Deployment,
) -> None:
    await stream_over(deployment)
    before = await deployment.store.load(CALL)
    assert before is not None
    await deployment.ask("/twilio/status", {"CallStatus": "in-progress"})
    assert await deployment.store.flush(10.0)
    assert await deployment.store.load(CALL) == before


async def test_status_without_redis_still_ends_the_call(lonely: Deployment) -> None:
    await lonely.ask("/twilio/status", {"CallStatus": "busy"})
    assert lonely.calls.ends == [(CALL, Ended("twilio", "busy"))]


async def test_what_answered_is_told_to_the_calls_stream_once(deployment: Deployment) -> None:
    await deployment.store.commit(Record(CALL, direction="outbound"))
    deployment.calls.here.add(CALL)
    for _ in range(2):
        found = {"AnsweredBy": "machine_end_beep"}
        assert tags(await deployment.ask("/twilio/amd", found, repeat="delivery")) == []
    (command,) = deployment.calls.commands
    assert (command.kind, command.sid, command.answered_by) == ("amd", CALL, "machine_end_beep")
    (event,) = await log_of(deployment)
    assert (event["kind"], event["answered_by"]) == ("amd", "machine_end_beep")


async def test_what_answered_is_kept_when_nobody_has_the_call(deployment: Deployment) -> None:
    await deployment.store.commit(Record(CALL, direction="outbound"))
    await deployment.ask("/twilio/amd", {"AnsweredBy": "human"})
    record = await deployment.store.load(CALL)
    assert record is not None
    assert record.answered_by == "human"


async def test_what_answered_can_be_told_again_when_redis_is_back(lonely: Deployment) -> None:
    answer = await lonely.post("/twilio/amd", {"AnsweredBy": "human"})
    assert answer.status_code == 503


@pytest.mark.parametrize("word", ["", "x" * 33, "<human>"])
async def test_what_answered_is_a_word(deployment: Deployment, word: str) -> None:
    assert (await deployment.post("/twilio/amd", {"AnsweredBy": word})).status_code == 400


async def test_stream_errors_are_kept(deployment: Deployment) -> None:
    await deployment.ask("/twilio/voice")
    event = {"StreamEvent": "stream-error", "StreamError": "31920" * 100, "StreamSid": "MZ1"}
    assert tags(await deployment.ask("/twilio/stream", event)) == []
    await deployment.ask("/twilio/stream", {"StreamEvent": "stream-stopped", "StreamSid": "MZ1"})
    first, second = await log_of(deployment)
    assert (first["event"], first["stream_sid"], len(str(first["error"]))) == (
        "stream-error",
        "MZ1",
        200,
    )
    assert second["event"] == "stream-stopped"


STARTED = {"StreamEvent": "stream-started", "StreamSid": "MZ1"}


@pytest.mark.parametrize(
    ("path", "form"),
    [("/twilio/stream", STARTED), ("/twilio/status", {"CallStatus": "ringing"})],
)
async def test_a_callback_that_is_told_again_is_logged_once(
    deployment: Deployment, tmp_path: Path, path: str, form: dict[str, str]
) -> None:
    await deployment.ask("/twilio/voice")
    other = Deployment(settings(tmp_path), deployment.store)
    for worker, repeat in ((deployment, "one"), (deployment, "one"), (other, "one")):
        assert tags(await worker.ask(path, form, repeat=repeat)) == []
    assert len(await log_of(deployment)) == 1
    # The same news in another request, or in one that Twilio has not named, are other news.
    for new in ("two", None, None):
        await deployment.ask(path, form, repeat=new)
    assert len(await log_of(deployment)) == 4


async def test_a_stream_error_that_is_told_again_warns_once(lonely: Deployment) -> None:
    with capture_logs() as logs:
        for _ in range(2):
            event = {"StreamEvent": "stream-error", "StreamError": "31920"}
            await lonely.ask("/twilio/stream", event, repeat="delivery")
    assert [entry["event"] for entry in logs].count("stream error") == 1


async def test_an_end_that_is_told_again_is_seen_to_again(
    deployment: Deployment, tmp_path: Path
) -> None:
    """The worker that was told first may have been killed before it had done anything."""
    other = Deployment(settings(tmp_path), deployment.store)
    await deployment.ask("/twilio/voice")
    for worker in (deployment, other):
        await worker.ask("/twilio/status", {"CallStatus": "completed"}, repeat="delivery")
        assert worker.calls.ends == [(CALL, Ended("caller", "hung up"))]
    assert len(await log_of(deployment)) == 1


async def test_a_call_that_this_worker_holds_stays_in_its_memory(
    tmp_path: Path, redis_url: str, redis_prefix: str
) -> None:
    backlog = Backlog()
    store = Store(redis_url, prefix=redis_prefix, backlog=backlog, deadline_s=10)
    deployment = Deployment(settings(tmp_path), store)
    deployment.calls.here.add(CALL)
    await deployment.ask("/twilio/stream", {"StreamEvent": "stream-started"})
    assert await store.flush(10.0)
    assert len(backlog) == 1
    deployment.calls.here.clear()
    await deployment.ask("/twilio/stream", {"StreamEvent": "stream-stopped"})
    assert await store.flush(10.0)
    assert len(backlog) == 0
    await store.aclose()


async def test_voice_does_not_write_over_a_stream_that_it_cannot_see(
    deployment: Deployment, tmp_path: Path
) -> None:
    blind = Deployment(settings(tmp_path), deployment.store)
    blind.memory.set_away()
    await stream_over(deployment, number=2)
    before = await deployment.store.load(CALL)
    assert tags(await blind.ask("/twilio/voice")) == CONNECT
    await deployment.store.flush(10.0)
    assert await deployment.store.load(CALL) == before


async def test_voice_leaves_a_stream_of_this_worker_alone(deployment: Deployment) -> None:
    # Redis came back empty, and what this worker holds is not written again yet.
    deployment.calls.here.add(CALL)
    deployment.store.save(Record(CALL, generation=2, status="in-progress"))
    with capture_logs() as logs:
        assert tags(await deployment.ask("/twilio/voice")) == CONNECT
    assert "call has a stream already" in [entry["event"] for entry in logs]
    assert await deployment.store.flush(10.0)
    record = await deployment.store.load(CALL)
    assert record is not None
    assert (record.generation, record.status) == (2, "in-progress")


async def test_voice_admits_calls_though_redis_takes_no_writes(
    tmp_path: Path, own_redis: str
) -> None:
    store = Store(own_redis, deadline_s=10)
    async with Redis.from_url(own_redis) as redis:
        await redis.config_set("min-replicas-to-write", 1)
    assert tags(await Deployment(settings(tmp_path), store).ask("/twilio/voice")) == CONNECT
    async with Redis.from_url(own_redis) as redis:
        await redis.config_set("min-replicas-to-write", 0)
    assert await store.flush(10.0)
    assert await store.load(CALL) is not None
    await store.aclose()
