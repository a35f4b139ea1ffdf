"""The way out: what Twilio is to do is safe, or done by REST, or the call goes on."""

from __future__ import annotations

import asyncio

import pytest

from bot.dialog import Call, Hangup, Say, Transfer, Turn
from bot.parts import StreamEnd
from bot.record import Record
from bot.telephony.pending import Leaving, Move
from bot.turn import TurnSettings
from tests.bot.engines import Tones
from tests.bot.lost_calls import (
    GREETING,
    Resuming,
    Shelf,
    Shop,
    bot_heard,
    lose,
    stream,
)
from tests.bot.sessions import APOLOGY
from tests.virtual_time import virtual_time

# The end of a call


class Farewell:
    def __init__(self, *end: Hangup | Transfer) -> None:
        self.end = end
        self.turns = 0

    async def on_turn(self, call: Call, turn: Turn) -> list[object]:
        self.turns += 1
        return [Say("Thank you for calling."), Say("Goodbye to you."), *self.end]


@pytest.mark.parametrize("after_s", [0.6, 1.2, 2.4])
@virtual_time
async def test_killed_while_it_says_goodbye(after_s: float) -> None:
    hook, shelf = Farewell(Hangup("done")), Shelf()
    left = await lose(hook, shelf, after_s, ["bye"])
    assert left.planned == {"action": "hangup", "reason": "done"}
    async with stream(hook, shelf, left, texts=["wait"]) as s:
        s.phone.speak(400)  # a goodbye is not interrupted, the second time neither
        assert await s.ended() == StreamEnd("bot", "done")
        assert s.keeper.commits == [Hangup("done")]
        heard = [entry.heard for entry in s.call.history if entry.role == "bot"][-1]
        assert heard.endswith("Goodbye to you.")
        assert heard.count("Goodbye") == 1
    assert hook.turns == 1
    assert shelf.record().planned is None


@virtual_time
async def test_an_on_resume_that_leaves_has_the_last_word() -> None:
    left = await lose(Farewell(Hangup("done")), Shelf(), 1, ["bye"])
    transfer = Transfer("+15550000000")
    async with stream(Resuming("One moment.", transfer), Shelf(), left) as s:
        assert await s.ended() == StreamEnd("bot", "transfer")
        assert s.keeper.commits == [transfer]


@virtual_time
async def test_an_on_resume_that_fails_leaves_all_the_same() -> None:
    left = await lose(Farewell(Hangup("done")), Shelf(), 1, ["bye"])
    async with stream(Resuming(42), Shelf(), left) as s:
        assert await s.ended() == StreamEnd("bot", "done")
        assert APOLOGY in bot_heard(s)


@virtual_time
async def test_killed_when_all_was_said_and_nothing_stored() -> None:
    """There is nothing to resume: a dialog that asked something now would be cut off."""
    hook, shelf = Farewell(Hangup("done")), Shelf()
    async with stream(hook, shelf, texts=["bye"]) as s:
        await s.say(400, then_s=0.5)
        shelf.away = True
        await s.wait(2.2)
        assert bot_heard(s).endswith("Goodbye to you.")
        left = Record.from_json(shelf.saved[-1])
        assert left.pending == {"action": "hangup", "reason": "done"}
        left = Record.from_json(shelf.saved[-2])
        assert left.planned == {"action": "hangup", "reason": "done"}
    shop = Resuming("Where were we?")
    async with stream(shop, Shelf(), left) as s:
        assert await s.ended() == StreamEnd("bot", "done")
    assert shop.resumed == []


# Leaving on purpose


@virtual_time
async def test_a_call_is_moved_in_mid_sentence() -> None:
    shelf = Shelf()
    async with stream(Shop(), shelf) as s:
        await s.wait(1.4)
        assert await s.session.move()
        assert await s.ended() == StreamEnd("elsewhere", "move")
        assert s.phone.closed == 1000
        assert await asyncio.wait_for(s.session.move(), 1) is not False
    left = shelf.record()
    assert left.pending == {"action": "move"}
    assert left.history[-1].heard.startswith("Welcome to the shop. What")
    tts = Tones()
    async with stream(Shop(), shelf, left, tts=tts) as s:
        await s.wait(3)
    assert tts.texts == ["What would you like?"]


@virtual_time
async def test_a_call_that_cannot_be_moved_goes_on() -> None:
    shelf, tts = Shelf(), Tones()
    async with stream(Shop(), shelf, tts=tts) as s:
        await s.wait(1.4)
        shelf.away = True
        began_s = asyncio.get_running_loop().time()
        assert not await s.session.move()
        assert asyncio.get_running_loop().time() - began_s == pytest.approx(0.3, abs=0.01)
        await s.wait(3)
        assert bot_heard(s) == " ".join(GREETING)
        assert shelf.record().pending is None


@virtual_time
async def test_without_redis_a_call_is_moved_by_rest() -> None:
    acted: list[Leaving] = []

    async def act_now(action: Leaving) -> bool:
        acted.append(action)
        return True

    shelf = Shelf()
    async with stream(Shop(), shelf, act_now=act_now) as s:
        await s.wait(1.4)
        shelf.away = True
        assert await s.session.move()
        assert await s.ended() == StreamEnd("elsewhere", "move")
    assert acted == [Move()]


@virtual_time
async def test_somebody_else_hangs_up() -> None:
    shelf = Shelf()
    async with stream(Shop(), shelf) as s:
        await s.wait(0.5)
        assert await s.session.leave_now(Hangup("api")) == "out"
        assert await s.ended() == StreamEnd("bot", "api")
        assert s.phone.speech_ms < 600
    assert shelf.record().pending == {"action": "hangup", "reason": "api"}


@virtual_time
async def test_a_move_during_a_goodbye_keeps_the_goodbye() -> None:
    hook, shelf = Farewell(Hangup("done")), Shelf()
    async with stream(hook, shelf, texts=["bye"]) as s:
        await s.say(400, then_s=0.9)
        assert await s.session.move()
        assert (await s.ended()).reason == "move"
    assert shelf.record().planned is not None
    async with stream(hook, shelf, shelf.record()) as s:
        assert await s.ended() == StreamEnd("bot", "done")


@pytest.mark.parametrize("works", [True, False])
@virtual_time
async def test_without_redis_a_goodbye_is_done_by_rest(works: bool) -> None:
    acted: list[Leaving] = []

    async def act_now(action: Leaving) -> bool:
        acted.append(action)
        return works

    shelf = Shelf()
    shelf.away = True
    turn = TurnSettings(idle_ms=2000, idle_prompts=0)
    async with stream(
        Farewell(Hangup("done")), shelf, texts=["bye"], act_now=act_now, turn=turn
    ) as s:
        await s.say(400, then_s=3.5)
        assert s.running.done() is works
        if works:
            assert await s.ended() == StreamEnd("bot", "done")
            assert acted == [Hangup("done")]
        else:
            # After some silence the call is to end all the same, again and again.
            assert shelf.record().planned is None
            await s.wait(6)
            assert acted == [Hangup("done"), Hangup("idle"), Hangup("idle")]
            shelf.away = False
            assert await s.ended() == StreamEnd("bot", "idle")


class Silent:
    """Twilio's REST, which does not answer."""

    def __init__(self) -> None:
        self.acted: list[Leaving] = []
        self.asked = asyncio.Event()

    async def __call__(self, action: Leaving) -> bool:
        self.acted.append(action)
        self.asked.set()
        await asyncio.Event().wait()
        return True


@virtual_time
async def test_who_has_no_time_to_wait_for_rest_is_told_that_the_call_goes_on() -> None:
    shelf, rest = Shelf(), Silent()
    async with stream(Shop(), shelf, act_now=rest) as s:
        await s.wait(0.5)
        shelf.away = True
        began_s = asyncio.get_running_loop().time()
        assert await s.session.leave_now(Hangup("api"), 1.0) == "none"
        assert asyncio.get_running_loop().time() - began_s == pytest.approx(1.3, abs=0.01)
        assert shelf.record().pending is None
        await s.wait(3)
        assert bot_heard(s) == " ".join(GREETING)


@virtual_time
async def test_what_its_sender_gave_up_is_not_done_later() -> None:
    """While the bot says goodbye, which it does to the end."""
    shelf, rest = Shelf(), Silent()
    async with stream(Farewell(Hangup("done")), shelf, texts=["bye"], act_now=rest) as s:
        await s.say(400, then_s=0.9)
        shelf.away = True
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(2):
                await s.session.leave_now(Transfer("+15550000000"))
        assert len(rest.acted) == 1
        left = shelf.record()
        assert (left.pending, left.planned) == (None, {"action": "hangup", "reason": "done"})
        shelf.away = False
        assert await s.ended() == StreamEnd("bot", "done")


@pytest.mark.parametrize("waits", [True, False], ids=["told", "cancelled"])
@virtual_time
async def test_what_ends_the_stream_before_rest_has_answered_is_kept(waits: bool) -> None:
    """Twilio does what it is told, and nothing says so but the end of the stream."""
    shelf, rest, transfer = Shelf(), Silent(), Transfer("+15550000000")
    async with stream(Shop(), shelf, act_now=rest) as s:
        await s.wait(0.5)
        shelf.away = True
        leaving = asyncio.create_task(s.session.leave_now(transfer, 1.0 if waits else None))
        await rest.asked.wait()
        s.phone.hang_up()
        assert (await s.ended()).how == "stop"
        if waits:
            assert await leaving == "out"
        leaving.cancel()
        await asyncio.wait([leaving])
    assert shelf.record().pending == {
        "action": "transfer",
        "to": "+15550000000",
        "caller_id": None,
    }


@virtual_time
async def test_a_stream_that_another_one_has_superseded_commits_nothing() -> None:
    async with stream(Farewell(Hangup()), Shelf(), texts=["bye"]) as s:

        async def commit(action: Leaving) -> str:
            return "superseded"

        s.keeper.commit = commit  # type: ignore[assignment, method-assign]
        s.phone.speak(400)
        assert await s.ended() == StreamEnd("elsewhere", "superseded")


@virtual_time
async def test_the_longest_call_counts_from_its_first_stream() -> None:
    left = await lose(Shop(), Shelf(), 4, ["tea"])
    turn = TurnSettings(max_duration_ms=62_000)
    async with stream(Shop(), Shelf(), left, turn=turn) as s:
        assert await s.ended() == StreamEnd("bot", "max_duration")
        assert s.phone.now_ms == pytest.approx(2000, abs=50)
