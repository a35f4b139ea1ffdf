"""Starts the whole demo when the tests have been collected; see `beside`."""

from __future__ import annotations

import pytest

from .beside import WholeDemo

WHOLE = "whole_demo"
_started: list[WholeDemo] = []


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the test that judges the whole demo last."""
    items.sort(key=lambda item: WHOLE in getattr(item, "fixturenames", ()))


def pytest_collection_finish(session: pytest.Session) -> None:
    if session.config.option.collectonly:
        return
    if any(WHOLE in getattr(item, "fixturenames", ()) for item in session.items):
        _started.append(WholeDemo())


def pytest_sessionfinish() -> None:
    while _started:
        _started.pop().close()


@pytest.fixture
def whole_demo() -> WholeDemo:
    """The demo that was started when the tests were collected."""
    return _started[0]
