"""Lists, a page at a time.

A page begins after the last item of the page before it, whatever has come since: its token is `PA`
and that item's SID. Backwards it is `PB` and the SID of the first item of the page after it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, TypeVar
from urllib.parse import urlencode

from .parameters import Given
from .problem import invalid
from .resources import Json

__all__ = ["Page", "page_of"]

DEFAULT_SIZE = 50


class HasSid(Protocol):
    @property
    def sid(self) -> str: ...


T = TypeVar("T", bound=HasSid)
Page = tuple[Sequence[T], Json]


def page_of(items: Sequence[T], path: str, given: Given) -> Page[T]:
    """The items of the page that was asked for, and the keys that surround them.

    Raises:
        Problem: there is no such page.
    """
    size, page = int(given.get("PageSize") or DEFAULT_SIZE), int(given.get("Page") or 0)
    start = _start([item.sid for item in items], given.get("PageToken"), page, size)
    chosen = items[start : start + size]
    asked = {name: value for name, value in given.values.items() if name not in _OWN}

    def uri(number: int, token: str | None) -> str:
        query = {**asked, "PageSize": size, "Page": number}
        return f"{path}?{urlencode(query | ({'PageToken': token} if token else {}))}"

    following = start + size < len(items)
    return chosen, {
        "first_page_uri": uri(0, None),
        "next_page_uri": uri(page + 1, f"PA{chosen[-1].sid}") if following else None,
        "previous_page_uri": uri(page - 1, f"PB{chosen[0].sid}") if page and chosen else None,
        "uri": uri(page, given.get("PageToken")),
        "page": page,
        "page_size": size,
        "start": page * size,
        "end": page * size + max(0, len(chosen) - 1),
    }


_OWN = {"PageSize", "Page", "PageToken"}


def _start(sids: Sequence[str], token: str | None, page: int, size: int) -> int:
    if token is None:
        if page:
            raise invalid("A page other than the first needs its PageToken")
        return 0
    if token[:2] not in {"PA", "PB"} or token[2:] not in sids:
        raise invalid(f"PageToken is not valid: {token[:100]}")
    at = sids.index(token[2:])
    return at + 1 if token.startswith("PA") else max(0, at - size)
