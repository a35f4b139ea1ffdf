"""One simulated call: the webhooks, the TwiML verb by verb, the streams, the end."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

from websockets.asyncio.client import ClientConnection
from websockets.exceptions import InvalidHandshake, InvalidStatus

from bot.dialog.types import Ended
from bot.telephony.address import STATUS_PATH, VOICE_PATH, Address
from bot.telephony.signature import SIGNATURE_HEADER, sign

from .balancer import Balancer, ForeignUrl, NoWorker
from .caller import Caller
from .clock import PhoneClock
from .events import EventKind, Faults, OnEvent, Traffic
from .exchange import Exchange, LiveCall, Source
from .identity import SIMULATED_ACCOUNT, CallIdentity, new_sid
from .line import CallState, Line, LineEnd, StreamIdentity
from .measure import latencies, listen
from .record import NoRecord, fetch_record
from .result import CallResult
from .steps import Step
from .tape import Tape
from .transcript import read_history, reported_turns
from .twiml import (
    HANDSHAKE_ERROR,
    Connect,
    Dial,
    Hangup,
    Pause,
    Play,
    Redirect,
    Reject,
    Request,
    Say,
    Stream,
    TwimlError,
    Unsupported,
    Verb,
    read_twiml,
    stream_fault,
)
from .webhook import RETRIEVAL_FAILURE, Callbacks, Webhooks

__all__ = ["PhoneConfig", "place_call"]

CONNECTION_TIMEOUT = 31901
CONNECTION_REFUSED = 31902
HANDSHAKE_TIMEOUT_S = 10.0

# A worker whose TwiML never comes to an end would keep the phone for ever.
_MOST_DOCUMENTS = 100
_SAY_MS_PER_CHARACTER = 60
_PLAY_MS = 1_000
_DIALLED_MS = 1_000
_DIGIT_MS = {"w": 500, "W": 1_000}
_KEY_MS = 200


@dataclass(frozen=True, slots=True)
class PhoneConfig:
    """Whom to call, and as whom.

    Attributes:
        public_url: the deployment's address: what is signed and followed.
        auth_token: Twilio's auth token, which the worker knows too.
        addresses: where to connect to instead, as a load balancer would: in order.
        api_key: opens the worker's API; None where it is open.
        speed: how much faster than real time the phone's clock runs.
        max_call_s: after so many seconds of real time the call is cut off.
    """

    public_url: str
    auth_token: str = field(repr=False)
    addresses: tuple[str, ...] = ()
    account_sid: str = SIMULATED_ACCOUNT
    from_number: str = "+15550100001"
    to_number: str = "+15550100002"
    api_key: str | None = field(default=None, repr=False)
    speed: float = 1.0
    max_call_s: float = 600.0


async def place_call(
    config: PhoneConfig,
    steps: Sequence[Step],
    *,
    on_event: OnEvent | None = None,
    exchange: Exchange | None = None,
) -> CallResult:
    """Call a worker as Twilio would, do the caller's `steps`, and measure.

    Args:
        on_event: told of everything while it happens; it must not block.
        exchange: where Twilio's REST API finds the call.

    Raises:
        AddressError: an address in `config` is none. Whatever the worker does wrong is in the
            result instead.
    """
    async with Balancer(config.public_url, config.addresses) as balancer:
        call = _Call(config, steps, balancer, on_event or (lambda _event: None))
        if exchange is not None:
            exchange.add(call.live)
        return await call.run()


class _Call:
    def __init__(
        self, config: PhoneConfig, steps: Sequence[Step], balancer: Balancer, on_event: OnEvent
    ) -> None:
        self._config = config
        self._balancer = balancer
        self._address = Address(config.public_url)
        self._webhooks = Webhooks(balancer, config.auth_token)
        self._callbacks = Callbacks(self._webhooks)
        self._identity = CallIdentity(config.account_sid, config.from_number, config.to_number)
        self._caller = Caller(steps)
        self._state = CallState(
            PhoneClock(config.speed), self._caller, Tape(), Traffic(), Faults(), on_event
        )
        self.live = LiveCall(self._identity, self._state.clock)
        self._documents = 0
        self._verbs: list[str] = []
        self._notes: list[str] = []

    async def run(self) -> CallResult:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._callbacks.run())
            ended = await self._live()
            duration_s = self._state.clock.call_s
            self._state.tell(EventKind.ENDED, f"by {ended.by}: {ended.reason}")
            progress = self._identity.progress(self.live.status, duration_s)
            self._callbacks.post(Request(self._address.url(STATUS_PATH)), progress)
            await self._callbacks.close()
        for failure in self._callbacks.failures:
            self._state.fault(failure.code, failure.reason)
        return await self._result(ended, duration_s)

    async def _live(self) -> Ended:
        """The call itself; leaves its last status behind."""
        try:
            async with asyncio.timeout(self._config.max_call_s):
                ended = await self.live.run(self._follow, Request(self._address.url(VOICE_PATH)))
        except TimeoutError:
            limit = f"the call lasted longer than {self._config.max_call_s:g} s"
            ended = Ended("error", limit)
        except TwimlError as error:
            self._state.fault(error.code, error.reason)
            ended = Ended("error", str(error))
            self.live.over("failed")
        self.live.over()
        return ended

    async def _follow(self, source: Source) -> Ended:
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
                self._notes.append(f"<{name}> was skipped: the phone does not follow it")
                return None
        self.live.answered()
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
        self._verbs.append(name)
        # Digits and tokens stay out of it.
        shown = {Say: "text", Dial: "number", Redirect: "to", Reject: "reason"}.get(type(verb))
        detail = getattr(verb, shown) if shown else ""
        detail = detail.url.partition("?")[0] if isinstance(detail, Request) else detail
        self._state.tell(EventKind.VERB, f"{name} {detail}".strip())

    def _reject(self, reason: str) -> Ended:
        # The status of a call refused as "rejected" is on none of the pages we have: assumed.
        self.live.over("busy" if reason == "busy" else "failed")
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
        await self._state.clock.sleep(_DIALLED_MS)
        if verb.action is None:
            return None
        return await self._fetch(
            verb.action,
            DialCallStatus="completed",
            DialCallSid=new_sid("CA"),
            DialCallDuration=str(_DIALLED_MS // 1000),
        )

    async def _connect(self, verb: Connect) -> Ended | list[Verb] | None:
        end = await self._stream(verb.stream)
        if end is LineEnd.CALLER:
            self.live.over()
            if verb.action is not None:
                # No page says whether a hang-up during <Connect> brings its action too; other
                # verbs do it, and nothing that is answered could still be followed.
                await self._ask(verb.action)
            return Ended("caller", "hung up")
        if end is None or verb.action is None:
            return None
        return await self._fetch(verb.action)

    async def _stream(self, stream: Stream) -> LineEnd | None:
        """Hold one stream to its end; None when the handshake failed."""
        stream_sid = new_sid("MZ")
        headers = {SIGNATURE_HEADER: sign(self._config.auth_token, stream.url)}
        if (fault := stream_fault(stream.url)) is None:
            try:
                opened = self._balancer.open(stream.url, headers, HANDSHAKE_TIMEOUT_S)
                async with opened as ws:
                    return await self._hold(ws, stream, stream_sid)
            except TimeoutError:
                fault = CONNECTION_TIMEOUT, f"no handshake within {HANDSHAKE_TIMEOUT_S:g} s"
            except NoWorker as error:
                fault = CONNECTION_REFUSED, str(error)
            except InvalidStatus as error:
                fault = HANDSHAKE_ERROR, f"the upgrade was answered {error.response.status_code}"
            except (ForeignUrl, InvalidHandshake, EOFError, OSError) as error:
                fault = HANDSHAKE_ERROR, f"the handshake failed: {error}"
        self._state.fault(*fault)
        self._stream_event(stream, stream_sid, "stream-error", fault[1])
        return None

    async def _hold(self, ws: ClientConnection, stream: Stream, stream_sid: str) -> LineEnd:
        who = self._identity
        identity = StreamIdentity(stream_sid, who.call_sid, who.account_sid, stream.parameters)
        self._state.tell(EventKind.STREAM_STARTED, stream.url)
        self._stream_event(stream, stream_sid, "stream-started")
        end = await Line(ws, identity, self._state).run()
        self._state.tell(EventKind.STREAM_ENDED, end.value)
        if end is LineEnd.BROKEN:
            self._stream_event(stream, stream_sid, "stream-error", end.value)
        else:
            self._stream_event(stream, stream_sid, "stream-stopped")
        return end

    def _stream_event(self, stream: Stream, stream_sid: str, event: str, error: str = "") -> None:
        if stream.status is not None:
            params = self._identity.stream(stream_sid, stream.name, event, error)
            self._callbacks.post(stream.status, params)

    async def _read(self, source: Source) -> list[Verb]:
        if isinstance(source, Request):
            return await self._fetch(source)
        return read_twiml(source, "")

    async def _fetch(self, request: Request, **more: str) -> list[Verb]:
        self._documents += 1
        if self._documents > _MOST_DOCUMENTS:
            raise TwimlError(RETRIEVAL_FAILURE, f"more than {_MOST_DOCUMENTS} documents in a call")
        return await self._webhooks.fetch(request, self._identity.webhook(self.live.status, **more))

    async def _ask(self, request: Request) -> None:
        """Ask for what nobody will follow."""
        try:
            await self._webhooks.send(request, self._identity.webhook(self.live.status))
        except TwimlError as error:
            self._state.fault(error.code, error.reason)

    async def _result(self, ended: Ended, duration_s: float) -> CallResult:
        state, history, record = self._state, None, None
        try:
            record = await fetch_record(
                self._balancer,
                self._config.public_url,
                self._identity.call_sid,
                self._config.api_key,
            )
            history = read_history(record)
        except (NoRecord, ValueError) as error:
            self._notes.append(f"no texts: {error}")
        if self._caller.remaining:
            self._notes.append(f"{self._caller.remaining} of the caller's steps were not reached")
        sound = listen(state.tape)
        return CallResult(
            call_sid=self._identity.call_sid,
            ended=ended,
            duration_s=duration_s,
            turns=tuple(reported_turns(sound, history)),
            latencies=latencies(sound),
            sound=sound,
            tape=state.tape,
            traffic=state.traffic,
            faults=tuple(state.faults),
            notes=tuple(self._notes),
            verbs=tuple(self._verbs),
            steps_left=self._caller.remaining,
            record=record,
        )
