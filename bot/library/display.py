"""What a person sees of voices and providers."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from bot.records.display import shown
from providers.facts import Kind
from providers.library.checkup import Checkup
from providers.library.overview import ProviderInfo
from providers.results import Voice
from providers.types import TtsCapabilities

__all__ = ["print_providers", "print_voices"]

_WIDE = 250
_TITLES: dict[Kind, str] = {
    "stt": "Recognition of streams",
    "files": "Recognition of files",
    "tts": "Synthesis",
}


def print_voices(voices: Sequence[Voice]) -> None:
    """A table of voices."""
    table = _table("id", "name", "language", "gender", "provider", "about")
    for voice in voices:
        about = ", ".join(filter(None, (voice.age, voice.accent, voice.description)))
        fields = (
            voice.id,
            voice.name,
            voice.language or "any",
            voice.gender or "",
            voice.provider,
            about,
        )
        table.add_row(*map(shown, fields))
    _console().print(table)


def print_providers(infos: Sequence[ProviderInfo], found: Sequence[Checkup] | None) -> None:
    """Tables of providers, with how they are if that was looked at."""
    console = _console()
    for kind, title in _TITLES.items():
        headings = ["provider", "state", "price", "languages"]
        if found is not None:
            headings.insert(2, "answers in")
        table = _table(*headings)
        console.print(Text(title, "bold"))
        those = [info for info in infos if info.kind == kind]
        for info in those:
            table.add_row(*_row(info, found))
        console.print(table)
        for info in those:
            for note in _notes(info):
                console.print(Text(f"{info.name}: {note}"), soft_wrap=True)
        console.print()


def _row(info: ProviderInfo, found: Sequence[Checkup] | None) -> list[Text]:
    checkup = next(
        (one for one in found or () if (one.kind, one.provider) == (info.kind, info.name)), None
    )
    row = [Text(info.name), _state(info, checkup), Text(info.price), Text(info.languages)]
    if found is not None:
        latency_ms = checkup.latency_ms if checkup else None
        row.insert(2, Text("" if latency_ms is None else f"{latency_ms:.0f} ms"))
    return row


def _notes(info: ProviderInfo) -> Iterator[str]:
    """What one should know before choosing it."""
    if info.not_honoured:
        yield f"cannot honour {', '.join(info.not_honoured)}"
    if isinstance(info.capabilities, TtsCapabilities) and info.capabilities.notice:
        yield info.capabilities.notice


def _state(info: ProviderInfo, checkup: Checkup | None) -> Text:
    if info.missing is not None:
        return Text(info.missing.removesuffix(f" for {info.name}"), "yellow")
    if checkup is None or checkup.healthy:
        return Text("ready" if checkup is None else "well", "green")
    hint = f"; {checkup.hint}" if checkup.hint else ""
    return Text(shown(f"failed: {checkup.error}{hint}"), "red")


def _table(*headings: str) -> Table:
    table = Table(box=None, pad_edge=False, show_edge=False, header_style="bold")
    for heading in headings:
        table.add_column(heading, overflow="fold")
    return table


def _console() -> Console:
    # A pipe has no width: what is made for one line stays on it.
    width = None if sys.stdout.isatty() else _WIDE
    return Console(width=width, markup=False, highlight=False)
