"""Recorded people talk to the `echo` dialog: what it understood, and how soon it answered.

`python -m tests.bot.spoken_files DIR` calls a worker with each `.ulaw` file of a folder that
`README.md` there gives a transcript for, and compares what the worker understood with what
PocketSphinx makes of the same file directly. Word error rates are per hundred words.
"""

from __future__ import annotations

import argparse
import asyncio
import re
import sys
from dataclasses import dataclass
from pathlib import Path

import jiwer
from pocketsphinx import Decoder

from bot.phone.call import PhoneConfig, place_call
from bot.phone.clip import Clip, load_clip
from bot.phone.measure import percentile
from bot.phone.steps import default_steps
from media.audio import pcm_to_bytes, ulaw_to_pcm
from media.resample import upsample

from .running import running_worker

__all__ = ["Outcome", "direct", "talk", "transcripts", "word_error"]

WITHIN_POINTS = 5.0
RESPONSE_P95_MS = 900.0
REPLY_AT_LEAST_MS = 300


@dataclass(frozen=True, slots=True)
class Outcome:
    """One call: what was said, what the worker understood, and times."""

    name: str
    said: str
    understood: str
    response_ms: float
    endpointing_ms: float
    reply_ms: float
    problems: tuple[str, ...]


def transcripts(folder: Path) -> dict[str, str]:
    """What is said in the files of a folder, by its README's table; machines' prompts left out."""
    rows = re.findall(r"^\| (\w+) \| ([a-z ]+) \|", (folder / "README.md").read_text(), re.M)
    return {name: said for name, said in rows if (folder / f"{name}.ulaw").exists()}


def direct(clip: Clip) -> str:
    """What PocketSphinx, as it comes, makes of the whole file."""
    decoder = Decoder(samprate=16_000, loglevel="FATAL")
    decoder.start_utt()
    decoder.process_raw(pcm_to_bytes(upsample(ulaw_to_pcm(clip.audio))), full_utt=True)
    decoder.end_utt()
    best = decoder.hyp()
    return str(best.hypstr) if best is not None else ""


def word_error(said: list[str], understood: list[str]) -> float:
    """Word error rate in points: errors per hundred words said."""
    return 100 * float(jiwer.wer(said, understood))


async def talk(phone: PhoneConfig, clip: Clip, said: str) -> Outcome:
    """Say the recording to the bot, and judge what came back."""
    result = await place_call(phone, default_steps([clip]))
    problems = [str(fault) for fault in result.faults]
    words = [turn for turn in result.turns if turn.role == "caller"]
    understood = " ".join(turn.text or "" for turn in words)
    replies = [turn for turn in result.turns if turn.role == "bot"][1:]
    if len(words) != 1:
        problems.append(f"{len(words)} turns")
    if [reply.text for reply in replies] != [f"You said {turn.text}." for turn in words]:
        problems.append("the reply is not what echo says of it")
    if any((r.end_ms or 0) - (r.start_ms or 0) < REPLY_AT_LEAST_MS for r in replies):
        problems.append("the reply is too short")
    spent = (result.record or {}).get("latencies") or [{"endpointing_ms": 0.0, "reply_ms": 0.0}]
    return Outcome(
        clip.name,
        said,
        understood,
        max(result.latencies.response, default=0.0),
        spent[-1]["endpointing_ms"],
        spent[-1]["reply_ms"],
        tuple(problems),
    )


async def run(folder: Path, clips: dict[str, Clip], rounds: int) -> list[Outcome]:
    """Call with every clip, one after another, so many times."""
    async with running_worker(PARLEY_DIALOG="echo") as worker:
        return [
            await talk(worker.phone, clip, transcripts(folder)[name])
            for _ in range(rounds)
            for name, clip in clips.items()
        ]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--rounds", type=int, default=1)
    arguments = parser.parse_args()
    folder = arguments.folder
    clips = {name: load_clip(folder / f"{name}.ulaw") for name in transcripts(folder)}
    outcomes = asyncio.run(run(folder, clips, arguments.rounds))
    alone = {clip.name: direct(clip) for clip in clips.values()}
    for o in outcomes:
        print(f"{o.name}\n  said   {o.said}\n  call   {o.understood}\n  alone  {alone[o.name]}")
        print(
            f"  response {o.response_ms:.0f} ms (endpointing {o.endpointing_ms:.0f}, "
            f"reply {o.reply_ms:.1f}) {'; '.join(o.problems)}"
        )
    said = [o.said for o in outcomes]
    call = word_error(said, [o.understood for o in outcomes])
    reached = word_error(said, [alone[o.name] for o in outcomes])
    p95 = percentile([o.response_ms for o in outcomes], 95) or 0.0
    print(f"word error: in calls {call:.1f}, alone {reached:.1f}; response p95 {p95:.0f} ms")
    good = call <= reached + WITHIN_POINTS and p95 < RESPONSE_P95_MS
    return 0 if good and not any(o.problems for o in outcomes) else 1


if __name__ == "__main__":
    sys.exit(main())
