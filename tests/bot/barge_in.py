"""Barge-in at random moments, measured against what the phone really played.

`python -m tests.bot.barge_in --times 50` calls a worker whose greeting lasts fifteen seconds and
speaks over it, the first word and the end among the moments. For each call it prints when `clear`
came, what the bot kept as heard, and how far that is from the phone's true play-out position.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import sys
from collections.abc import Sequence
from dataclasses import dataclass

from bot.phone.call import PhoneConfig, place_call
from bot.phone.clip import Clip
from bot.phone.result import CallResult
from bot.phone.speech import FRAME_MS
from bot.phone.steps import HangUp, SpeakOver, Step, WaitForBot
from bot.speech import Speaker, synthesize_ulaw
from media.audio import ULAW_8K
from media.playout import Playout
from providers.fallback import Fallback
from providers.tts.espeak import ESpeak
from providers.tts.fallback import FallbackTts
from providers.types import TtsOptions

from .dialogs import LECTURE
from .running import running_worker

__all__ = ["BargeIn", "Lecture", "barge_in", "interrupting_clip", "lecture", "moments"]

CLEAR_WITHIN_MS = 350
HEARD_WITHIN_MS = 300
PARALLEL = 3


@dataclass(frozen=True, slots=True)
class Lecture:
    """The greeting as it is played: each word's end in the text and its place in the audio."""

    text: str
    words: tuple[tuple[int, float], ...]
    length_ms: float

    def words_begun(self, at_ms: float) -> int:
        return sum(start_ms < at_ms for _, start_ms in self.words)


@dataclass(frozen=True, slots=True)
class BargeIn:
    """One call. `clear_ms` is None when the lecture was over before the caller was noticed."""

    after_ms: int
    clear_ms: float | None
    heard: str
    told: str | None
    words_off: int
    off_ms: float
    problems: tuple[str, ...]


async def lecture() -> Lecture:
    """Synthesize the greeting exactly as the worker does, and note where its words are."""
    tts = ESpeak()
    await tts.start()
    playout = Playout()
    face = FallbackTts(Fallback.alone(tts), audio=ULAW_8K)
    speaker = Speaker(face, TtsOptions(), playout, lambda: None)
    words: list[tuple[int, float]] = []
    offset, offset_ms = 0, 0.0
    for number, sentence in enumerate(LECTURE):
        segment = playout.open(sentence)
        before_ms = playout.queued_ms
        await speaker.say(segment, pause=number > 0)
        words += [(offset + w.end, offset_ms + w.at_ms) for w in segment._words]
        offset += len(sentence) + 1
        offset_ms += playout.queued_ms - before_ms
    await tts.aclose()
    return Lecture(" ".join(LECTURE), tuple(words), offset_ms)


async def interrupting_clip() -> Clip:
    """Somebody who says a few words at once."""
    tts = ESpeak()
    await tts.start()
    ulaw = await synthesize_ulaw(
        Fallback.alone(tts), "Excuse me, wait a moment please", TtsOptions(voice="en-us+f3")
    )
    await tts.aclose()
    return Clip("excuse-me", ulaw)


def moments(times: int, length_ms: float, seed: int) -> list[int]:
    """When to interrupt, in ms of the bot's speech: the first word, the last ones, and anywhere."""
    chance = random.Random(seed)
    edges = [0, 20, 120, int(length_ms) - 900, int(length_ms) - 500]
    anywhere = [chance.randrange(int(length_ms) - 400) for _ in range(times)]
    return [*edges, *anywhere][:times]


async def barge_in(
    phone: PhoneConfig,
    clip: Clip,
    after_ms: int,
    truth: Lecture,
    clear_within_ms: float = CLEAR_WITHIN_MS,
) -> BargeIn:
    """Call, speak over the lecture after so many ms of it, and judge what the bot kept."""
    steps: Sequence[Step] = (SpeakOver(clip, after_ms), WaitForBot(), HangUp())
    return judge(await place_call(phone, steps), after_ms, truth, clear_within_ms)


def judge(result: CallResult, after_ms: int, truth: Lecture, clear_within_ms: float) -> BargeIn:
    """Compare what the worker kept of its greeting with what the phone played of it."""
    problems = [str(fault) for fault in result.faults]
    record = result.record or {}
    greeting = next((e for e in record.get("history", ()) if e["role"] == "bot"), None)
    if greeting is None:
        return BargeIn(after_ms, None, "", None, 0, 0.0, (*problems, "no greeting recorded"))
    heard = greeting["heard"]
    told = [entry["heard"] for entry in record["state"].get("interruptions", ())]
    if not truth.text.startswith(heard):
        problems.append("what was heard is no prefix of what was said")
    cleared = bool(result.tape.clears) and result.tape.clears[0].dropped_bytes > 0
    at_ms = result.tape.clears[0].played_bytes / 8 if cleared else truth.length_ms
    kept = sum(end <= len(heard) for end, _ in truth.words)
    words_off = kept - truth.words_begun(at_ms)
    kept_ms = truth.words[kept - 1][1] if kept else 0.0
    off_ms = 0.0 if words_off == 0 else kept_ms - at_ms
    if abs(words_off) > 1 and abs(off_ms) > HEARD_WITHIN_MS:
        problems.append(f"heard is {words_off} words and {off_ms:.0f} ms off")
    clear_ms = result.latencies.barge_in[0] if result.latencies.barge_in else None
    if cleared and (clear_ms is None or clear_ms - _late_ms(result, clear_ms) > clear_within_ms):
        problems.append(f"clear came after {clear_ms} ms")
    if cleared and told != [heard]:
        problems.append(f"the dialog was told {told}")
    if not cleared and after_ms < truth.length_ms - 1_000:
        problems.append("nothing was cleared")
    told_text = told[0] if told else None
    return BargeIn(after_ms, clear_ms, heard, told_text, words_off, off_ms, tuple(problems))


def _late_ms(result: CallResult, clear_ms: float) -> float:
    """How late the phone itself was between the barge-in and its `clear`."""
    at_ms = result.tape.clears[0].at_ms
    first, last = (at_ms - clear_ms) // FRAME_MS, at_ms // FRAME_MS
    return max(result.traffic.late_ms[int(first) : int(last) + 1], default=0.0)


async def run(times: int, seed: int) -> list[BargeIn]:
    """Make the calls, a few at a time."""
    truth, clip = await lecture(), await interrupting_clip()
    slots = asyncio.Semaphore(PARALLEL)
    async with running_worker(PARLEY_DIALOG="tests.bot.dialogs:Lecturer") as worker:

        async def one(after_ms: int) -> BargeIn:
            async with slots:
                outcome = await barge_in(worker.phone, clip, after_ms, truth)
            print(
                f"after {after_ms:5d} ms: clear {outcome.clear_ms} ms, "
                f"{outcome.words_off:+d} words, {'; '.join(outcome.problems) or 'good'}"
            )
            return outcome

        return await asyncio.gather(*map(one, moments(times, truth.length_ms, seed)))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=int, default=50)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    outcomes = asyncio.run(run(arguments.times, arguments.seed))
    clears = sorted(o.clear_ms for o in outcomes if o.clear_ms is not None)
    bad = sum(bool(o.problems) for o in outcomes)
    words = max(abs(o.words_off) for o in outcomes)
    print(f"{len(outcomes)} calls, {len(clears)} barge-ins, {bad} bad; words off at most {words}")
    if clears:
        print(f"clear after p50 {clears[len(clears) // 2]:.0f} ms, max {clears[-1]:.0f} ms")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
