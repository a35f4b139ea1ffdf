"""The places that a worker has for calls: which are taken, and by which recognizer's calls.

Recognizers may have calls and sessions of the speech-to-text service at a time.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping

from bot.live_call import LiveCall, LiveCalls
from bot.numbers import BotSettings

__all__ = ["Places"]

EXPECT_S = 10.0
"""How long a place is kept for the stream of a call that was answered with one."""


class Places:
    """Counts the calls that have a stream here, or may have one in a moment.

    Args:
        live: the calls of this worker by SID.
        makes: knows what its recognizers take.
        most: how many calls the worker takes at a time.
        sessions: how many streams each recognizer has that are of no call.
    """

    def __init__(
        self,
        live: Mapping[str, LiveCall],
        makes: LiveCalls,
        most: int,
        sessions: Callable[[], Counter[str]],
    ) -> None:
        self._live = live
        self._makes = makes
        self._most = most
        self._sessions = sessions
        # Until when (the loop's time) a place is kept for the call's stream, and its recognizer.
        self._expected: dict[str, tuple[float, str]] = {}
        self._dialled: set[str] = set()

    @property
    def active(self) -> int:
        """How many are taken."""
        return len(self._taken())

    @property
    def beside_campaigns(self) -> int:
        """How many of these no campaign has dialled."""
        active = self.active  # which forgets the streams that did not come
        self._dialled.intersection_update(self._expected)
        carried = {sid for sid, live in self._live.items() if _is_dialled(live)}
        return active - len(carried | self._dialled)

    @property
    def capacity(self) -> int:
        """How many there are, those that are taken included."""
        recognized = self._makes.capacity(self._sessions())
        return self._most if recognized is None else min(self._most, recognized)

    def recognizer_full(self, bot: BotSettings) -> bool:
        """Whether none of a bot's recognizers takes more calls than it has."""
        return self._makes.free_recognizer(bot, self.recognizing + self._sessions()) is None

    @property
    def recognizing(self) -> Counter[str]:
        """How many calls each recognizer has, or may have in a moment."""
        return Counter(self._taken())

    def expect(self, sid: str, bot: BotSettings, *, dialled: bool) -> None:
        """As `Calls.expect`."""
        taken = self.recognizing + self._sessions()
        name = self._makes.free_recognizer(bot, taken) or bot.stt_provider
        self._expected[sid] = (asyncio.get_running_loop().time() + EXPECT_S, name)
        if dialled:
            self._dialled.add(sid)

    def give_up(self, sid: str) -> None:
        """The stream of this call has come, or never will."""
        self._expected.pop(sid, None)

    def give_up_all(self) -> None:
        """No stream is expected any more."""
        self._expected.clear()

    def _taken(self) -> list[str]:
        """The recognizer of each call."""
        now_s = asyncio.get_running_loop().time()
        self._expected = {sid: place for sid, place in self._expected.items() if place[0] > now_s}
        places = {sid: name for sid, (_, name) in self._expected.items()}
        for sid, live in self._live.items():
            if live.session is not None:
                places[sid] = live.record.providers["stt"]
        return list(places.values())


def _is_dialled(live: LiveCall) -> bool:
    """Whether a campaign has dialled the call, whose stream is here."""
    record = live.record
    return (
        live.session is not None and record.attempt is not None and record.direction == "outbound"
    )
