"""How much of each provider was used, and what that costs by the list."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

import structlog

from .errors import BudgetError
from .facts import Facts, Kind
from .latency import Latencies

__all__ = ["Account", "Budget", "Meter", "Spending", "Use", "call_meter"]

log = structlog.get_logger(__name__)

NEAR = 0.8
"""At this part of the budget it is warned."""


@dataclass(frozen=True, slots=True)
class Use:
    """Some of a provider was used: `amount` ms of audio, or characters of text.

    Attributes:
        usd: what that costs by the list; None when the price is not known.
        priced: the date of that price, such as `2026-11-21`; empty without one.
    """

    kind: Kind
    provider: str
    amount: float
    usd: float | None
    priced: str = ""

    def __add__(self, other: Use) -> Use:
        """Both together, of the same kind and provider."""
        usd = self.usd if other.usd is None else (self.usd or 0.0) + other.usd
        return replace(other, amount=self.amount + other.amount, usd=usd)


class Meter:
    """Adds up what is used.

    Args:
        told: is told of each use too, such as to keep it.
    """

    def __init__(self, told: Callable[[Use], None] | None = None) -> None:
        self._told = told
        self._uses: dict[tuple[Kind, str], Use] = {}

    def add(self, use: Use) -> None:
        """Some was used."""
        key = use.kind, use.provider
        self._uses[key] = self._uses[key] + use if key in self._uses else use
        if self._told is not None:
            self._told(use)

    def uses(self) -> list[Use]:
        """All that was used, one for each kind and provider."""
        return list(self._uses.values())

    @property
    def usd(self) -> float:
        """What all of it costs, as far as prices are known."""
        return sum(use.usd or 0.0 for use in self.uses())


call_meter: ContextVar[Meter | None] = ContextVar("call_meter", default=None)
"""The meter of the call, or of whatever else uses providers here; besides the process' own."""


def _now() -> datetime:
    return datetime.now(UTC)


class Spending:
    """What this process spent this month.

    Args:
        now: the clock.
    """

    def __init__(self, now: Callable[[], datetime] = _now) -> None:
        self._now = now
        self._month = ""
        self._usd = 0.0

    def add(self, use: Use) -> None:
        """Some was used."""
        self._usd = self.usd() + (use.usd or 0.0)

    def usd(self) -> float:
        """In US dollars, by list prices, as far as they are known."""
        month = f"{self._now():%Y-%m}"
        if month != self._month:
            self._month, self._usd = month, 0.0
        return self._usd


class Budget:
    """What may be spent in a month.

    Args:
        monthly_usd: how much; None is any amount.
        refuse: whether what is over it is refused, or only said.
        spent_usd: how much was spent this month.
    """

    def __init__(
        self, monthly_usd: float | None, *, refuse: bool, spent_usd: Callable[[], float]
    ) -> None:
        self._monthly_usd = monthly_usd
        self._refuse = refuse
        self._spent_usd = spent_usd
        self._warned_at = 0.0

    @classmethod
    def unlimited(cls) -> Budget:
        """One that is never spent."""
        return cls(None, refuse=False, spent_usd=lambda: 0.0)

    def check(self, provider: str, facts: Facts) -> None:
        """See whether more may be spent; say, once each, that it gets near and that it is over.

        What costs nothing may always be used.

        Raises:
            BudgetError: it is spent, and more is to be refused.
        """
        if self._monthly_usd is None or facts.price == 0:
            return
        spent_usd = self._spent_usd()
        if spent_usd < self._monthly_usd * NEAR:
            self._warned_at = 0.0  # another month
            return
        over = spent_usd >= self._monthly_usd
        if self._warned_at < (1.0 if over else NEAR):
            self._warned_at = 1.0 if over else NEAR
            log.warning(
                "monthly budget is spent" if over else "monthly budget is nearly spent",
                spent_usd=round(spent_usd, 2),
                budget_usd=self._monthly_usd,
            )
        if over and self._refuse:
            raise BudgetError(
                provider,
                f"the budget of ${self._monthly_usd:g} a month is spent",
                hint="raise PARLEY_MONTHLY_BUDGET_USD, or wait for the next month",
            )


@dataclass(frozen=True, slots=True)
class Account:
    """What is kept of the use of providers, by whoever uses them together.

    Attributes:
        meter: how much was used.
        budget: what may be spent.
        latencies: how fast they were.
    """

    meter: Meter = field(default_factory=Meter)
    budget: Budget = field(default_factory=Budget.unlimited)
    latencies: Latencies = field(default_factory=Latencies)

    def meters(self) -> tuple[Meter, ...]:
        """Where what is used here counts: for the process, and for the call of `call_meter`."""
        call = call_meter.get()
        return (self.meter,) if call is None else (self.meter, call)
