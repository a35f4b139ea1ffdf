"""What the built-in dialogs have of the process around them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bot.settings import Settings

__all__ = ["Resources", "TokenMeter"]

TokenMeter = Callable[[str, int, int], None]
"""Is told a model's name, and how many tokens it has read and written."""


def _unmetered(model: str, prompt: int, completion: int) -> None:
    """Nobody counts."""


@dataclass(slots=True)
class Resources:
    """Settings and secrets that dialogs need, and what is to be closed when the worker ends.

    Attributes:
        openai: what is set of `api_key`, `base_url`, `org_id` and `project_id`, for `chat`.
        http_secret: what the `http` dialog signs with.
        hook_timeout_s: how long a hook may take for a piece of its answer.
        meter: is told of tokens.
    """

    openai: Mapping[str, Any] = field(default_factory=dict, repr=False)
    http_secret: str | None = field(default=None, repr=False)
    hook_timeout_s: float = 10.0
    meter: TokenMeter = _unmetered
    _closers: list[Callable[[], Awaitable[None]]] = field(default_factory=list)

    @classmethod
    def of(cls, settings: Settings, meter: TokenMeter = _unmetered) -> Resources:
        """What the settings say."""
        secret = settings.http_secret
        return cls(
            openai=settings.vendor("openai"),
            http_secret=None if secret is None else secret.get_secret_value(),
            hook_timeout_s=settings.hook_timeout_s,
            meter=meter,
        )

    def at_end(self, close: Callable[[], Awaitable[None]]) -> None:
        """Have something closed when the worker ends."""
        self._closers.append(close)

    async def aclose(self) -> None:
        """Close what the dialogs have opened."""
        while self._closers:
            await self._closers.pop()()
