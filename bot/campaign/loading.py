"""The dialogs of campaigns: loaded when a call first needs one, as the campaign names it."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Mapping

from bot.dialog.hook import Dialog, DialogFactory
from bot.dialog.types import Call, DialogError, Hangup, Reply, Say, Turn

from .outcome import NO_DIALOG

__all__ = ["MAX_DIALOGS", "CampaignDialogs", "Speechless"]

MAX_DIALOGS = 64
LOAD_DEADLINE_S = 10.0
"""Somebody is on the line who hears nothing meanwhile."""


class CampaignDialogs:
    """Dialogs by the names that campaigns give them.

    Args:
        known: those of the deployment's own numbers.
        load: finds another one; called in a thread, for it may import the user's code.
        deadline_s: how long that may take.
    """

    def __init__(
        self,
        known: Mapping[str, DialogFactory],
        load: Callable[[str], DialogFactory],
        deadline_s: float = LOAD_DEADLINE_S,
    ) -> None:
        self._known = known
        self._load = load
        self._deadline_s = deadline_s
        self._loaded: OrderedDict[str, DialogFactory] = OrderedDict()
        self._loading = asyncio.Lock()

    def get(self, name: str) -> DialogFactory | None:
        """What makes the dialog of that name, if it has been loaded."""
        return self._known.get(name) or self._loaded.get(name)

    async def load(self, name: str) -> None:
        """Have a dialog loaded, once, however many calls wait for it.

        Raises:
            DialogError: it cannot be had; or that takes too long.
        """
        if self._is_there(name):
            return
        try:
            async with asyncio.timeout(self._deadline_s), self._loading:
                if not self._is_there(name):
                    self._loaded[name] = await asyncio.to_thread(self._load, name)
        except TimeoutError:
            fault = f"dialog {name!r} is not loaded within {self._deadline_s:g} s"
            raise DialogError(fault) from None
        except SystemExit as error:
            # The user's module wants to end the process, which has other calls.
            raise DialogError(f"dialog {name!r}: importing it raised {error!r}") from error
        except (OSError, ValueError) as error:
            # No file of that name can be read, or be there at all.
            raise DialogError(f"dialog {name!r} cannot be read: {error}") from error
        while len(self._loaded) > MAX_DIALOGS:
            self._loaded.popitem(last=False)

    def _is_there(self, name: str) -> bool:
        if name in self._loaded:
            self._loaded.move_to_end(name)
        return self.get(name) is not None


class Speechless:
    """Stands in for a dialog that cannot be had: says that the call cannot go on, and hangs up."""

    def __init__(self, farewell: str, reason: str = NO_DIALOG) -> None:
        self._farewell = farewell
        self._reason = reason

    async def greet(self, call: Call) -> list[Reply]:
        return self._leave()

    async def on_turn(self, call: Call, turn: Turn) -> list[Reply]:
        return self._leave()

    async def on_resume(self, call: Call, unheard: str) -> list[Reply]:
        return self._leave()

    def _leave(self) -> list[Reply]:
        said = [Say(self._farewell, interruptible=False)] if self._farewell else []
        return [*said, Hangup(self._reason)]

    def dialog(self) -> Dialog:
        """As a call's."""
        return Dialog(self)
