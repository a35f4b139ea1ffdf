"""`parley campaign dial`, where it has nothing to dial with."""

from __future__ import annotations

import pytest

from tests.bot.commands import Run, run

__all__ = ["run"]


def test_who_has_no_account_is_told_so(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TWILIO_ACCOUNT_SID", raising=False)
    ran = run("campaign", "dial")
    assert (ran.code, len(ran.err.splitlines())) == (2, 1)
    assert "TWILIO_ACCOUNT_SID" in ran.err


def test_wrong_settings_are_told(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PARLEY_DIAL_PER_SECOND", "many")
    ran = run("campaign", "dial")
    assert ran.code == 2
    assert "PARLEY_DIAL_PER_SECOND" in ran.err
