"""Whether the dialogs that a campaign names can be had."""

from __future__ import annotations

import asyncio

from bot.dialog.hook import load_dialogs
from bot.dialog.resources import Resources
from bot.dialog.types import DialogError
from bot.numbers import NumberTable
from bot.settings import Settings

from .spec import CampaignSpec

__all__ = ["check_loads", "check_named"]


async def check_loads(settings: Settings, spec: CampaignSpec) -> None:
    """Load the campaign's dialogs, as the workers will.

    Raises:
        DialogError: one of them cannot be loaded; the message says what to change.
    """
    resources = Resources.of(settings)
    try:
        # They may import much, while calls go on.
        await asyncio.to_thread(load_dialogs, _named_by(spec, settings), resources)
    finally:
        await resources.aclose()


def check_named(settings: Settings, spec: CampaignSpec) -> None:
    """See that the workers' settings name the dialog of a campaign that is made from far away.

    Whoever names a dialog has a worker import code, read a file, or send what callers say to an
    address. A key of the API is not meant to be enough for that.

    Raises:
        DialogError: they do not.
    """
    tables = [table.dialog for table in settings.numbers.values() if table.dialog is not None]
    known = sorted({settings.dialog, *tables})
    if spec.dialog is not None and spec.dialog not in known:
        raise DialogError(
            f"dialog {spec.dialog!r} is not one that the workers' settings name: over the API it"
            f" may be one of: {', '.join(known)}; parley campaign create takes any"
        )


def _named_by(spec: CampaignSpec, settings: Settings) -> list[str]:
    """The campaign's own, else those that answer the numbers from which it calls."""
    if spec.dialog is not None:
        return [spec.dialog]
    tables = (settings.numbers.get(number, NumberTable()) for number in spec.from_numbers)
    return [table.dialog or settings.dialog for table in tables]
