"""`parley keys`: the keys of the speech-to-text service from a shell."""

from __future__ import annotations

import asyncio
import re
import sys
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

from bot.json_output import print_json
from bot.redis_link import StoreUnavailable
from bot.shell import console, is_terminal, load_settings

from .draft import DraftError, KeyDraft
from .secret import ID
from .types import SCOPES

if TYPE_CHECKING:
    from .store import KeyStore, ListedKey

__all__ = ["keys"]

_T = TypeVar("_T")
NO_LIMIT = "none"


class _NothingKept(click.ClickException):
    """Which is no failure for a list."""


class _Limit(click.ParamType[Any]):
    """A number, or that there is no limit; which numbers may be, the draft says."""

    name = f"N|{NO_LIMIT}"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if str(value).lower() == NO_LIMIT:
            return NO_LIMIT
        try:
            return int(value)
        except ValueError:
            self.fail(f"{value!r} is neither a number nor {NO_LIMIT}", param, ctx)


@click.group(epilog="Example: parley keys create recorder --audio-per-day 36000")
def keys() -> None:
    """Make, list and revoke keys of the speech-to-text API.

    Whoever has one may use /stt/* and /streaming/*, within its limits.
    """


@keys.command(epilog="Example: parley keys create shop --scope token --origin https://example.com")
@click.argument("name")
@click.option(
    "--scope",
    "scopes",
    type=click.Choice(sorted(SCOPES)),
    multiple=True,
    help="What it is for: sessions (stt, if nothing is said), statistics (stats), tokens for"
    " browsers (token). May be given again.",
)
@click.option("--per-minute", type=_Limit(), help="Connections, chunks and tokens; 600.")
@click.option("--sessions", type=_Limit(), help="Sessions open at once; 20.")
@click.option("--audio-per-day", type=_Limit(), help="Seconds of audio per day (UTC); none.")
@click.option(
    "--origin", "origins", multiple=True, help="Web pages that may use it. May be given again."
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON, as POST /api/keys gives it.")
def create(name: str, as_json: bool, **given: Any) -> int:
    """Make a key, and print it: it is not shown again."""
    try:
        draft = KeyDraft.read({"name": name, **_values(given)})
    except DraftError as error:
        raise click.UsageError("; ".join(str(error).splitlines())) from None
    made = _run(lambda store: store.create(draft), make=True)
    if as_json:
        print_json({**made.key.values(), "key": made.text})
        return 0
    click.echo(made.text)
    if is_terminal(sys.stdout):
        click.echo(f"keep it: it is not shown again; its id is {made.key.id}", err=True)
    return 0


@keys.command("list", epilog="Example: parley keys list --json")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, as GET /api/keys gives it.")
def list_(as_json: bool) -> int:
    """List keys, newest first, and what is used of them."""
    found: list[ListedKey] = []
    try:
        found = _run(lambda store: store.list())
    except _NothingKept as error:
        click.echo(f"parley keys: {error.message}", err=True)
    if as_json:
        print_json({"keys": [one.values() for one in found]})
        return 0
    from .display import print_keys

    print_keys(console(wide=True), found)
    return 0


@keys.command(epilog="Example: parley keys revoke 0123456789ab")
@click.argument("key_id", metavar="ID")
def revoke(key_id: str) -> int:
    """Have a key be good for nothing; its open sessions end within seconds."""
    # Who gives all of a key, which has been seen, means that one.
    found = re.fullmatch(f"(?:pk_)?({ID})(?:_.*)?", key_id)
    if found is None:
        raise click.UsageError("that is no key's id; see parley keys list")
    if not _run(lambda store: store.revoke(found[1])):
        raise click.ClickException(f"there is no key {found[1]}; see parley keys list")
    click.echo(f"revoked {found[1]}")
    return 0


def _values(given: dict[str, Any]) -> dict[str, Any]:
    """The options that were given, as a draft's fields."""
    named = {"audio_per_day": "audio_s_per_day"}
    return {
        named.get(name, name): None if value == NO_LIMIT else value
        for name, value in given.items()
        if value not in (None, ())
    }


def _run(work: Callable[[KeyStore], Awaitable[_T]], *, make: bool = False) -> _T:
    """Do something with the keys of this deployment; `make` a private Redis if there is none."""
    from bot.records.access import DEADLINE_S, NothingKept, Unreadable, open_redis, redis_name
    from bot.redis_server import RedisServerError

    from .store import KeyStore, TooManyKeys

    settings = load_settings()

    async def opened() -> _T:
        async with open_redis(settings, make=make) as url:
            store = KeyStore(url, prefix=settings.redis_prefix, deadline_s=DEADLINE_S)
            try:
                return await work(store)
            finally:
                await store.aclose()

    try:
        return asyncio.run(opened())
    except NothingKept as error:
        raise _NothingKept(f"there are no keys: {error}") from None
    except StoreUnavailable as error:
        fault = f"{redis_name(settings)} does not answer ({error}); is it running?"
        raise click.ClickException(fault) from None
    except (Unreadable, RedisServerError, TooManyKeys) as error:
        raise click.ClickException(str(error)) from None
