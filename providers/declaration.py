"""What is declared of one vendor: who it is, its settings, what it offers, for how much.

Each account has a file, `vendors/<account>.toml`, of which the catalogue's tables, the settings and
the page beside it are made. Each price, and each judgement, stands there with date and source.
"""

from __future__ import annotations

import functools
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .facts import KINDS, Facts, Kind

__all__ = ["Declaration", "Offer", "Setting", "declaration_of"]

_FILES = Path(__file__).with_name("vendors")


@dataclass(frozen=True, slots=True)
class Offer:
    """One of a vendor's services.

    Attributes:
        path: of its class, `module:name`.
        about: in a few words, for the documentation.
        own_server: the setting, if there is one, that leads to a server of one's own. That needs no
            key, and costs nothing.
    """

    path: str
    about: str
    own_server: str | None
    facts: Facts


@dataclass(frozen=True, slots=True)
class Setting:
    """A setting of an account.

    Attributes:
        holds: what it may hold: the name of a type, of `providers.settings`; the choices there are;
            or the bounds of a number, `from` and `to`.
        about: what it is for, for the documentation.
        wanted: what to tell who wrote something else, if the type does not say it.
    """

    holds: str | tuple[str, ...] | tuple[int, int]
    about: str
    default: str | None
    wanted: str | None


@dataclass(frozen=True, slots=True)
class Declaration:
    """All that is declared of one vendor, or engine.

    Attributes:
        account: the name that those of its settings and of its services begin with.
        title, url, about: what it is called, where its documentation is, what it is.
        needs: of each of these groups one setting has to be there.
        package, extra: the package that it runs by, and which of Parley's extras brings it.
        domain: the vendor's own, if others may have servers that speak as it does.
        limits, assumed, notes: what its users should know, each a sentence or two.
        example: settings of a deployment that uses it, as `.env` has them.
        settings: by their names, without the account's.
        offers: by kind and catalogue name.
    """

    account: str
    title: str
    url: str
    about: str
    needs: tuple[tuple[str, ...], ...] = ()
    package: str | None = None
    extra: str | None = None
    domain: str | None = None
    limits: tuple[str, ...] = ()
    assumed: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    example: str = ""
    settings: Mapping[str, Setting] = field(default_factory=dict)
    offers: Mapping[Kind, Mapping[str, Offer]] = field(default_factory=dict)

    def variable(self, key: str) -> str:
        """The environment variable of a setting."""
        return f"{self.account}_{key}".upper()


@functools.cache
def declaration_of(account: str) -> Declaration:
    """What is declared of an account.

    Raises:
        FileNotFoundError: nothing is.
    """
    text = (_FILES / f"{account}.toml").read_text("utf-8")
    held = tomllib.loads(text)
    settings = {key: _setting(table) for key, table in held.pop("settings", {}).items()}
    offers = {kind: dict(_offers(held.pop(kind, {}))) for kind in KINDS}
    needs = tuple(map(tuple, held.pop("needs", ())))
    said: dict[str, Any] = {
        key: tuple(value) if isinstance(value, list) else value for key, value in held.items()
    }
    return Declaration(account=account, needs=needs, settings=settings, offers=offers, **said)


def _setting(table: Mapping[str, Any]) -> Setting:
    held = table["is"]
    if isinstance(held, list):
        held = tuple(held)
    elif isinstance(held, dict):
        held = (held["from"], held["to"])
    return Setting(held, table["about"], table.get("default"), table.get("wanted"))


def _offers(tables: Mapping[str, Mapping[str, Any]]) -> Iterator[tuple[str, Offer]]:
    for name, table in tables.items():
        known = dict(table)
        path, about = known.pop("class"), known.pop("about")
        own_server = known.pop("own_server", None)
        yield name, Offer(path, about, own_server, Facts(**known))
