from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from providers.azure_marks import Marks


def test_an_id_is_nobody_else_s() -> None:
    first, second = Marks().new_id(), Marks().new_id()
    assert re.fullmatch("[0-9a-f]{32}", first)
    assert first != second


def test_the_time_is_in_utc() -> None:
    told = datetime.fromisoformat(Marks().now())
    assert told.tzinfo is not None
    assert abs(datetime.now(UTC) - told) < timedelta(minutes=1)
    assert Marks().now().endswith("Z")
