"""What a proof prints: a line for each round, a summary, and evidence where a bound was broken."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from bot.phone.measure import percentile
from bot.phone.report import call_report
from bot.phone.result import CallResult

from .deployment import Deployment

__all__ = ["Round", "broken_off", "keep_evidence", "report", "summary"]


@dataclass(frozen=True, slots=True)
class Round:
    """One call that was harmed.

    Attributes:
        name: of the round, such as `hook 7`.
        moment: what was going on, in words.
        gap_ms: how long the call was dead; None where that is not asked, or it stayed dead.
        audible_ms: how long until the bot was heard again.
        problems: what was not as it should be.
        instant: at which harm was meant to be done; empty where there is no such.
        struck: whether it was done then: a round whose harm came too soon or too late shows little.
    """

    name: str
    moment: str
    gap_ms: float | None
    audible_ms: float | None
    problems: tuple[str, ...]
    instant: str = ""
    struck: bool = True

    @property
    def kind(self) -> str:
        """What is shown by one round as by another."""
        return " ".join(filter(None, (self.name.split()[0], self.instant)))

    def with_problems(self, more: Sequence[str]) -> Round:
        """The round, and what else was wrong in it."""
        return replace(self, problems=(*self.problems, *more))


def report(done: Round) -> None:
    """Print the round."""
    gap = "" if done.gap_ms is None else f"gap {done.gap_ms:4.0f} ms"
    audible = "" if done.audible_ms is None else f", audible after {done.audible_ms:4.0f} ms"
    verdict = "; ".join(done.problems) or ("good" if done.struck else "good, but not then")
    print(f"{done.name:12} {done.moment}: {gap}{audible}: {verdict}", flush=True)


def summary(rounds: Sequence[Round]) -> int:
    """Print what all rounds come to; the status to exit with."""
    bad = [done.name for done in rounds if done.problems]
    missed = sum(not done.struck for done in rounds)
    unshown = {done.kind for done in rounds} - {done.kind for done in rounds if done.struck}
    gaps = [done.gap_ms for done in rounds if done.gap_ms is not None]
    audible = [done.audible_ms for done in rounds if done.audible_ms is not None]
    print(f"{len(rounds)} rounds, {len(bad)} bad{': ' if bad else ''}{', '.join(bad)}")
    for what, values in (("gap", gaps), ("audible", audible)):
        if values:
            print(f"{what}: p50 {percentile(values, 50):.0f} ms, max {max(values):.0f} ms")
    if missed:
        print(f"{missed} rounds in which the harm was not done at the instant that was meant")
    for kind in sorted(unshown):
        print(f"no round shows anything of {kind!r}: more are needed")
    return 1 if bad or unshown or not rounds else 0


def broken_off(name: str, error: Exception) -> Round:
    """A round that could not be done."""
    return Round(name, "broke off", None, None, (repr(error),))


def keep_evidence(
    out: Path | None, done: Round, deployment: Deployment, results: Sequence[CallResult]
) -> None:
    """Leave in `out` what is needed to find out why a round went wrong."""
    if out is None or not done.problems:
        return
    folder = out / done.name.replace(" ", "-")
    folder.mkdir(parents=True, exist_ok=True)
    facts = [
        {
            "report": call_report(result),
            "verbs": result.verbs,
            "notes": result.notes,
            "record": result.record,
            "journal": [asdict(entry) for entry in deployment.journal.of(result.call_sid)],
        }
        for result in results
    ]
    text = json.dumps({"round": asdict(done), "calls": facts}, indent=1, default=str)
    (folder / "round.json").write_text(text)
    for worker in deployment.workers:
        shutil.copy(worker.log, folder)
