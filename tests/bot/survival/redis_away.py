"""Redis hangs, is restarted, and is restarted empty under five calls, which do not notice.

    python -m tests.bot.survival redis

makes the same five calls four times: undisturbed, with Redis stopped (SIGSTOP) for ten seconds,
with Redis down for as long and back with its data, and back without them. Meanwhile one call
begins and is hung up by the bot, one ends, one barges in, and one is answered. No message of the
worker's audio is late by more than 20 ms, no call is moved, nobody waits longer for a greeting, an
answer or to be let speak than undisturbed, and afterwards each record equals the one of the
undisturbed run, but for times and SIDs. A machine on which audio is later than that when nothing
happens shows nothing: the proof fails then, and says so.
"""

from __future__ import annotations

import argparse
import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bot.phone.result import CallResult
from bot.phone.steps import HangUp, Play, Press, SpeakOver, Step, Wait, WaitForBot
from tests.bot.redis_process import RedisProcess, redis_process

from .caller import Caller
from .deployment import Deployment, deployment
from .dialogs import TALK
from .lateness import Arrivals, watched_arrivals
from .rounds import Round, keep_evidence, report, summary
from .scene import FRIDAY
from .voice import Voice

__all__ = ["OUTAGES", "Kept", "Outage", "add_arguments", "compare", "main", "slower", "talk"]

LATE_MS = 20.0
SLOWER_MS = 350.0
"""Redis answers or fails within 300 ms, and only once may anybody wait for that."""
MEASUREMENTS = 3
"""So often is it tried to find the machine idle enough for what is undisturbed to be in time."""
STEADY, TALKER = "+15550100003", "+15550100002"
"""Who calls the first number talks to `Steady`; who calls the other hears a long talk."""
BEFORE_S = 6.5
"""So long the first calls last before Redis goes: `Steady` has greeted."""
ENDS_S = 4.0


async def hang(redis: RedisProcess, for_s: float) -> None:
    """It answers nothing."""
    redis.hang()
    await asyncio.sleep(for_s)
    redis.go_on()


async def restart(redis: RedisProcess, for_s: float) -> None:
    """It is down, and comes back with what it had."""
    await redis.stop()
    await asyncio.sleep(for_s)
    await redis.start()


async def empty(redis: RedisProcess, for_s: float) -> None:
    """It is down, and comes back with nothing."""
    await redis.stop()
    redis.forget()
    await asyncio.sleep(for_s)
    await redis.start()


async def nothing(redis: RedisProcess, for_s: float) -> None:
    """It stays."""
    await asyncio.sleep(for_s)


Outage = Callable[[RedisProcess, float], Awaitable[None]]
OUTAGES: dict[str, Outage] = {"hung": hang, "restarted": restart, "emptied": empty}


@dataclass(frozen=True, slots=True)
class Kept:
    """What is left of a call.

    Attributes:
        record: with its log; empty when it was not finished in time.
        late_ms: how late the worker's audio was at worst.
        answered_ms: how long it took until the first webhook had been answered.
    """

    result: CallResult
    record: dict[str, Any]
    late_ms: float
    answered_ms: float

    @property
    def waits_ms(self) -> dict[str, list[float]]:
        """What the caller waited for, and how long; how long the bot took to say each thing."""
        found = self.result.latencies
        said = [turn for turn in self.result.turns if turn.role == "bot" and not turn.interrupted]
        return {
            "the first webhook": [self.answered_ms],
            "the greeting": [] if found.greeting is None else [found.greeting],
            "answers": list(found.response),
            "barge-ins": list(found.barge_in),
            "what the bot said": [
                float(turn.end_ms - turn.start_ms)
                for turn in said
                if turn.start_ms is not None and turn.end_ms is not None
            ],
        }


async def talk(
    house: Deployment, redis: RedisProcess, arrivals: Arrivals, outage: Outage, for_s: float
) -> dict[str, Kept]:
    """Make the five calls with this outage in the middle: what is left of each, by its name."""
    listens: tuple[Step, ...] = (WaitForBot(), HangUp())
    over_ms = round(1000 * (BEFORE_S + 0.4 * for_s))
    barges: tuple[Step, ...] = (SpeakOver(FRIDAY, over_ms, 60_000), WaitForBot(), HangUp())
    ends: tuple[Step, ...] = (Wait(round(1000 * (BEFORE_S + ENDS_S))), HangUp())
    asks: tuple[Step, ...] = (
        *(WaitForBot(), Wait(2_500), Play(FRIDAY), WaitForBot()),
        *(Wait(round(1000 * for_s)), HangUp()),
    )
    begins: tuple[Step, ...] = (WaitForBot(), Press("#"), WaitForBot())
    callers: dict[str, Caller] = {}
    answered_ms: dict[str, float] = {}

    async def place(name: str, steps: Sequence[Step], to: str) -> None:
        began_s = time.monotonic()
        callers[name] = await house.call(steps, to)
        answered_ms[name] = 1000 * (time.monotonic() - began_s)

    await place("listens", listens, TALKER)
    await place("barges", barges, TALKER)
    await place("ends", ends, STEADY)
    await place("asks", asks, STEADY)
    await callers["listens"].until(1000 * BEFORE_S)
    away = asyncio.create_task(_during(outage, redis, for_s))
    await asyncio.sleep(0.1 * for_s)
    await place("begins", begins, STEADY)
    results = {name: await caller.result() for name, caller in callers.items()}
    await away
    kept: dict[str, Kept] = {}
    for name, result in results.items():
        record: dict[str, Any] = {}
        with suppress(TimeoutError):
            record = await house.record(result.call_sid, house.workers[0])
        kept[name] = Kept(result, record, arrivals.latest_ms(result), answered_ms[name])
    return kept


async def _during(outage: Outage, redis: RedisProcess, for_s: float) -> None:
    await outage(redis, for_s)


def compare(house: Deployment, known: Voice, name: str, kept: Kept, usual: Kept) -> Round:
    """Whether a call went as it does when Redis is there."""
    result = kept.result
    problems = [f"fault {fault}" for fault in result.faults]
    if result.steps_left and result.ended.by != "bot":
        problems.append(f"{result.steps_left} of the caller's steps were not reached")
    # A bot may hang up by REST, which is another reason of the phone's.
    if result.ended.by != usual.result.ended.by or result.traffic.streams != 1:
        problems.append(f"the phone says: {result.ended}, {result.traffic.streams} streams")
    if kept.late_ms > LATE_MS:
        problems.append(f"audio came {kept.late_ms:.0f} ms late")
    problems += slower(kept.waits_ms, usual.waits_ms)
    if not kept.record:
        problems.append("there is no finished record")
    else:
        problems += _differences(_plain(kept.record), _plain(usual.record))
    journal, before = (
        [entry.kind for entry in house.journal.of(each.result.call_sid)] for each in (kept, usual)
    )
    if journal != before:
        problems.append(f"the dialog was asked {journal}, usually {before}")
    if name.startswith("listens"):
        heard = [len(known.heard(result.tape.bot, text)) for text in TALK]
        if heard != [1] * len(TALK):
            problems.append(f"the talk's sentences were heard {heard} times")
    moment = f"audio late by at most {kept.late_ms:4.1f} ms"
    return Round(name, moment, None, None, tuple(problems))


def slower(
    waits_ms: Mapping[str, Sequence[float]],
    usual_ms: Mapping[str, Sequence[float]],
    most_ms: float = SLOWER_MS,
) -> list[str]:
    """What took longer than undisturbed, by more than `most_ms`, or did not come at all."""
    problems: list[str] = []
    for what, usually in usual_ms.items():
        now = waits_ms[what]
        more = max((a - b for a, b in zip(now, usually, strict=False)), default=0.0)
        if len(now) != len(usually) or more > most_ms:
            shown = [[f"{ms:.0f}" for ms in values] for values in (now, usually)]
            problems.append(f"{what} took {shown[0]} ms, usually {shown[1]}")
    return problems


def _plain(record: dict[str, Any]) -> dict[str, Any]:
    """A record without what differs from call to call: times, SIDs, and what counts time."""
    sid = record["sid"]
    plain = {key: value for key, value in record.items() if not _is_own(key)}
    plain["history"] = [
        {key: value for key, value in entry.items() if not key.endswith("_ms")}
        for entry in record["history"]
    ]
    plain["state"] = {
        key: [str(item).replace(sid, "") for item in value] if isinstance(value, list) else value
        for key, value in record["state"].items()
    }
    plain["counters"] = {
        key: value
        for key, value in record["counters"].items()
        # The phone hangs up, and the caller speaks, a frame sooner or later.
        if key not in {"frames_in", "media_out", "marks"}
    }
    plain["latencies"] = len(record["latencies"])
    return plain


def _is_own(key: str) -> bool:
    own = {"sid", "stream_sid", "from_number", "worker", "log", "speaking_from_ms"}
    return key in own or key.endswith("_ms")


def _differences(plain: dict[str, Any], usual: dict[str, Any]) -> list[str]:
    return [
        f"{key} is {plain.get(key)}, usually {usual.get(key)}"
        for key in sorted(plain.keys() | usual.keys())
        if not _alike(plain.get(key), usual.get(key))
    ]


def _alike(value: Any, usual: Any) -> bool:
    """Whether both are equal; a bot that was cut may have been heard for a word more or less."""
    if isinstance(value, dict) and isinstance(usual, dict):
        cut = value.get("interrupted") is True and usual.get("interrupted") is True
        return value.keys() == usual.keys() and all(
            _about_as_much(value[key], usual[key])
            if cut and key == "heard"
            else _alike(value[key], usual[key])
            for key in value
        )
    if isinstance(value, list) and isinstance(usual, list):
        return len(value) == len(usual) and all(map(_alike, value, usual))
    return bool(value == usual)


def _about_as_much(heard: str, usual: str) -> bool:
    words, usually = heard.split(), usual.split()
    same = min(len(words), len(usually))
    return words[:same] == usually[:same] and abs(len(words) - len(usually)) <= 1


# The command


async def run(times: int, away_s: float, out: Path | None) -> list[Round]:
    """An undisturbed run and then one for each outage, so many times."""
    known = await Voice.learn(TALK)
    done: list[Round] = []
    async with redis_process() as redis:
        processes = {"PARLEY_POCKETSPHINX_PROCESSES": "5"}
        with watched_arrivals() as arrivals:
            async with deployment(
                "Talker", redis_url=redis.url, numbers={STEADY: "Steady"}, more=processes
            ) as house:
                for _ in range(times):
                    done += await _runs(house, redis, arrivals, known, away_s, out)
    return done


async def _runs(
    house: Deployment,
    redis: RedisProcess,
    arrivals: Arrivals,
    known: Voice,
    away_s: float,
    out: Path | None,
) -> list[Round]:
    done: list[Round] = []
    for _ in range(MEASUREMENTS):
        usual = await talk(house, redis, arrivals, nothing, away_s)
        late_ms = max(each.late_ms for each in usual.values())
        if late_ms <= LATE_MS:
            break
        print(f"undisturbed, audio is {late_ms:.0f} ms late: measured again", flush=True)
    else:
        # Who is late when nothing happens shows nothing by being late.
        busy = f"void: the machine is too busy, audio is {late_ms:.0f} ms late undisturbed"
        void = Round("usual", f"measured {MEASUREMENTS} times", None, None, (busy,))
        report(void)
        return [void]
    for what, outage in {"usual": None, **OUTAGES}.items():
        kept = usual if outage is None else await talk(house, redis, arrivals, outage, away_s)
        for name, each in kept.items():
            outcome = compare(house, known, f"{name} {what}", each, usual[name])
            report(outcome)
            keep_evidence(out, outcome, house, [each.result, usual[name].result])
            done.append(outcome)
    return done


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--times", type=int, default=1, help="runs of all outages")
    parser.add_argument("--away-s", type=float, default=10.0, help="how long Redis is away")


def main(arguments: argparse.Namespace) -> int:
    return summary(asyncio.run(run(arguments.times, arguments.away_s, arguments.out)))
