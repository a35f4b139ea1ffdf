"""How much of each provider was used, and what that costs by the list."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass

import structlog

from .errors import QuotaError
from .facts import Kind, facts_of, list_price_usd

__all__ = ["Budget", "Meter", "Use", "call_meter"]

log = structlog.get_logger(__name__)

NEAR = 0.8
"""At this part of the budget it is warned."""


@dataclass(frozen=True, slots=True)
class Use:
    """Some of a provider was used: `amount` ms of audio, or characters of text.

    Attributes:
        usd: what that costs by the list; None when the price is not known.
    """

    kind: Kind
    provider: str
    amount: float
    usd: float | None


class Meter:
    """Adds up what is used.

    Args:
        told: is told of each use too, such as to keep it.

    Attributes:
        amounts: ms of audio, or characters, by kind and provider.
    """

    def __init__(self, told: Callable[[Use], None] | None = None) -> None:
        self._told = told
        self.amounts: defaultdict[tuple[Kind, str], float] = defaultdict(float)

    def add(self, kind: Kind, provider: str, amount: float) -> None:
        """Some was used."""
        self.amounts[kind, provider] += amount
        if self._told is not None:
            self._told(Use(kind, provider, amount, list_price_usd(kind, provider, amount)))

    def uses(self) -> list[Use]:
        """All that was used, one for each kind and provider."""
        return [
            Use(kind, provider, amount, list_price_usd(kind, provider, amount))
            for (kind, provider), amount in self.amounts.items()
        ]

    @property
    def usd(self) -> float:
        """What all of it costs, as far as prices are known."""
        return sum(use.usd or 0.0 for use in self.uses())


call_meter: ContextVar[Meter | None] = ContextVar("call_meter", default=None)
"""The meter of the call, or of whatever else uses providers here; besides the process' own."""


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

    def check(self, kind: Kind, provider: str) -> None:
        """See whether more may be spent; say, once each, that it gets near and that it is over.

        What costs nothing may always be used.

        Raises:
            QuotaError: it is spent, and more is to be refused.
        """
        if self._monthly_usd is None or facts_of(kind, provider).price == 0:
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
            raise QuotaError(
                provider,
                f"the budget of ${self._monthly_usd:g} a month is spent",
                hint="raise PARLEY_MONTHLY_BUDGET_USD, or wait for the next month",
            )
