"""A small storm of `python -m tests.bot.hostile`, and the generators that it is made of."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

import bot.demo
from bot.phone.call import PhoneConfig, place_call
from bot.phone.clip import load_clip
from bot.phone.result import CallResult
from bot.phone.steps import Play, Step, WaitForBot
from media.messages import Dtmf, Event, Mark, Media, MediaStreamError
from media.twilio import MAX_MESSAGE_BYTES, parse

from .hostile.calls import harm, pace_of
from .hostile.messages import HOSTILE_KINDS, Fate, Message, ending_message, hostile_message
from .hostile.sockets import huge_message, silent_sockets
from .hostile.storm import PER_STREAM, storm
from .hostile.webhooks import SLOW, WEBHOOK_KINDS, hostile_webhook
from .hostile.worker import attacked_worker
from .phone.results import finished_call

SIDS = ("AC" + "1" * 32, "CA" + "2" * 32)
GROWTH_KB = 5_000


def said_yes() -> list[Step]:
    folder = bot.demo.__file__.removesuffix("__init__.py")
    return [WaitForBot(), Play(load_clip(Path(folder, "yes.ulaw"))), WaitForBot()]


def judge(result: CallResult) -> list[str]:
    roles = [entry["role"] for entry in (result.record or {}).get("history", ())]
    faults = [str(fault) for fault in result.faults]
    return faults if roles == ["bot", "caller", "bot"] else [*faults, f"history: {roles}"]


@pytest.mark.real_time
async def test_a_call_goes_on_in_a_storm_and_all_of_it_is_accounted_for() -> None:
    kinds = [kind for kind in WEBHOOK_KINDS if kind != SLOW]
    async with attacked_worker("echo", callers=1) as worker:
        before, _ = await worker.facts()
        attack = asyncio.create_task(
            storm(worker, 2 * PER_STREAM, 80, seed=1, seconds=4, kinds=kinds)
        )
        result = await place_call(worker.phone, said_yes())
        account = await attack
        after, _ = await worker.facts()
        others = [
            await huge_message(worker),
            await silent_sockets(worker, 300, callers=1, patient=False),
        ]
        assert worker.tracebacks() == []
    assert judge(result) == []
    assert account.faults == []
    assert [fault for other in others for fault in other.faults] == []
    assert account.messages.total() >= 2 * PER_STREAM
    assert account.webhooks.total() == 80
    assert account.aimed > 0
    assert max(account.webhooks) < 500
    # Without a warm-up: what is loaded or opened for the first time is in it.
    assert after.rss_kb - before.rss_kb < GROWTH_KB


def fate_of(event: Event) -> Fate:
    match event:
        case Media():
            return Fate.FRAME
        case Mark():
            return Fate.MARK
        case Dtmf():
            return Fate.KEY
        case _:
            return Fate.ERROR


@given(st.randoms(use_true_random=False))
def test_every_hostile_message_is_read_or_refused_as_it_is_meant(chance: Random) -> None:
    message = hostile_message(chance, SIDS)
    assert isinstance(message.data, bytes) or len(message.data) <= MAX_MESSAGE_BYTES
    try:
        fate = fate_of(parse(message.data))
    except MediaStreamError as error:
        fate = Fate.ERROR
        said = str(error)
    else:
        said = ""
    assert fate is message.fate, message
    assert len(said) < 200


def test_a_seed_gives_every_kind_and_the_same_again() -> None:
    def messages() -> list[object]:
        chance = Random(1)
        return [hostile_message(chance, SIDS) for _ in range(300)]

    assert messages() == messages()
    assert {message.kind for message in map(hostile_of, range(300))} == set(HOSTILE_KINDS)
    assert {ending_message(Random(n), SIDS).fate for n in range(20)} == {Fate.END}
    phone = PhoneConfig("http://127.0.0.1:1", "12345")
    webhooks = [hostile_webhook(phone, Random(n), SIDS[1], WEBHOOK_KINDS) for n in range(300)]
    assert Counter(webhook.kind for webhook in webhooks).keys() == set(WEBHOOK_KINDS)


def hostile_of(seed: int) -> Message:
    return hostile_message(Random(seed), SIDS)


def test_late_frames_and_slow_answers_are_harm() -> None:
    result = finished_call()
    undisturbed = pace_of([result])
    spoken = replace(undisturbed, spoken_ms={"Hello.": 800.0})
    assert harm([result], lambda _: [], undisturbed) == []
    assert harm([result], lambda _: ["deaf"], undisturbed) == [f"{result.call_sid}: deaf"]
    (turn,) = [turn for turn in result.turns if turn.start_ms == 2_600]
    hello = replace(turn, text="Hello.", end_ms=3_480)
    (late,) = harm([replace(result, turns=(hello,))], lambda _: [], spoken)
    assert late == "'Hello.' took 80 ms longer: its frames were late"
    (slow,) = harm([result], lambda _: [], replace(undisturbed, response_p95_ms=100))
    assert "later than undisturbed" in slow
