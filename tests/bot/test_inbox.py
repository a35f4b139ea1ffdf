"""Commands between workers, on a real Redis that also hangs."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from itertools import chain, repeat

import orjson
import pytest
from redis.asyncio import Redis

from bot import inbox as module
from bot.inbox import Command, CommandFailed, Inbox
from bot.metrics import Metrics
from tests.background import eventually, running

from .redis_process import gone, server_pid, stopped


@asynccontextmanager
async def inbox(url: str, prefix: str, worker: str) -> AsyncIterator[Inbox]:
    made = Inbox(url, worker, prefix=prefix, metrics=Metrics())
    yield made
    await made.aclose()


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A Redis that answers may take its time; the deadlines of commands are told with each."""
    monkeypatch.setattr(module, "STEP_S", 10.0)


@pytest.fixture
async def sender(redis_url: str, redis_prefix: str) -> AsyncIterator[Inbox]:
    async with inbox(redis_url, redis_prefix, "b") as made:
        yield made


@pytest.fixture
async def receiver(redis_url: str, redis_prefix: str) -> AsyncIterator[Inbox]:
    async with inbox(redis_url, redis_prefix, "a") as made:
        yield made


def counted(sender: Inbox, outcome: str) -> float:
    registry = sender._metrics.registry
    return registry.get_sample_value("parley_commands_total", {"outcome": outcome}) or 0.0


async def ignore(command: Command) -> None:
    pass


def nearly_over(deadline_s: float, sending: int = 1) -> Callable[[], float]:
    """A clock of so many senders by which little is left when the commands are in Redis."""
    return chain(repeat(0.0, sending), repeat(deadline_s - 0.01)).__next__


async def test_a_command_is_carried_out_where_the_call_is(sender: Inbox, receiver: Inbox) -> None:
    done: list[Command] = []

    async def handle(command: Command) -> None:
        done.append(command)

    transfer = Command("transfer", "CA1", to="+15550001111", caller_id="+15550002222")
    amd = Command("amd", "CA2", answered_by="human")
    async with running(receiver.run(handle)):
        assert await sender.send("a", transfer, 10)
        assert await sender.send("a", amd, 10)
        assert await sender.send("a", Command("hangup", "CA3", reason="api"), 10)
    assert done[:2] == [transfer, amd]
    assert (done[2].kind, done[2].reason) == ("hangup", "api")
    assert counted(sender, "delivered") == 3


async def test_what_cannot_be_carried_out_is_said_at_once(sender: Inbox, receiver: Inbox) -> None:
    async def handle(command: Command) -> None:
        raise KeyError(command.sid)

    async with running(receiver.run(handle)), asyncio.timeout(10):
        assert not await sender.send("a", Command("hangup", "CA1"), 60)
        assert not await sender.send("a", Command("hangup", "CA1"), 60)
    assert counted(sender, "undelivered") == 2


async def test_what_was_tried_in_vain_is_said_to_be_so(sender: Inbox, receiver: Inbox) -> None:
    async def handle(command: Command) -> None:
        raise CommandFailed("neither stored nor done")

    async with running(receiver.run(handle)):
        with pytest.raises(CommandFailed):
            await sender.send("a", Command("transfer", "CA1", to="+1555"), 10)
    assert counted(sender, "undelivered") == 1


async def test_a_command_that_nobody_takes_is_taken_back(
    sender: Inbox,
    receiver: Inbox,
    redis: Redis,
    redis_prefix: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    done: list[Command] = []

    async def handle(command: Command) -> None:
        done.append(command)

    late = Command("hangup", "CA1")
    with monkeypatch.context() as patch:
        patch.setattr(module, "_now_s", nearly_over(60))
        assert not await sender.send("a", late, 60)
    assert await redis.lrange(f"{redis_prefix}worker:a:inbox", 0, -1) == [late.id]
    async with running(receiver.run(handle)):
        assert await sender.send("a", Command("hangup", "CA2"), 10)
    assert [command.sid for command in done] == ["CA2"]


async def test_what_takes_too_long_is_given_up_by_both(sender: Inbox, receiver: Inbox) -> None:
    given_up = asyncio.Event()

    async def handle(command: Command) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            given_up.set()

    async def in_vain() -> bool:
        # Where this machine is slow, the receiver does not even begin.
        assert not await sender.send("a", Command("hangup", "CA1"), 0.1)
        return given_up.is_set()

    async with running(receiver.run(handle)):
        await eventually(in_vain)


async def test_a_worker_that_slept_after_taking_a_command_does_it_no_more(
    sender: Inbox, receiver: Inbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was frozen between Redis's giving it the command and its reading it."""
    done: list[Command] = []

    async def handle(command: Command) -> None:
        done.append(command)

    ask = receiver._link.eval

    async def asleep(script: str, *args: object) -> object:
        answer = await ask(script, *args)  # type: ignore[arg-type]
        if script == module.ACCEPT:
            answer = [answer[0], 0]  # as if all of its time had gone by since it asked
        return answer

    monkeypatch.setattr(receiver._link, "eval", asleep)
    async with running(receiver.run(handle)):
        assert not await sender.send("a", Command("hangup", "CA1"), 0.2)
    assert done == []


async def test_slow_commands_do_not_hold_up_the_others(sender: Inbox, receiver: Inbox) -> None:
    release = asyncio.Event()

    async def handle(command: Command) -> None:
        if command.kind == "transfer":
            await release.wait()

    async with running(receiver.run(handle)):
        slow = asyncio.create_task(sender.send("a", Command("transfer", "CA1", to="+1555"), 60))
        assert await sender.send("a", Command("hangup", "CA2"), 10)
        release.set()
        assert await slow


async def test_commands_that_take_long_keep_no_others_waiting(
    sender: Inbox, receiver: Inbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    most = module.HANDLERS + 1
    monkeypatch.setattr(module, "SLOW_HANDLERS", most)
    begun = asyncio.Semaphore(0)
    release = asyncio.Event()

    async def handle(command: Command) -> None:
        if command.slow:
            begun.release()
            await release.wait()

    def send(number: int) -> asyncio.Task[bool]:
        return asyncio.create_task(sender.send("a", Command("stt_let_go", f"s{number}"), 60))

    async with running(receiver.run(handle)), asyncio.timeout(20):
        slow = [send(number) for number in range(most)]
        for _ in slow:
            await begun.acquire()
        assert await sender.send("a", Command("hangup", "CA1"), 10)
        # One more is not done; its sender knows it at once, or even before.
        assert not await send(99)
        sender._slow_sent -= 1
        assert not await send(99)
        sender._slow_sent += 1
        release.set()
        assert all(await asyncio.gather(*slow))


async def test_an_inbox_is_bounded(
    sender: Inbox, redis: Redis, redis_prefix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_WAITING", 3)
    monkeypatch.setattr(module, "_now_s", nearly_over(60, sending=5))
    sent = (sender.send("a", Command("hangup", "CA1"), 60) for _ in range(5))
    assert not any(await asyncio.gather(*sent))
    assert await redis.llen(f"{redis_prefix}worker:a:inbox") == 3


async def test_what_is_no_command_does_no_harm(
    sender: Inbox, receiver: Inbox, redis: Redis, redis_prefix: str
) -> None:
    for number, text in enumerate((b"no json", b"[]", orjson.dumps({"kind": "x", "odd": 1}))):
        await redis.set(f"{redis_prefix}command:{number}", text, px=60_000)
        await redis.rpush(f"{redis_prefix}worker:a:inbox", number, "unknown")
    async with running(receiver.run(ignore)):
        assert await sender.send("a", Command("hangup", "CA1"), 10)


async def test_everything_has_a_time_to_live(
    sender: Inbox, receiver: Inbox, redis: Redis, redis_prefix: str
) -> None:
    unread = Command("hangup", "CA1")
    sending = asyncio.create_task(sender.send("c", unread, 10))
    await eventually(lambda: exists(redis, f"{redis_prefix}command:{unread.id}"))
    for key in await redis.keys(f"{redis_prefix}*"):
        assert 0 < await redis.ttl(key) <= 60, key
    sending.cancel()
    await asyncio.wait([sending])
    # The receipt of a command whose sender has gone.
    await redis.set(f"{redis_prefix}command:1", orjson.dumps(Command("hangup", "CA1")), px=60_000)
    await redis.rpush(f"{redis_prefix}worker:a:inbox", 1)
    receipt = f"{redis_prefix}command:1:receipt"
    async with running(receiver.run(ignore)):
        await eventually(lambda: exists(redis, receipt))
    assert 0 < await redis.ttl(receipt) <= 10


async def exists(redis: Redis, key: str) -> bool:
    return bool(await redis.exists(key))


# Redis hangs, or is gone


async def test_a_command_that_reaches_redis_too_late_is_not_done(
    own_redis: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Redis hung, and goes on with what it was told before."""
    done: list[Command] = []

    async def handle(command: Command) -> None:
        done.append(command)

    async with inbox(own_redis, "p:", "b") as sender, inbox(own_redis, "p:", "a") as receiver:
        assert not await sender.send("a", Command("hangup", "CA0"), 0.01)  # connects
        ask = sender._link.ask
        answered = asyncio.Event()

        async def then_hang(*args: object) -> object:
            answer = await ask(*args)  # type: ignore[arg-type]
            if not answered.is_set():
                answered.set()
                monkeypatch.setattr(module, "STEP_S", 0.3)  # until Redis goes on
                os.kill(server_pid(own_redis), signal.SIGSTOP)
            return answer

        sender._link.ask = then_hang  # type: ignore[method-assign, assignment]
        pid = server_pid(own_redis)
        try:
            assert not await sender.send("a", Command("hangup", "CA1"), 0.1)
        finally:
            os.kill(pid, signal.SIGCONT)
        sender._link.ask = ask  # type: ignore[method-assign]
        monkeypatch.setattr(module, "STEP_S", 10.0)
        async with running(receiver.run(handle)):
            assert await sender.send("a", Command("hangup", "CA2"), 10)
    assert answered.is_set()
    assert [command.sid for command in done] == ["CA2"]


async def test_the_inbox_survives_every_outage(
    own_redis: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "STEP_S", 0.3)
    async with (
        inbox(own_redis, "p:", "b") as sender,
        inbox(own_redis, "p:", "a") as receiver,
        running(receiver.run(ignore)),
    ):
        await eventually(lambda: sender.send("a", Command("hangup", "CA1"), 0.5))
        with stopped(own_redis):
            assert not await sender.send("a", Command("hangup", "CA2"), 0.1)
        await eventually(lambda: sender.send("a", Command("hangup", "CA3"), 0.5))
        pid = server_pid(own_redis)
        os.kill(pid, signal.SIGKILL)
        await gone(pid)
        await eventually(lambda: sender.send("a", Command("hangup", "CA4"), 0.5))


async def test_without_redis_nothing_is_delivered_and_that_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "BACKOFF_S", (0.0, 0.001))
    async with inbox("unix:///nonexistent/redis.sock", "p:", "a") as alone:

        async def tried() -> bool:
            registry = alone._metrics.registry
            return (registry.get_sample_value("parley_store_failures_total") or 0) > 4

        async with running(alone.run(ignore)), asyncio.timeout(10):
            assert not await alone.send("b", Command("hangup", "CA1"), 60)
            await eventually(tried)


def test_numbers_are_not_shown() -> None:
    assert "555" not in repr(Command("transfer", "CA1", to="+1555", caller_id="+1555"))


async def test_who_waits_is_woken_and_carries_out_commands_all_the_same(
    redis: Redis, redis_prefix: str, sender: Inbox, receiver: Inbox
) -> None:
    base, waiting = f"{redis_prefix}worker:", f"{redis_prefix}waiting"
    script = f"local base = ARGV[1]\n{module.WAKE}\nwake(KEYS[1], ARGV[2])"
    await redis.sadd(waiting, "a", "full")
    await redis.rpush(f"{base}full:inbox", *["!s"] * module.MAX_WAITING)
    woken: list[str] = []
    async with running(receiver.run(ignore, woken.append)):
        await redis.eval(script, 1, waiting, base, "s1")
        assert await sender.send("a", Command("stt_hear", "s1"), 10)
    assert woken == ["s1"]
    # Who does not look into its inbox any more is not told again.
    assert await redis.smembers(waiting) == {"a"}
    assert await redis.llen(f"{base}full:inbox") == module.MAX_WAITING
