"""A dialog with somebody beside it who hears when a person never wants to be called again."""

from __future__ import annotations

import tomllib
from collections.abc import Awaitable, Callable, Sequence
from contextlib import aclosing
from functools import cache
from pathlib import Path
from typing import Any

from bot.dialog.hook import Dialog, Replies
from bot.dialog.types import Call, CallBack, DoNotCall, Expect, Gather, Hangup, Say, Turn
from bot.record import Record

from .refusal import FALLBACK, Refusals

__all__ = ["DO_NOT_CALL", "GuardedDialog", "refusals_of"]

DO_NOT_CALL = "do not call"
"""Why a call was hung up in which that was asked for."""


class GuardedDialog(Dialog):
    """A call's dialog, whose person may ask never to be called again, by words or by a key.

    The person is told that it is so, and a call that a campaign has made is hung up; another one
    goes on. In calls that have nothing to do with campaigns only words count that speak of calling
    (not "delete my number"), and the dialog hears those, and the key, as well: they may mean
    something else there.
    What a dialog itself wants noted of the person (`DoNotCall`, `CallBack`) is noted here too. When
    it is asked a turn again, of whose answer nothing was heard, a `CallBack` of that answer no
    longer counts; a `DoNotCall` stays.

    Args:
        dialog: the call's.
        record: of the call, where it is noted.
        refuse: puts the person on the do-not-call list; false when their number is not known.
        hears: whether words count.
        digit: the key that does; None is none.
    """

    def __init__(
        self,
        dialog: Dialog,
        record: Record,
        refuse: Callable[[Record], Awaitable[bool]],
        *,
        hears: bool,
        digit: str | None = None,
    ) -> None:
        super().__init__(dialog.target)
        self._record = record
        self._refuse = refuse
        self._hears = hears
        self._digit = digit
        # Whether the dialog wants keys that have not come yet, and the last ones that it got: they
        # are given again when nothing was heard of the answer.
        self._gathers = record.gathering is not None
        self._gathered: tuple[str, int] | None = None
        # When the last turn began that it was asked, and what was noted before.
        self._asked_ms: int | None = None
        self._called_back_before_s: int | None = None

    @property
    def refused(self) -> bool:
        return self._record.do_not_call

    def refusal(self, call: Call, *, said: str = "", pressed: str = "") -> Replies | None:
        asked = self._asks(call, said) or (bool(pressed) and pressed == self._digit)
        return self._say_so(call) if asked else None

    async def hear_out(self, call: Call, *, said: str = "", pressed: Sequence[str] = ()) -> None:
        if self.refused:
            return
        # Those that ask for something else may be the dialog's.
        keys = [key for key in pressed if not self._is_gathered(call, key)]
        if self._asks(call, said) or self._digit in keys:
            await self._note()

    async def _replies(self, name: str, *args: Any, default: str = "") -> Replies:
        if self._is_refusal(name, *args):
            async with aclosing(self._say_so(args[0])) as said:
                async for reply in said:
                    yield reply
            if self._record.attempt is not None:
                return
        if name == "on_turn":
            self._forget_unheard(args[1])
        async with aclosing(super()._replies(name, *args, default=default)) as replies:
            async for reply in replies:
                match reply:
                    case DoNotCall():
                        await self._note()
                    case CallBack(after_s):
                        self._record.call_back_s = after_s
                    case Expect(phrases):
                        yield self._expect(phrases, args[0].language)
                    case _:
                        self._gathers |= isinstance(reply, Gather)
                        yield reply

    def _expect(self, phrases: tuple[str, ...], language: str) -> Expect:
        """What the dialog expects; and that a call is not wanted, if it is one of a campaign's.

        A recognizer that chooses among phrases would hear nothing of it. In other calls, where it
        is hardly ever said, it would sooner be heard by mistake.
        """
        if not phrases or not self._hears or self._record.attempt is None:
            return Expect(phrases)
        return Expect((*phrases, *refusals_of(language).usual))

    def _forget_unheard(self, turn: Turn) -> None:
        """A turn that goes on begins where it began when it was asked before."""
        if turn.start_ms == self._asked_ms:
            self._record.call_back_s = self._called_back_before_s
        else:
            self._asked_ms = turn.start_ms
            self._called_back_before_s = self._record.call_back_s

    def _is_refusal(self, name: str, call: Call, asked: object = None, *rest: object) -> bool:
        if name == "on_turn" and isinstance(asked, Turn):
            return self._asks(call, asked.text)
        if name == "on_dtmf" and isinstance(asked, str):
            return not self._is_gathered(call, asked) and asked == self._digit
        return False

    def _is_gathered(self, call: Call, digits: str) -> bool:
        """Whether the dialog has asked for these keys, or may have."""
        heard = sum(entry.role == "bot" and bool(entry.heard) for entry in call.history)
        if self._gathers or len(digits) != 1 or self._gathered == (digits, heard):
            # What was pressed before a `Gather` was in force came by itself; that is still to end.
            self._gathers = self._record.gathering is not None
            self._gathered = digits, heard
            return True
        return False

    def _asks(self, call: Call, text: str) -> bool:
        by_us = self._record.attempt is not None
        languages = dict.fromkeys((refusals_of(call.language), refusals_of(FALLBACK)))
        return self._hears and any(words.asked_in(text, by_us=by_us) for words in languages)

    async def _say_so(self, call: Call) -> Replies:
        noted = await self._note()
        refusals = refusals_of(call.language)
        if self._record.attempt is not None and call.direction == "outbound":
            yield Say(refusals.goodbye, interruptible=False)
            yield Hangup(DO_NOT_CALL)
        elif noted:
            yield Say(refusals.noted, interruptible=False)

    async def _note(self) -> bool:
        self._record.do_not_call = True
        return await self._refuse(self._record)


def refusals_of(language: str) -> Refusals:
    """How people who speak that language (BCP-47) refuse to be called; in English if unknown."""
    known = _refusals()
    return known.get(language.partition("-")[0].lower(), known[FALLBACK])


@cache
def _refusals() -> dict[str, Refusals]:
    text = Path(__file__).with_name("refusals.toml").read_text(encoding="utf-8")
    return {language: Refusals.of(table) for language, table in tomllib.loads(text).items()}
