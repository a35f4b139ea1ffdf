"""Several providers behind one face: their order, and what is known of how well each is.

`stt.relay` and `tts.fallback` are the faces; here is what they have in common.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Generic, Protocol, TypeVar

import structlog

from .errors import DeadlineError, ProviderError
from .health import Health

__all__ = ["MOST_OUTRUN", "Candidate", "Fallback", "Follower", "nobody"]

log = structlog.get_logger(__name__)


class _Named(Protocol):
    @property
    def name(self) -> str: ...


ProviderT = TypeVar("ProviderT", bound=_Named)

MOST_OUTRUN = 5
"""Who is too slow so often in a row would not have come in time at all, as far as can be told."""


@dataclass(eq=False, slots=True)
class Candidate(Generic[ProviderT]):
    """A provider that may be used, and how well it is. All who may use it share this.

    Attributes:
        name: the catalogue's, for logs, records and metrics.
        started: whether its `start` has succeeded.
    """

    name: str
    provider: ProviderT
    health: Health = field(default_factory=Health)
    started: bool = True
    _set_aside: set[str] = field(default_factory=set, init=False, repr=False)
    _outrun: int = field(default=0, init=False, repr=False)  # in a row

    def set_aside(self, options: Iterable[str]) -> None:
        """Say, once of each, that these options are the preferred provider's and not for it."""
        new = set(options) - self._set_aside
        if new:
            self._set_aside |= new
            log.warning(
                "options are for the preferred provider alone",
                provider=self.name,
                options=sorted(new),
            )

    def failed(self, error: ProviderError) -> None:
        """Note that it failed at what it was used for; what is new in it is logged."""
        if self.health.failed(error, _now_s()):
            self._say(error)

    def fell_ill(self, error: ProviderError) -> None:
        """Note that it cannot be used, whatever for, by its start or a probe; likewise."""
        if self.health.fell_ill(error, _now_s(), hopeless=not error.retryable):
            self._say(error)

    def outrun(self) -> None:
        """Note that another, who was asked later, was quicker: this one was not waited for."""
        self._outrun += 1
        if self._outrun >= MOST_OUTRUN:
            self._outrun = 0
            slow = f"another was quicker {MOST_OUTRUN} times in a row, though it was asked later"
            self.failed(DeadlineError(self.name, slow, hint="try another provider"))

    def _say(self, error: ProviderError) -> None:
        if self.health.hopeless:
            log.error(
                "provider cannot be used until this is mended", provider=self.name, error=str(error)
            )
        else:
            log.warning("provider rests", provider=self.name, error=str(error))

    def succeeded(self, began_s: float) -> None:
        """Note that something begun at `began_s` (the loop's time) went well."""
        self._outrun = 0
        if self.health.succeeded(began_s, _now_s()):
            log.info("provider is well again", provider=self.name)


class Fallback(Generic[ProviderT]):
    """Providers in the order of preference.

    Args:
        candidates: those that can be used, the preferred one first.
        names: all that were named, in that order, when some of them are left out: what was asked
            for each by its place is meant for it alone.

    Attributes:
        candidates: as given.
        named: how many were named.

    Raises:
        ValueError: there is none.
    """

    def __init__(
        self, candidates: Iterable[Candidate[ProviderT]], names: Sequence[str] | None = None
    ) -> None:
        self.candidates = tuple(candidates)
        if not self.candidates:
            raise ValueError("no provider to choose from")
        self.named = len(names or self.candidates)
        self._places = {
            candidate: names.index(candidate.name) if names else at
            for at, candidate in enumerate(self.candidates)
        }

    @classmethod
    def alone(cls, provider: ProviderT) -> Fallback[ProviderT]:
        """One provider, and no other to fall back on."""
        return cls([Candidate(provider.name, provider)])

    @property
    def name(self) -> str:
        """The names of all, the preferred one first."""
        return ",".join(candidate.name for candidate in self.candidates)

    def place(self, candidate: Candidate[ProviderT]) -> int:
        """Where, from 0, one of them was named; the preferred one is at 0, if it can be used."""
        return self._places[candidate]

    def ranked(
        self, suits: Callable[[ProviderT], bool] = lambda provider: True
    ) -> list[Candidate[ProviderT]]:
        """Those that suit: the well ones as they are preferred, then those that rest.

        Of those, the one whose rest is over first comes first: it is the last resort.
        """
        fit = [candidate for candidate in self.candidates if suits(candidate.provider)]
        return sorted(fit, key=_resting_until_s)


def _now_s() -> float:
    return asyncio.get_running_loop().time()


def _resting_until_s(candidate: Candidate[ProviderT]) -> float:
    """When the rest is over; 0 for one that is well."""
    return 0.0 if candidate.health.well else candidate.health.probe_due_s


class Follower(Protocol):
    """Who is told which providers one call or session uses. It must not block."""

    def uses(self, name: str) -> None:
        """From now on it is this one."""

    def failed(self, name: str, error: ProviderError) -> None:
        """It has failed, whatever becomes of that."""


class _Nobody:
    def uses(self, name: str) -> None:
        pass

    def failed(self, name: str, error: ProviderError) -> None:
        pass


nobody: Follower = _Nobody()
"""Who does not want to know."""
