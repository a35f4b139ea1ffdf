"""Twilio's side: does the account answer, and where do its numbers send their calls?

Twilio asks a number's voice URL, and its fallback URL when that gave no usable answer in time. The
fallback that `fix` sets is the voice URL once more: behind a balancer the second request meets
another worker than the one that has just died, and Parley answers the same call twice alike. When
the whole deployment is away it is of no use; only something that runs elsewhere is, such as a TwiML
Bin of Twilio's that dials a number. So a fallback URL on another host is kept.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from urllib.parse import urlsplit

from bot.settings import Settings, is_loopback
from bot.telephony.address import STATUS_PATH, VOICE_PATH, Address
from bot.telephony.rest import RestError, RestNumber, TwilioRest

from .finding import Tell, failure, ok, warning

__all__ = ["check_account"]

ANSWER_DEADLINE_S = 5.0
AT_ONCE = 5


async def check_account(settings: Settings, fix: Sequence[str], tell: Tell) -> None:
    """Look at the account, and at each of its numbers that has a bot of its own.

    Args:
        settings: whose account and numbers.
        fix: numbers whose URLs are set first.
        tell: is told what is found.
    """
    rest = TwilioRest.of(settings, deadline_s=ANSWER_DEADLINE_S)
    if rest is None:
        text = "no account is set: its numbers are not looked at, and no call is moved by REST"
        tell(warning("account", text, "set TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN"))
        return
    try:
        try:
            await rest.check()
        except RestError as error:
            # What it says of wrong credentials names the settings.
            remedy = "see that this machine reaches Twilio" if error.status is None else ""
            tell(failure("account", str(error), remedy))
            return
        tell(ok("account", f"{settings.twilio_account_sid} answers"))
        numbers = Numbers(rest, settings)
        named = dict.fromkeys([*settings.numbers, *fix])
        if not named:
            tell(ok("number", "none is named: give --fix NUMBER, or [numbers] in parley.toml"))
        await numbers.check_all(list(named), set(fix), tell)
    finally:
        await rest.aclose()


class Numbers:
    """The account's numbers, as they should send calls to this deployment."""

    def __init__(self, rest: TwilioRest, settings: Settings) -> None:
        self._rest = rest
        address = Address(settings.public_url)
        self._voice = address.url(VOICE_PATH)
        self._status = address.url(STATUS_PATH)
        host = urlsplit(settings.public_url).hostname or ""
        api_host = urlsplit(settings.twilio_api_url or "").hostname or ""
        # A stand-in of Twilio's on this machine reaches what is on this machine.
        self._reachable = not is_loopback(host) or is_loopback(api_host)

    async def check_all(self, numbers: Sequence[str], fix: set[str], tell: Tell) -> None:
        """Look at each number, after it was set if it is one of `fix`; some at a time."""
        some = asyncio.Semaphore(AT_ONCE)

        async def check(number: str) -> None:
            async with some:
                try:
                    await self._check(number, fix=number in fix, tell=tell)
                except RestError as error:
                    tell(failure("number", f"{number}: {error}", "try again soon"))

        async with asyncio.TaskGroup() as group:
            for number in numbers:
                group.create_task(check(number))

    async def _check(self, number: str, *, fix: bool, tell: Tell) -> None:
        found = await self._rest.find_number(number)
        if found is not None and fix:
            found = await self._fix(found, tell)
        if found is None:
            text = f"{number} is not a number of this account"
            tell(failure("number", text, "buy it, or take it out of [numbers]"))
            return
        self._tell_route(found, tell)
        self._tell_fallback(found, tell)
        self._tell_status(found, tell)

    async def _fix(self, before: RestNumber, tell: Tell) -> RestNumber | None:
        number = before.number
        if not self._reachable:
            text = f"{number} is left as it is: Twilio cannot reach {self._voice}"
            tell(failure("number", text, "set PARLEY_PUBLIC_URL to an https:// address"))
            return before
        await self._rest.set_number(
            before.sid,
            voice_url=self._voice,
            fallback_url=self._fallback(before),
            status_callback=self._status,
        )
        after = await self._rest.find_number(number)
        if after is not None:
            for name, was, became in _changes(before, after):
                tell(ok("number", f"{number}: {name} was {was}, is now {became}"))
        return after

    def _fallback(self, number: RestNumber) -> str:
        """The fallback URL to set: the one that is there, if it is at somebody else's."""
        held = number.fallback_url or ""
        of_the_bot = {_host(self._voice), _host(number.voice_url), ""}
        return self._voice if _host(held) in of_the_bot else held

    def _tell_route(self, number: RestNumber, tell: Tell) -> None:
        name = number.number
        for what, sid in (
            ("SIP trunk", number.trunk_sid),
            ("TwiML application", number.voice_application_sid),
        ):
            if sid:
                text = f"{name}: its calls go to the {what} {sid}, whatever its voice URL"
                tell(failure("number", text, "take it off the number in Twilio's console"))
                return
        if self._is(number.voice_url, number.voice_method, self._voice):
            tell(ok("number", f"{name}: its calls come here"))
        else:
            text = f"{name}: its voice URL is {_shown(number.voice_url, number.voice_method)}"
            tell(failure("number", f"{text}, not POST {self._voice}", _fix_it(name)))

    def _tell_fallback(self, number: RestNumber, tell: Tell) -> None:
        name, shown = number.number, _shown(number.fallback_url, number.fallback_method)
        if not number.fallback_url:
            tell(warning("number", f"{name}: it has no fallback URL", _fix_it(name)))
        elif self._is(number.fallback_url, number.fallback_method, self._voice):
            text = f"{name}: what fails is asked here once more"
            tell(ok("number", f"{text} (a TwiML Bin would answer when all workers are away)"))
        elif _host(number.fallback_url) == _host(self._voice):
            tell(warning("number", f"{name}: its fallback URL is {shown}", _fix_it(name)))
        else:
            tell(ok("number", f"{name}: what fails here goes to {shown}"))

    def _tell_status(self, number: RestNumber, tell: Tell) -> None:
        if self._is(number.status_callback, number.status_callback_method, self._status):
            tell(ok("number", f"{number.number}: the end of its calls is told here"))
            return
        shown = _shown(number.status_callback, number.status_callback_method)
        text = f"{number.number}: its status callback is {shown}, not POST {self._status}"
        tell(warning("number", text, _fix_it(number.number)))

    def _is(self, held: str | None, method: str | None, wanted: str) -> bool:
        # A fragment holds Twilio's own connection overrides, and is not sent.
        return (held or "").partition("#")[0] == wanted and method == "POST"


def _changes(before: RestNumber, after: RestNumber) -> list[tuple[str, str, str]]:
    """What a change has changed: the name, and what it was and is."""
    pairs = [
        ("voice URL", "voice_url", "voice_method"),
        ("fallback URL", "fallback_url", "fallback_method"),
        ("status callback", "status_callback", "status_callback_method"),
    ]
    shown = [
        (name, *(_shown(getattr(one, url), getattr(one, method)) for one in (before, after)))
        for name, url, method in pairs
    ]
    return [(name, was, became) for name, was, became in shown if was != became]


def _shown(url: str | None, method: str | None) -> str:
    """A URL for a person, without what may be secret in it."""
    if not url:
        return "not set"
    try:
        parts = urlsplit(url)
    except ValueError:
        return "no URL"
    host = parts.netloc.rpartition("@")[2]
    query = "?…" if parts.query else ""
    return f"{method or 'POST'} {parts.scheme}://{host}{parts.path}{query}"


def _host(url: str | None) -> str:
    try:
        return urlsplit(url or "").hostname or ""
    except ValueError:
        return ""


def _fix_it(number: str) -> str:
    return f"parley doctor --fix {number}"
