"""What the service has done on a worker: for its statistics, and for the worker's metrics."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any, Literal

from bot.metrics import Metrics

from .latencies import Latencies, quantile_ms

__all__ = ["DOORS", "Tally", "Took", "total"]

Took = Literal["start", "interim", "final"]
DOORS = ("stream", "asr", "chunk")


class Tally:
    """Counts, since the worker began.

    Args:
        metrics: the worker's, where all is counted too.

    Attributes:
        begun, resumed: sessions, by the door by which they came.
        ended: sessions, by the reason.
        interrupted: sessions that may be resumed, by the code of the error.
        lost: connections that were gone though their session was not over.
        audio_ms: how much audio was taken.
        errors: failures, by recognizer.
        switches: times that one (the first) was replaced by another (the second).
    """

    def __init__(self, metrics: Metrics) -> None:
        self.begun: Counter[str] = Counter()
        self.resumed: Counter[str] = Counter()
        self.ended: Counter[str] = Counter()
        self.interrupted: Counter[str] = Counter()
        self.lost = 0
        self.audio_ms = 0.0
        self.errors: Counter[str] = Counter()
        self.switches: Counter[tuple[str, str]] = Counter()
        self._took: dict[Took, Latencies] = {
            "start": Latencies(),
            "interim": Latencies(),
            "final": Latencies(),
        }
        self._metrics = metrics
        self._seconds = {
            "start": metrics.stt_start_seconds,
            "interim": metrics.stt_interim_seconds,
            "final": metrics.stt_final_seconds,
        }

    def began(self, door: str, *, resumed: bool) -> None:
        """A session began, or goes on, here."""
        (self.resumed if resumed else self.begun)[door] += 1
        self._metrics.stt_sessions.labels(door, "resumed" if resumed else "begun").inc()

    def end(self, reason: str) -> None:
        """A session is over for good."""
        self.ended[reason] += 1
        self._metrics.stt_sessions_ended.labels(reason).inc()

    def interrupt(self, code: str) -> None:
        """A session does not go on here, but may be resumed."""
        self.interrupted[code] += 1
        self._metrics.stt_sessions_interrupted.labels(code).inc()

    def lose(self) -> None:
        """A client is gone, and its session is not over."""
        self.lost += 1
        self._metrics.stt_connections_lost.inc()

    def hear(self, audio_ms: float) -> None:
        """So much more audio was taken."""
        self.audio_ms += audio_ms
        self._metrics.stt_audio_seconds.inc(audio_ms / 1000)

    def failed(self, provider: str) -> None:
        """A recognizer has failed."""
        self.errors[provider] += 1
        self._metrics.provider_errors.labels("stt", provider).inc()

    def switched(self, before: str, after: str) -> None:
        """Another recognizer has taken over."""
        self.switches[before, after] += 1
        self._metrics.provider_switches.labels("stt", before, after).inc()

    def took(self, kind: Took, took_s: float) -> None:
        """Something took so long.

        Args:
            kind: until a session had begun; from where somebody began to speak to the first words
                that were understood; from the end of what was said to its final transcription.
            took_s: how long.
        """
        self._took[kind].add(took_s)
        self._seconds[kind].observe(took_s)

    def values(self, active: Mapping[str, int], states: Mapping[str, str]) -> dict[str, Any]:
        """All of it, as JSON values of which `total` makes an answer.

        Args:
            active: how many sessions go on, by door.
            states: how well each recognizer is.
        """
        return {
            "active": {door: active.get(door, 0) for door in DOORS},
            "begun": {door: self.begun[door] for door in DOORS},
            "resumed": {door: self.resumed[door] for door in DOORS},
            "ended": self.ended,
            "interrupted": self.interrupted,
            "lost": self.lost,
            "audio_ms": self.audio_ms,
            "errors": self.errors,
            "states": states,
            "switches": [[*names, count] for names, count in self.switches.items()],
            "took": {
                kind: {str(number): count for number, count in one.counts().items()}
                for kind, one in self._took.items()
            },
        }


def total(workers: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """What clients are told of what several workers have counted."""
    of_each = list(workers)

    def sums(name: str) -> Counter[str]:
        return _sum(Counter(one[name]) for one in of_each)

    errors = sums("errors")
    states: dict[str, Counter[str]] = {name: Counter() for name in errors}
    switches: Counter[tuple[str, str]] = Counter()
    for one in of_each:
        for provider, state in one["states"].items():
            states.setdefault(provider, Counter())[state] += 1
        for before, after, count in one["switches"]:
            switches[before, after] += count
    return {
        "workers": len(of_each),
        "sessions": {
            "active": _doors(sums("active")),
            "begun": _doors(sums("begun")),
            "resumed": _doors(sums("resumed")),
            "ended": sums("ended"),
            "interrupted": sums("interrupted"),
            "connections_lost": sum(one["lost"] for one in of_each),
        },
        "audio_s": round(sum(one["audio_ms"] for one in of_each) / 1000, 3),
        "providers": {
            provider: {"states": of_it, "errors": errors[provider]}
            for provider, of_it in sorted(states.items())
        },
        "switches": [
            {"from": before, "to": after, "count": count}
            for (before, after), count in switches.items()
        ],
        "latencies_ms": {kind: _latency(kind, of_each) for kind in ("start", "interim", "final")},
    }


def _sum(counts: Iterable[Counter[str]]) -> Counter[str]:
    return sum(counts, Counter())


def _doors(counts: Counter[str]) -> dict[str, int]:
    return {**{door: counts[door] for door in DOORS}, "all": counts.total()}


def _latency(kind: str, of_each: Iterable[Mapping[str, Any]]) -> dict[str, float | None]:
    counts: Counter[int] = Counter()
    for one in of_each:
        counts.update({int(number): count for number, count in one["took"][kind].items()})
    return {
        "count": counts.total(),
        "p50": quantile_ms(counts, 0.5),
        "p95": quantile_ms(counts, 0.95),
    }
