"""Twilio's side: does the account answer, and where do its numbers send their calls?

Twilio asks a number's voice URL, and its fallback URL when that gave no usable answer in time. The
fallback that `fix` sets is the voice URL once more: behind a balancer the second request meets
another worker than the one that has just died, and Parley answers the same call twice alike. When
the whole deployment is away it is of no use; only something that runs elsewhere is, such as a TwiML
Bin of Twilio's that dials a number. So a fallback URL on another host is kept, with its method.

The URLs are set with connection overrides, as those in our documents (`Address.document`): else
Twilio would ask a worker that has frozen once, and wait 15 s for it. Where the right URL has
overrides of the operator's own, they are kept.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from urllib.parse import urlsplit

from bot.settings import Settings, is_loopback
from bot.telephony.address import STATUS_PATH, VOICE_PATH, Address
from bot.telephony.rest import RestError, RestNumber, TwilioRest

from .finding import Tell, failure, ok, warning

__all__ = ["check_account"]

ANSWER_DEADLINE_S = 5.0
AT_ONCE = 5
POST = "POST"


async def check_account(
    settings: Settings, fix: Sequence[str], tell: Tell, *, address_good: bool
) -> None:
    """Look at the account, and at each of its numbers that has a bot of its own.

    Args:
        settings: whose account and numbers.
        fix: numbers whose URLs are set first.
        tell: is told what is found.
        address_good: whether calls can be sent to the public address: if not, nothing is set.
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
        numbers = Numbers(rest, settings, address_good=address_good)
        named = dict.fromkeys([*settings.numbers, *fix])
        if not named:
            tell(ok("number", "none is named: give --fix NUMBER, or [numbers] in parley.toml"))
        await numbers.check_all(list(named), set(fix), tell)
    finally:
        await rest.aclose()


class Numbers:
    """The account's numbers, as they should send calls to this deployment."""

    def __init__(self, rest: TwilioRest, settings: Settings, *, address_good: bool) -> None:
        self._rest = rest
        self._address_good = address_good
        address = Address(settings.public_url)
        self._voice = address.document(VOICE_PATH)
        self._status = address.document(STATUS_PATH)
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
        if not self._address_good:
            text = f"{number} is left as it is: no call would be answered at {self._voice}"
            tell(failure("number", text, "correct what failed above at the public address first"))
            return before
        wanted = self._wanted(before)
        if wanted == before:
            tell(ok("number", f"{number}: there is nothing to change"))
            return before
        await self._rest.set_number(
            before.sid,
            voice_url=wanted.voice_url or "",
            fallback_url=wanted.fallback_url or "",
            fallback_method=wanted.fallback_method or POST,
            status_callback=wanted.status_callback or "",
        )
        after = await self._rest.find_number(number)
        if after is not None:
            for name, was, became in _changes(before, after):
                tell(ok("number", f"{number}: {name} was {was}, is now {became}"))
        return after

    def _wanted(self, number: RestNumber) -> RestNumber:
        """The number as it should be. A fallback that is at somebody else's stays as it is."""
        of_the_bot = {_host(self._voice), _host(number.voice_url), ""}
        ours = _host(number.fallback_url) in of_the_bot
        fallback_url = _kept(number.fallback_url, self._voice) if ours else number.fallback_url
        return replace(
            number,
            voice_url=_kept(number.voice_url, self._voice),
            voice_method=POST,
            fallback_url=fallback_url,
            fallback_method=POST if ours else number.fallback_method,
            status_callback=_kept(number.status_callback, self._status),
            status_callback_method=POST,
        )

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
        held, method = number.voice_url, number.voice_method
        if not _is(held, method, self._voice):
            text = f"{name}: its voice URL is {_shown(held, method)}, not {_shown(self._voice)}"
            tell(failure("number", text, _fix_it(name)))
        elif held != _kept(held, self._voice):
            text = f"{name}: its calls come here, but its voice URL has no connection overrides:"
            tell(warning("number", f"{text} Twilio waits 15 s for a frozen worker", _fix_it(name)))
        else:
            tell(ok("number", f"{name}: its calls come here"))

    def _tell_fallback(self, number: RestNumber, tell: Tell) -> None:
        name, held, method = number.number, number.fallback_url, number.fallback_method
        if not held:
            tell(warning("number", f"{name}: it has no fallback URL", _fix_it(name)))
        elif _is(held, method, self._voice) and held == _kept(held, self._voice):
            text = f"{name}: what fails is asked here once more"
            tell(ok("number", f"{text} (a TwiML Bin would answer when all workers are away)"))
        elif _host(held) == _host(self._voice):
            text = f"{name}: its fallback URL is {_shown(held, method)}, not {_shown(self._voice)}"
            tell(warning("number", text, _fix_it(name)))
        else:
            tell(ok("number", f"{name}: what fails here goes to {_shown(held, method)}"))

    def _tell_status(self, number: RestNumber, tell: Tell) -> None:
        name, held, method = number.number, number.status_callback, number.status_callback_method
        if _is(held, method, self._status) and held == _kept(held, self._status):
            tell(ok("number", f"{name}: the end of its calls is told here"))
            return
        text = f"{name}: its status callback is {_shown(held, method)}, not {_shown(self._status)}"
        tell(warning("number", text, _fix_it(name)))


def _is(held: str | None, method: str | None, wanted: str) -> bool:
    """Whether Twilio asks the wanted URL. A fragment is for Twilio alone, and is not sent."""
    return (held or "").partition("#")[0] == wanted.partition("#")[0] and method == POST


def _kept(held: str | None, wanted: str) -> str:
    """The URL to set: `wanted`, but what is held if that is it with overrides of its own."""
    url, _, overrides = (held or "").partition("#")
    return held if held and overrides and url == wanted.partition("#")[0] else wanted


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


def _shown(url: str | None, method: str | None = None) -> str:
    """A URL for a person, without what may be secret in it."""
    if not url:
        return "not set"
    try:
        parts = urlsplit(url)
    except ValueError:
        return "no URL"
    host = parts.netloc.rpartition("@")[2]
    query = "?…" if parts.query else ""
    overrides = f"#{parts.fragment}" if parts.fragment else ""
    return f"{method or POST} {parts.scheme}://{host}{parts.path}{query}{overrides}"


def _host(url: str | None) -> str:
    try:
        return urlsplit(url or "").hostname or ""
    except ValueError:
        return ""


def _fix_it(number: str) -> str:
    return f"parley doctor --fix {number}"
