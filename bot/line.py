"""What a conversation asks of the call that carries it."""

from __future__ import annotations

from typing import Protocol

from bot.dialog import Gather
from bot.telephony.pending import Leaving

__all__ = ["Line"]


class Line(Protocol):
    """What a conversation asks of the call that carries it."""

    def now_ms(self) -> float:
        """The call's clock."""

    async def leave(self, action: Leaving) -> None:
        """Close the stream when all was heard, so that Twilio does `action`."""

    def clear(self) -> None:
        """Say no more of what is not heard yet."""

    def gather(self, gather: Gather) -> None:
        """Collect keys."""

    def expect(self, phrases: tuple[str, ...]) -> None:
        """Tell the recognizer what is expected."""

    async def set_language(self, language: str) -> None:
        """Recognize another language. Raises `UnsupportedError` for one that is not on offer."""

    def reply_over(self) -> None:
        """The dialog has given its whole reply; perhaps it is still being heard."""
