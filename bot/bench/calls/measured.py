"""What a round has shown, ready for JSON, and whether it counts."""

from __future__ import annotations

from typing import TypedDict

from .line import Seen
from .series import Figures, Series, percentile

__all__ = ["Costs", "Echo", "Round", "Sights", "Spread", "faults_of", "sights_of", "spread"]

MOST_LATE_MS = 20.0
"""A frame that is later was late."""
MOST_OWN_LATENESS_MS = 5.0
"""A run is void when the phones or vendors were later than that, once in a hundred times."""


class Spread(TypedDict):
    """How values are spread, in ms; 0 when there are none."""

    count: int
    p50: float
    p99: float
    most: float


class Sights(TypedDict):
    """What the phones and vendors saw of a round.

    Attributes:
        in_ms: how late audio was at the recognizer; `late_in` pieces were later than 20 ms.
        out_gaps_ms: how long there was nothing to play in a reply, where it was over 20 ms.
        response_ms: from the end of a turn to its reply's first audio, without the vendors.
        phones_late_ms, vendors_late_ms: what was not the worker's fault.
        turns: how many the recognizer ended; of their replies `begun` were heard, `barged` spoken
            over, `again` wanted once more because nothing was said over them, and `unfinished`
            left without their end.
        strange: how many streams of audio, and texts to be spoken, belonged to no call or turn.
    """

    in_ms: Spread
    late_in: int
    out_gaps_ms: Spread
    response_ms: Spread
    phones_late_ms: Spread
    vendors_late_ms: Spread
    turns: int
    begun: int
    barged: int
    again: int
    unfinished: int
    strange: int


class Costs(TypedDict):
    """What the worker needed in a round.

    Attributes:
        cpu_percent: of a core, by the worker; `phones_cpu_percent` by phones and vendors.
        waited_percent: for how much of the time other processes kept the worker from its core.
        memory_mb: of the worker, with the calls.
        memory_mb_idle: before all rounds, a few calls having been there already.
        memory_mb_after: when they had hung up, and some seconds had passed.
        memory_mb_kept_per_call: what had not been given back then.
        tasks_per_call: of the worker's event loop.
    """

    cpu_percent: float
    cpu_percent_per_call: float
    phones_cpu_percent: float
    waited_percent: float
    memory_mb: float
    memory_mb_idle: float
    memory_mb_after: float
    memory_mb_per_call: float
    memory_mb_kept_per_call: float
    tasks_per_call: float


class Round(Sights, Costs):
    """Calls at a time, for a while.

    Attributes:
        calls, seconds: how many, and for how long they were measured.
        stt_chunk_ms: how much audio went to the recognizer at a time.
        barge_in_ms: from the VAD's decision to `clear`; the limits of the histogram's buckets,
            infinite (null in JSON) beyond a second.
        valid: whether it counts, and nothing was late or lost; `faults` says why not.
    """

    calls: int
    seconds: float
    stt_chunk_ms: int
    barge_in_ms: Spread
    valid: bool
    faults: list[str]


class Echo(TypedDict):
    """The bare echo, with the same phones: `echo_ms` is a frame's way there and back."""

    calls: int
    seconds: float
    cpu_percent: float
    cpu_percent_per_call: float
    echo_ms: Spread
    phones_late_ms: Spread
    void: bool


def spread(values: Figures) -> Spread:
    """How values are spread."""
    return Spread(
        count=int(values.size),
        p50=percentile(values, 50),
        p99=percentile(values, 99),
        most=float(values.max()) if values.size else 0.0,
    )


def sights_of(seen: Seen, from_s: float, to_s: float) -> Sights:
    """What was seen between two times (`monotonic`); what was counted is of the whole round."""

    def within(series: Series) -> Spread:
        return spread(series.within(from_s, to_s))

    return Sights(
        in_ms=within(seen.late_in),
        late_in=int((seen.late_in.within(from_s, to_s) > MOST_LATE_MS).sum()),
        out_gaps_ms=within(seen.gaps_out),
        response_ms=within(seen.responses),
        phones_late_ms=within(seen.frame_lateness),
        vendors_late_ms=within(seen.piece_lateness),
        turns=seen.counts["ended"],
        begun=seen.counts["begun"],
        barged=seen.counts["barged"],
        again=seen.counts["again"],
        unfinished=seen.counts["unfinished"],
        strange=seen.counts["strange"],
    )


def faults_of(sights: Sights, *, unanswered: int = 0) -> list[str]:
    """Why a round does not count, or what was late in it; `unanswered` turns had no reply."""
    faults = [f"{unanswered} turns were not answered"] if unanswered else []
    own = {"phones": sights["phones_late_ms"], "vendors": sights["vendors_late_ms"]}
    for who, late_ms in own.items():
        if late_ms["p99"] > MOST_OWN_LATENESS_MS:
            faults.append(f"void: the {who} were {late_ms['p99']:.1f} ms late themselves (p99)")
    if late := sights["late_in"]:
        faults.append(f"{late} pieces of audio were late on the way in")
    if gaps := sights["out_gaps_ms"]["count"]:
        faults.append(f"{gaps} times nothing was there to be played in the middle of a reply")
    if unfinished := sights["unfinished"]:
        faults.append(f"{unfinished} replies did not come to their end")
    if strange := sights["strange"]:
        faults.append(f"{strange} streams or texts of the worker's belonged to no call or turn")
    return faults
