"""What is new in every message of Azure's WebSocket protocol: ids, and the time."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import uuid4

__all__ = ["Marks"]


class Marks:
    """Ids and times as Azure wants them; a test gives its codecs others."""

    def new_id(self) -> str:
        """An id that nobody has: 32 hexadecimal digits, in lower case."""
        return uuid4().hex

    def now(self) -> str:
        """The time, in UTC, by ISO 8601."""
        return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
