"""Everything that is looked at, in the order in which it is told."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from functools import partial
from urllib.parse import urlsplit

from bot.settings import Settings
from bot.state_dir import find_dev_token
from bot.telephony.address import Address
from providers.errors import ProviderError

from .account import check_account
from .address import PublicAddress, check_name, check_tls
from .bots import check_dialogs, check_recognizers, check_vad, check_voices
from .disk import check_disk
from .finding import Check, Finding, Level, Tell, failure, ok, run_checks, warning
from .probe import Probe
from .redis import check_redis

__all__ = ["examine"]

ADDRESS_DEADLINE_S = 40.0
ACCOUNT_DEADLINE_S = 60.0


async def examine(settings: Settings, fix: Sequence[str], tell: Tell) -> None:
    """Look at everything that answers calls with these settings.

    Args:
        settings: as a worker has them, or, with the development token, a command.
        fix: numbers of the account whose URLs are to be set.
        tell: is told what is found, in an order that does not change.
    """
    address = _AddressCheck(settings)
    checks = [
        Check("settings", partial(_check_settings, settings), 5.0),
        Check("address", address.run, ADDRESS_DEADLINE_S),
        Check("redis", partial(check_redis, settings), 20.0),
        *_checks_of_bots(settings),
        Check("vad", partial(check_vad, settings), 30.0),
        Check("disk", partial(check_disk, settings), 5.0),
        Check(
            "account",
            partial(_check_account, settings, fix, address),
            ADDRESS_DEADLINE_S + ACCOUNT_DEADLINE_S,
        ),
    ]
    await run_checks(checks, tell, partial(_hide, _secrets(settings)))


def _checks_of_bots(settings: Settings) -> list[Check]:
    """What answers; without any provider to choose nothing does, and that alone is told."""
    try:
        settings.bots()
    except ProviderError as error:
        return [Check("providers", partial(_tell, _none_configured(error)), 5.0)]
    return [
        Check("dialog", partial(check_dialogs, settings), 30.0),
        Check("recognizer", partial(check_recognizers, settings), 60.0),
        Check("voice", partial(check_voices, settings), 60.0),
    ]


def _none_configured(error: ProviderError) -> Finding:
    otherwise = "set the key of one: see parley providers"
    return failure("providers", f"{error.provider}: {error.reason}", error.hint or otherwise)


async def _tell(finding: Finding, tell: Tell) -> None:
    tell(finding)


async def _check_settings(settings: Settings, tell: Tell) -> None:
    token = settings.twilio_auth_token
    if token is None:
        text = "there is no auth token: nothing that Twilio signs can be checked"
        tell(failure("settings", text, "set TWILIO_AUTH_TOKEN, or run parley serve --dev"))
    elif token.get_secret_value() == _dev_token(settings):
        text = "TWILIO_AUTH_TOKEN is not set: this is how parley serve --dev takes calls"
        tell(warning("settings", text, "for calls from Twilio set it to the account's auth token"))
    else:
        tell(ok("settings", f"read, with an auth token, for {settings.public_url}"))


def _dev_token(settings: Settings) -> str | None:
    try:
        return find_dev_token(settings.state_dir)
    except OSError:
        return None  # which the check of the disk will tell


class _AddressCheck:
    """The check of the public address, which another one may wait for."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._over = asyncio.Event()
        self._good = False

    async def run(self, tell: Tell) -> None:
        levels: set[Level] = set()

        def tell_and_note(finding: Finding) -> None:
            levels.add(finding.level)
            tell(finding)

        try:
            await _check_address(self._settings, tell_and_note)
            self._good = Level.FAILURE not in levels
        finally:
            self._over.set()

    async def good(self) -> bool:
        """Whether it was done in time, and nothing failed."""
        await self._over.wait()
        return self._good


async def _check_address(settings: Settings, tell: Tell) -> None:
    public = PublicAddress.of(settings.public_url)
    if not await check_name(public, tell):
        return
    context = await check_tls(public, tell) if public.tls else None
    if public.tls and context is None:
        return
    token = settings.auth_tokens[0] if settings.auth_tokens else None
    await Probe(Address(settings.public_url), token, context).run(tell)


async def _check_account(
    settings: Settings, fix: Sequence[str], address: _AddressCheck, tell: Tell
) -> None:
    # No number is sent to an address at which its calls would not be answered.
    await check_account(settings, fix, tell, address_good=not fix or await address.good())


def _secrets(settings: Settings) -> list[str]:
    secrets = [*settings.auth_tokens]
    for own in (settings.api_key, settings.http_secret):
        if own is not None:
            secrets.append(own.get_secret_value())
    secrets += settings.vendor_secrets
    if settings.redis_url is not None:
        password = urlsplit(settings.redis_url.get_secret_value()).password
        secrets.append(password or "")
    return [secret for secret in secrets if secret]


def _hide(secrets: list[str], text: str) -> str:
    for secret in secrets:
        # Not inside of words: a short one would make holes in all that is said.
        text = re.sub(rf"(?<!\w){re.escape(secret)}(?!\w)", "…", text)
    return text
