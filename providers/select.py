"""PURE: which provider: the one that was named, else preferred, else the best for a goal, else the
first that is configured.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from .errors import MissingKeyError, UnsupportedError
from .facts import Facts

__all__ = ["GOALS", "Choice", "Goal", "Wish", "choose"]

Goal = Literal["quality", "cost", "latency", "balanced"]
GOALS: tuple[Goal, ...] = ("quality", "cost", "latency", "balanced")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What the user said about it.

    Attributes:
        explicit: these, in this order, and no others.
        preferred: these if they are configured, in this order.
        goal: chosen automatically, by this; None is not at all.
        prefer_free: what costs nothing, or has a free tier, comes first.
    """

    explicit: tuple[str, ...] = ()
    preferred: tuple[str, ...] = ()
    goal: Goal | None = None
    prefer_free: bool = False


@dataclass(frozen=True, slots=True)
class Choice:
    """The providers, the best first: the others are for when it fails.

    Attributes:
        reason: why these, in words for a log.
    """

    names: tuple[str, ...]
    reason: str = field(compare=False)


def choose(
    wish: Wish,
    *,
    known: Sequence[str],
    missing: Callable[[str], str | None],
    facts: Callable[[str], Facts],
    measured_ms: Mapping[str, float] | None = None,
) -> Choice:
    """Which providers to use.

    Args:
        wish: what the user said.
        known: the names in the catalogue.
        missing: what a provider lacks to be configured; None is nothing.
        facts: what is known of it.
        measured_ms: the latency that this process measured, by name.

    Raises:
        UnsupportedError: there is no provider of that name.
        MissingKeyError: one that was named is not configured, or none is.
    """
    for name in (*wish.explicit, *wish.preferred):
        if name not in known:
            raise UnsupportedError(
                name, "unknown provider", hint=f"choose one of: {', '.join(sorted(known))}"
            )
    if wish.explicit:
        for name in wish.explicit:
            if lack := missing(name):
                raise MissingKeyError(name, "it is not configured", hint=lack)
        return Choice(wish.explicit, "named")
    configured = [name for name in known if missing(name) is None]
    if not configured:
        hint = "; ".join(filter(None, map(missing, known)))
        raise MissingKeyError("providers", "none is configured", hint=hint)
    if preferred := tuple(name for name in wish.preferred if name in configured):
        return Choice(preferred, "preferred")
    # What understands but a few phrases, say, is for when there is nothing else.
    fit = [name for name in configured if facts(name).general] or configured
    if wish.goal is None:
        ordered = sorted(fit, key=lambda name: wish.prefer_free and not facts(name).free)
        return Choice(tuple(ordered[:1]), "the first that is configured")
    ranked = _ranked(fit, wish.goal, facts, measured_ms or {})
    if wish.prefer_free:
        ranked.sort(key=lambda name: not facts(name).free)
    return Choice(tuple(ranked), f"the best for {wish.goal}")


def _ranked(
    names: Sequence[str],
    goal: Goal,
    facts: Callable[[str], Facts],
    measured_ms: Mapping[str, float],
) -> list[str]:
    """The best first. Equally good ones stay in the order of the catalogue."""

    def price(name: str) -> float:
        known = facts(name).price
        # What nobody knows the price of is not taken for cheap.
        return float("inf") if known is None else known

    def quality(name: str) -> float:
        return -facts(name).quality

    def latency(name: str) -> float:
        return measured_ms.get(name, facts(name).latency_ms)

    keys = {"quality": quality, "cost": price, "latency": latency}
    if goal != "balanced":
        return sorted(names, key=lambda name: (keys[goal](name), quality(name)))
    places = {aim: _places(names, key) for aim, key in keys.items()}
    return sorted(names, key=lambda name: sum(place[name] for place in places.values()))


def _places(names: Sequence[str], key: Callable[[str], float]) -> dict[str, int]:
    """Which place each takes; equals share one."""
    values = sorted({key(name) for name in names})
    return {name: values.index(key(name)) for name in names}
