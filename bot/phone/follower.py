"""TwiML followed verb by verb."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping

from bot.dialog.types import Ended

from .config import Dialled, PhoneConfig
from .events import EventKind
from .exchange import LiveCall, Source
from .identity import new_sid
from .line import LineEnd
from .state import CallState
from .streams import Streams
from .twiml import (
    Connect,
    Dial,
    Hangup,
    Pause,
    Play,
    Redirect,
    Reject,
    Request,
    Say,
    TwimlError,
    Unsupported,
    Verb,
    read_twiml,
)
from .webhook import RETRIEVAL_FAILURE, Webhooks

__all__ = ["Follower"]

# A worker whose TwiML never comes to an end would keep the phone for ever.
_MOST_DOCUMENTS = 100
_SAY_MS_PER_CHARACTER = 60
_PLAY_MS = 1_000
_DIGIT_MS = {"w": 500, "W": 1_000}
_KEY_MS = 200


class Follower:
    """Does what the documents of one call say.

    Args:
        opening: parameters that the request for the first document has besides.

    Attributes:
        verbs: the names of the verbs that were followed, in order.
        notes: what a reader of the call's report should know.
    """

    def __init__(
        self,
        config: PhoneConfig,
        live: LiveCall,
        state: CallState,
        webhooks: Webhooks,
        streams: Streams,
        opening: Mapping[str, str],
    ) -> None:
        self._dialled = config.dialled
        self._live = live
        self._state = state
        self._webhooks = webhooks
        self._streams = streams
        self._opening = dict(opening)
        self._documents = 0
        self.verbs: list[str] = []
        self.notes: list[str] = []

    async def follow(self, source: Source) -> Ended:
        """Follow a document, and those that it leads to, to the call's end.

        Raises:
            TwimlError: a document cannot be had or followed.
        """
        verbs = deque(await self._read(source))
        while verbs:
            outcome = await self._do(verbs.popleft())
            if isinstance(outcome, Ended):
                return outcome
            if outcome is not None:
                verbs = deque(outcome)
        return Ended("bot", "end of TwiML")

    async def _do(self, verb: Verb) -> Ended | list[Verb] | None:
        """Follow one verb: the call's end, the document to go on with, or None for the next."""
        self._note_verb(verb)
        match verb:
            case Reject(reason):
                return self._reject(reason)
            case Redirect(to):
                return await self._fetch(to)
            case Pause(seconds):
                await self._state.clock.sleep(seconds * 1000)
                return None
            case Unsupported(name):
                self.notes.append(f"<{name}> was skipped: the phone does not follow it")
                return None
        self._live.answered()
        match verb:
            case Hangup():
                return Ended("bot", "hung up")
            case Say(text):
                await self._state.clock.sleep(len(text) * _SAY_MS_PER_CHARACTER)
            case Play():
                await self._play(verb)
            case Dial():
                return await self._dial(verb)
            case Connect():
                return await self._connect(verb)
        return None

    def _note_verb(self, verb: Verb) -> None:
        name = type(verb).__name__ if not isinstance(verb, Unsupported) else verb.name
        self.verbs.append(name)
        # Digits and tokens stay out of it.
        shown = {Say: "text", Dial: "number", Redirect: "to", Reject: "reason"}.get(type(verb))
        detail = getattr(verb, shown) if shown else ""
        detail = detail.url.partition("?")[0] if isinstance(detail, Request) else detail
        self._state.tell(EventKind.VERB, f"{name} {detail}".strip())

    def _reject(self, reason: str) -> Ended:
        # The status of a call refused as "rejected" is on none of the pages we have: assumed.
        self._live.over("busy" if reason == "busy" else "failed")
        return Ended("bot", f"rejected: {reason}")

    async def _play(self, verb: Play) -> None:
        if verb.digits:
            await self._state.clock.sleep(sum(_DIGIT_MS.get(d, _KEY_MS) for d in verb.digits))
            return
        try:
            await self._webhooks.send(Request(verb.url, "GET"), {})
        except TwimlError as error:
            self._state.fault(error.code, error.reason)
        else:
            await self._state.clock.sleep(_PLAY_MS)

    async def _dial(self, verb: Dial) -> list[Verb] | None:
        dialled = self._dialled.get(verb.number, Dialled())
        await self._state.clock.sleep(dialled.for_ms)
        if verb.action is None:
            return None
        params = {"DialCallStatus": dialled.status, "DialCallSid": new_sid("CA")}
        if dialled.status == "completed":
            params["DialCallDuration"] = str(dialled.for_ms // 1000)
        return await self._fetch(verb.action, **params)

    async def _connect(self, verb: Connect) -> Ended | list[Verb] | None:
        end = await self._streams.hold(verb.stream)
        if end is LineEnd.CALLER:
            self._live.over()
            if verb.action is not None:
                # No page says whether a hang-up during <Connect> brings its action too; other
                # verbs do it, and nothing that is answered could still be followed.
                await self._ask(verb.action)
            return Ended("caller", "hung up")
        if end is None or verb.action is None:
            return None
        return await self._fetch(verb.action)

    async def _read(self, source: Source) -> list[Verb]:
        if isinstance(source, Request):
            return await self._fetch(source)
        return read_twiml(source, "")

    async def _fetch(self, request: Request, **more: str) -> list[Verb]:
        self._documents += 1
        if self._documents > _MOST_DOCUMENTS:
            raise TwimlError(RETRIEVAL_FAILURE, f"more than {_MOST_DOCUMENTS} documents in a call")
        opening, self._opening = self._opening, {}
        return await self._webhooks.fetch(request, self._params(**opening, **more))

    async def _ask(self, request: Request) -> None:
        """Ask for what nobody will follow."""
        try:
            await self._webhooks.send(request, self._params())
        except TwimlError as error:
            self._state.fault(error.code, error.reason)

    def _params(self, **more: str) -> dict[str, str]:
        return self._live.identity.webhook(self._live.status, **more)
