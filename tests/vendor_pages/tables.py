"""Tables, as Markdown has them, and the README's table of all providers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from providers.catalog import VENDORS
from providers.config import read_config
from providers.declaration import Declaration
from providers.facts import KINDS
from providers.library.chosen import Chosen
from providers.library.overview import ProviderInfo, overview
from providers.types import SttCapabilities

__all__ = ["everything", "of_all", "table"]

_PLACEHOLDERS = {"base_url": "https://vendor.example", "socket_url": "wss://vendor.example/socket"}


def table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table; a `|` in a cell is escaped."""
    lines = [headings, ["---"] * len(headings), *rows]
    return "".join(f"|{'|'.join(map(_cell, line))}|\n" for line in lines)


def _cell(text: str) -> str:
    return f" {text} ".replace("|", r"\|") if text else " "


def everything() -> list[ProviderInfo]:
    """All that is known of each provider, as if all of them were configured."""
    config = {}
    for vendor in VENDORS.values():
        for key, *_ in vendor.needs:
            holds = vendor.settings[key].holds
            config[f"{vendor.account}_{key}"] = _PLACEHOLDERS.get(str(holds), "placeholder")
    return overview(Chosen(read_config(config, env={})))


def of_all(infos: Sequence[ProviderInfo]) -> str:
    """One row for each name, whatever it is used for."""
    names = dict.fromkeys(name for vendor in VENDORS.values() for name in _names(vendor))
    rows = [_row([info for info in infos if info.name == name]) for name in names]
    return table(("name", "recognizes", "speaks", "list price", "what to know"), rows)


def _names(vendor: Declaration) -> list[str]:
    return [name for kind in KINDS for name in vendor.offers[kind]]


def _row(infos: Sequence[ProviderInfo]) -> list[str]:
    vendor, name = infos[0].vendor, infos[0].name
    recognizes = [_recognizes(info) for info in infos if info.kind != "tts"]
    speaks = "yes" if any(info.kind == "tts" for info in infos) else ""
    prices = dict.fromkeys(filter(None, map(_short_price, infos)))
    about = dict.fromkeys(vendor.offers[info.kind][name].about for info in infos)
    link = f"[`{name}`](providers/vendors/{vendor.account}.md)"
    return [link, "; ".join(recognizes), speaks, "; ".join(prices), "; ".join(about)]


def _recognizes(info: ProviderInfo) -> str:
    if info.kind == "files":
        return "files"
    assert isinstance(info.capabilities, SttCapabilities)
    return f"streams, safe to the {'word' if info.capabilities.boundary == 'word' else 'utterance'}"


def _short_price(info: ProviderInfo) -> str:
    facts = info.facts
    if not facts.price:
        return "" if facts.price is None else "free"
    units = {"stt": "a minute", "files": "a minute of a file", "tts": "per 1000 characters"}
    return f"${facts.price:g} {units[info.kind]}"
