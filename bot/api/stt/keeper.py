"""Whoever has all sessions of a worker, as each of them sees it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from providers.fallback import Fallback
from providers.types import SttProvider

from .asked import SessionRequest
from .tally import Tally
from .wording import Said

if TYPE_CHECKING:
    from .session import Session

__all__ = ["Keeper"]


class Keeper(Protocol):
    """Who has all sessions of this worker; only `ended` may wait.

    Attributes:
        tally: where all is counted.
    """

    tally: Tally

    def recognizers(self, session: Session, request: SessionRequest) -> Fallback[SttProvider]:
        """Who is to recognize; raises `Fault`."""

    def understood(self, session: Session, said: Said) -> None:
        """Something was understood for good."""

    def configured(self, session: Session) -> None:
        """Its request has changed."""

    async def ended(self, session: Session) -> None:
        """It is over, for `session.reason`, and cannot be resumed."""
