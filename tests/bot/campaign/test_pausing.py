"""The log says that a campaign was paused, and names nobody."""

from __future__ import annotations

from structlog.testing import capture_logs

from bot.campaign.pausing import tell_paused


def test_the_log_has_neither_numbers_nor_accounts() -> None:
    with capture_logs() as logs:
        tell_paused("abcd1234", f"+15551110000 of AC{'0a' * 16} cannot call (Twilio's error 21212)")
    (line,) = logs
    assert line == {
        "event": "campaign is paused",
        "log_level": "error",
        "campaign": "abcd1234",
        "reason": "+… of … cannot call (Twilio's error 21212)",
    }
