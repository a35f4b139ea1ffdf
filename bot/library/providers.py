"""`parley providers`: who recognizes and who speaks, what each can do, and how it is."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bot.json_output import print_json

from .speech import config_option, json_option, run

if TYPE_CHECKING:
    from providers.library.checkup import Checkup
    from providers.library.overview import ProviderInfo
    from providers.processor import VoiceProcessor

__all__ = ["providers"]


@click.command(epilog="Example: parley providers --check")
@click.option(
    "--check",
    is_flag=True,
    help="Ask all that are configured for a moment's work, which vendors may bill.",
)
@config_option
@json_option
def providers(check: bool, config: Path | None, as_json: bool) -> int:
    """List every speech provider: whether it is configured, what it can do, what it costs.

    Streams are what calls need; files are recordings at once. Prices are list prices in USD, with
    the date on which they were found. With --check each provider that is configured is asked for
    a moment's work: whether it is well, and how long that took. Exits 1 when one is not.
    """

    async def work(speech: VoiceProcessor) -> tuple[list[ProviderInfo], list[Checkup]]:
        found = await speech.health(all_configured=True) if check else []
        return speech.providers(), found

    infos, found = run(work, config=config)
    if as_json:
        print_json([_report(info, found) for info in infos])
    else:
        from .display import print_providers

        print_providers(infos, found if check else None)
    return 1 if any(not one.healthy for one in found) else 0


def _report(info: ProviderInfo, found: list[Checkup]) -> dict[str, Any]:
    report: dict[str, Any] = {
        "kind": info.kind,
        "provider": info.name,
        "vendor": info.vendor.title,
        "documentation": info.vendor.url,
        "configured": info.missing is None,
        "missing": info.missing,
        "capabilities": None,
        "not_honoured": info.not_honoured,
        **asdict(info.facts),
    }
    if info.capabilities is not None:
        report["capabilities"] = asdict(info.capabilities)
        report["capabilities"]["options"] = sorted(info.capabilities.options)
    for one in found:
        if (one.kind, one.provider) == (info.kind, info.name):
            report |= {
                "healthy": one.healthy,
                "measured_ms": one.latency_ms,
                "error": one.error,
                "hint": one.hint,
            }
    return report
