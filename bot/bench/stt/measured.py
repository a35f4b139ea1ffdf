"""What a round of sessions has shown, ready for JSON, and whether it counts."""

from __future__ import annotations

from typing import TypedDict

from bot.bench.calls.measured import MOST_OWN_LATENESS_MS, Spread, spread
from bot.bench.calls.series import Series

from .seen import Seen

__all__ = ["Costs", "Echo", "Round", "Sights", "faults_of", "sights_of"]


class Sights(TypedDict):
    """What clients and the vendor saw of a round, in ms.

    Attributes:
        started_ms: from a connection's beginning to `session_started`, of all that began.
        first_interim_ms: from the beginning of speech to the first interim; `vendor_first_ms` is
            the vendor's part of that, which waits for so much of the speech.
        overhead_ms: what the worker adds to the vendor's time: from the message whose audio
            completes a word to the transcription with it. `in_ms` is its way to the vendor, of all
            audio, and `out_ms` the way back.
        clients_late_ms: what was not the worker's fault.
        strange: how many streams of audio were nobody's.
    """

    started_ms: Spread
    first_interim_ms: Spread
    vendor_first_ms: Spread
    overhead_ms: Spread
    in_ms: Spread
    out_ms: Spread
    clients_late_ms: Spread
    strange: int


class Costs(TypedDict):
    """What the worker needed in a round.

    Attributes:
        cpu_percent: of a core, by the worker; `clients_cpu_percent` by clients and vendor.
        waited_percent: for how much of the time other processes kept the worker from its core.
        memory_mb: of the worker, with the sessions.
        memory_mb_idle: before all rounds, a few sessions having been there already.
        memory_mb_after: when they had ended, and some seconds had passed.
        tasks_per_session: of the worker's event loop.
    """

    cpu_percent: float
    cpu_percent_per_session: float
    clients_cpu_percent: float
    waited_percent: float
    memory_mb: float
    memory_mb_idle: float
    memory_mb_after: float
    memory_mb_per_session: float
    memory_mb_kept_per_session: float
    tasks_per_session: float


class Echo(TypedDict):
    """The bare echo, with the same clients: `echo_ms` is a message's way there and back."""

    cpu_percent: float
    cpu_percent_per_session: float
    echo_ms: Spread
    clients_late_ms: Spread
    void: bool


class Round(Sights, Costs):
    """Sessions at a time, for a while.

    Attributes:
        sessions, seconds: how many, and for how long they were measured.
        message_ms: how much audio a client's message had.
        echo: the same without a worker.
        times_echo: the CPU time of a session in that of the bare echo; None when that is void.
        lost: how many sessions had anything go wrong, lost or doubled.
        valid: whether it counts, and nothing was lost; `faults` says why not.
    """

    sessions: int
    seconds: float
    message_ms: int
    echo: Echo
    times_echo: float | None
    lost: int
    valid: bool
    faults: list[str]


def sights_of(seen: Seen, from_s: float, to_s: float) -> Sights:
    """What was seen between two times (`monotonic`); beginnings and counts are of the whole."""

    def within(series: Series) -> Spread:
        return spread(series.within(from_s, to_s))

    return Sights(
        started_ms=spread(seen.started.within(0.0, to_s)),
        first_interim_ms=within(seen.firsts),
        vendor_first_ms=within(seen.vendor_firsts),
        overhead_ms=within(seen.overheads),
        in_ms=within(seen.ways_in),
        out_ms=within(seen.ways_out),
        clients_late_ms=within(seen.lateness),
        strange=seen.counts["strange"],
    )


def faults_of(sights: Sights) -> list[str]:
    """Why a round does not count."""
    faults = []
    late_ms = sights["clients_late_ms"]["p99"]
    if late_ms > MOST_OWN_LATENESS_MS:
        faults.append(f"void: the clients were {late_ms:.1f} ms late themselves (p99)")
    if strange := sights["strange"]:
        faults.append(f"{strange} of the vendor's streams belonged to no session")
    return faults
