"""Whether the dialogs that a campaign names can be had."""

from __future__ import annotations

from functools import partial

from bot.dialog.hook import load_dialog
from bot.dialog.resources import Resources
from bot.dialog.types import DialogError
from bot.numbers import NumberTable
from bot.settings import Settings

from .loading import LOAD_DEADLINE_S, CampaignDialogs
from .spec import CampaignSpec

__all__ = ["check_loads", "check_named"]


async def check_loads(
    settings: Settings, spec: CampaignSpec, deadline_s: float = LOAD_DEADLINE_S
) -> None:
    """Load the campaign's dialogs, as the workers will.

    Raises:
        DialogError: one of them cannot be loaded, or not in time; the message says what to change.
    """
    resources = Resources.of(settings)
    dialogs = CampaignDialogs({}, partial(load_dialog, resources=resources), deadline_s)
    try:
        for name in _named_by(spec, settings):
            await dialogs.load(name)
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
