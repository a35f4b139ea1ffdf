"""What a person sees of keys."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from rich.console import Console
from rich.table import Table

from bot.records.display import shown

from .store import ListedKey

__all__ = ["print_keys"]


def print_keys(console: Console, keys: Iterable[ListedKey]) -> None:
    """A table of keys, in the order given."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("id", "name", "for", "requests/min", "sessions", "audio today", "origins"):
        table.add_column(heading)
    table.add_column("made")
    table.add_column("used")
    for one in keys:
        key, limits = one.key, one.key.limits
        table.add_row(
            key.id,
            shown(key.name),
            " ".join(sorted(key.scopes)),
            _limit(limits.per_minute),
            f"{one.open_sessions} of {_limit(limits.sessions)}",
            f"{one.audio_ms_today // 1000} s of {_limit(limits.audio_s_per_day)}",
            " ".join(key.origins) or "-",
            _when(key.created_ms),
            "revoked" if key.revoked_ms is not None else _when(key.used_ms),
        )
    console.print(table)


def _limit(limit: int | None) -> str:
    return "no limit" if limit is None else str(limit)


def _when(moment_ms: int | None) -> str:
    if moment_ms is None:
        return "never"
    return datetime.fromtimestamp(moment_ms / 1000).astimezone().strftime("%Y-%m-%d %H:%M")
