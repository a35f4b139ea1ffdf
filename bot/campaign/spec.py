"""PURE: what a campaign is, as its owner writes it."""

from __future__ import annotations

import re
from datetime import date
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    field_serializer,
    model_validator,
)

from bot.numbers import Language, PhoneNumber
from providers.setting_types import BaseUrl

from .holiday import check_country

__all__ = ["DAYS", "RETRIED", "CampaignSpec", "Retried", "Retry", "Window"]

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]

Retried = Literal["busy", "no_answer", "failed", "voicemail", "hung_up_early", "callback"]
"""The outcomes after which a contact may be called again."""
RETRIED: tuple[Retried, ...] = (
    "busy",
    "no_answer",
    "failed",
    "voicemail",
    "hung_up_early",
    "callback",
)

_CLOCK = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])|24:00", re.ASCII)
_WINDOW = re.compile(r"(\S+?)\s*-\s*(\S+)")
_HOLIDAY = re.compile(r"[A-Z]{2}(-[A-Z0-9]{1,3})?", re.ASCII)
END_OF_DAY = 24 * 60
_NO_WINDOW = "write a part of one day, such as 09:00-20:00"


class Window(BaseModel):
    """A part of the day, in minutes of the called party's clock, from `start` until `end`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    start: int
    end: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `09:00-20:00`; `24:00` may be its end.

        Raises:
            ValueError: it is no such window, or ends before it begins.
        """
        parts = _WINDOW.fullmatch(text.strip())
        start, end = map(_minutes, parts.groups()) if parts else (0, 0)
        return cls(start=start, end=end)

    @model_validator(mode="after")
    def _of_one_day(self) -> Self:
        # What comes from a table has passed no `parse`, and has to be readable again.
        if not 0 <= self.start < self.end <= END_OF_DAY:
            raise ValueError(_NO_WINDOW)
        return self

    def __str__(self) -> str:
        start, end = divmod(self.start, 60), divmod(self.end, 60)
        return f"{start[0]:02}:{start[1]:02}-{end[0]:02}:{end[1]:02}"


def _minutes(text: str) -> int:
    if not _CLOCK.fullmatch(text):
        raise ValueError(_NO_WINDOW)
    hours, minutes = text.split(":")
    return int(hours) * 60 + int(minutes)


def _window(held: object) -> object:
    return Window.parse(held) if isinstance(held, str) else held


def _days(held: object) -> object:
    """Read `mon-fri`, or `mon,wed,sat-sun`; what is no text, or names no day, stays as it is."""
    if not isinstance(held, str):
        return held
    days: list[str] = []
    for part in held.replace(" ", "").split(","):
        first, _, last = part.partition("-")
        if first not in DAYS or (last or first) not in DAYS:
            return [*days, part]
        # A week goes round: from friday until monday are four days.
        begin, length = DAYS.index(first), (DAYS.index(last or first) - DAYS.index(first)) % 7
        days += [DAYS[(begin + step) % 7] for step in range(length + 1)]
    return [day for day in DAYS if day in days]


def _off_is_none(held: object) -> object:
    return None if held == "off" else held


def _region(held: str) -> str:
    # Imported here: it is large, and who reads a campaign may have no need of it.
    from phonenumbers import SUPPORTED_REGIONS

    if held not in SUPPORTED_REGIONS:
        hint = "; the United Kingdom is GB" if held == "UK" else ""
        raise ValueError(f"{held!r} is no country of ISO 3166, such as US{hint}")
    return held


def _holiday(held: str) -> str:
    if _HOLIDAY.fullmatch(held):
        check_country(held)
        return held
    try:
        return date.fromisoformat(held).isoformat()
    except ValueError:
        fault = f"{held!r} is neither a date such as 2026-12-25 nor a country such as US, US-CA"
        raise ValueError(fault) from None


class Retry(BaseModel):
    """When a contact is called again after one outcome.

    Attributes:
        after_s: how long after the attempt's end, in seconds, before jitter.
        times: how often at most after this outcome; None is as often as the campaign's `attempts`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    after_s: int = Field(ge=1, le=30 * 86_400)
    times: int | None = Field(default=None, ge=0, le=100)


_DEFAULT_RETRY: dict[Retried, dict[str, Any]] = {
    "busy": {"after_s": 900},
    "no_answer": {"after_s": 7200},
    "failed": {"after_s": 1800, "times": 1},
    "voicemail": {"after_s": 14_400},
    "hung_up_early": {"after_s": 86_400, "times": 1},
    "callback": {"after_s": 3600},
}


class CampaignSpec(BaseModel):
    """A campaign. Each field's description says what it may hold."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(min_length=1, max_length=100, description="a name for people")
    dialog: str | None = Field(
        default=None,
        min_length=1,
        description="module:name or a built-in dialog; without it the calling number's own",
    )
    language: Language | None = Field(default=None, description="a BCP-47 tag such as en-US")
    from_numbers: tuple[PhoneNumber, ...] = Field(
        min_length=1, max_length=100, description="your numbers to call from, in E.164 form"
    )
    caller_id: Literal["local", "rotate"] = Field(
        default="local",
        description="local: of your numbers those most like the called one, in turn; rotate: all",
    )
    region: Annotated[str, AfterValidator(_region)] | None = Field(
        default=None, description="the country of numbers written without one, such as US or GB"
    )

    window: Annotated[Window, BeforeValidator(_window)] = Field(
        default=Window(start=9 * 60, end=20 * 60),
        description="when people may be called, on their own clocks, such as 09:00-20:00",
    )
    days: Annotated[tuple[Day, ...], BeforeValidator(_days)] = Field(
        default=("mon", "tue", "wed", "thu", "fri"),
        min_length=1,
        description="weekdays: a list, or a text such as mon-fri or mon,wed,sat-sun",
    )
    holidays: tuple[Annotated[str, AfterValidator(_holiday)], ...] = Field(
        default=(), description="days without calls: dates, or countries such as US or US-CA"
    )
    starts_at: AwareDatetime | None = Field(
        default=None, description="a time with its offset: 2026-12-01T09:00:00+01:00"
    )
    ends_at: AwareDatetime | None = Field(
        default=None, description="a time with its offset: 2026-12-01T09:00:00+01:00"
    )

    calls_per_second: float | None = Field(
        default=None, gt=0, le=1000, description="a rate, up to 1000; without it the account's"
    )
    max_concurrent: int = Field(default=10, ge=1, le=10_000, description="calls at the same time")
    priority: int = Field(default=0, ge=-100, le=100, description="the greater goes first")
    attempts: int = Field(default=3, ge=1, le=100, description="calls to a contact in all")
    attempts_per_day: int = Field(default=2, ge=1, le=100, description="and on one day of theirs")
    retry: dict[Retried, Retry] = Field(
        default_factory=dict,
        description="by outcome, `after_s` seconds and so many `times`;"
        " outcomes: " + ", ".join(RETRIED),
    )
    retry_jitter: float = Field(
        default=0.1, ge=0, le=1, description="how much later at most, as a part of the delay"
    )
    require_consent: bool = Field(
        default=False, description="whether contacts without a yes in `consent` are refused"
    )

    ring_timeout_s: int = Field(default=30, ge=5, le=600, description="seconds, 5 to 600")
    time_limit_s: int = Field(default=900, ge=10, le=86_400, description="seconds, 10 to 86400")
    record: bool = Field(default=False, description="whether Twilio records the calls")
    machine_detection: Literal["off", "sync", "async"] = Field(
        default="off", description="Twilio's: off, sync (before the bot speaks) or async"
    )
    voicemail: Literal["hang_up", "leave_message", "talk"] = Field(
        default="hang_up", description="what a machine gets: hang_up, leave_message or talk"
    )
    message_after: Literal["stream", "twilio", "both"] = Field(
        default="both",
        description="who says that a machine's greeting is over: our ears (stream), twilio, or"
        " whoever is first (both)",
    )
    message: str | None = Field(
        default=None, min_length=1, max_length=2000, description="what is left on a voicemail"
    )
    do_not_call_digit: Annotated[str | None, BeforeValidator(_off_is_none)] = Field(
        default="9",
        pattern=r"^[0-9*#]$",
        description="a key with which people ask never to be called again, or off",
    )
    early_s: int = Field(
        default=10,
        ge=0,
        le=600,
        description="who hangs up within so many seconds,"
        " without a result or a second turn, did so early",
    )
    breaker: int = Field(
        default=10, ge=1, le=1000, description="so many failed calls in a row pause the campaign"
    )

    webhook_url: BaseUrl | None = Field(
        default=None,
        description="the https:// address that is told of events; http:// for loopback alone",
    )
    minute_usd: float | None = Field(
        default=None,
        ge=0,
        le=1000,
        description="what Twilio takes for a minute, for the costs; up to 1000",
    )

    @field_serializer("window")
    def _as_written(self, window: Window) -> str:
        return str(window)

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.voicemail == "leave_message" and self.message is None:
            raise ValueError("voicemail = leave_message asks for a message")
        ears_alone = self.machine_detection == "off" and self.message_after == "twilio"
        if self.voicemail == "leave_message" and ears_alone:
            raise ValueError("message_after = twilio asks for machine_detection")
        if self.starts_at and self.ends_at and self.starts_at >= self.ends_at:
            raise ValueError("ends_at is not after starts_at")
        return self

    def retry_after(self, outcome: Retried) -> Retry:
        """The plan after an outcome: the campaign's own, else the usual one."""
        return self.retry.get(outcome) or Retry.model_validate(_DEFAULT_RETRY[outcome])
