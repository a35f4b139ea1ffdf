"""One simulated call: its first webhook, its end, and what the phone knows of it then."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from bot.dialog.types import Ended
from bot.telephony.address import STATUS_PATH, VOICE_PATH, Address

from .balancer import Balancer
from .caller import Caller
from .clock import PhoneClock
from .config import PhoneConfig
from .events import EventKind, Faults, OnEvent, Traffic
from .exchange import Exchange, LiveCall, Source
from .follower import Follower
from .gaps import gaps
from .identity import CallIdentity
from .measure import latencies, listen
from .outbound import Outbound
from .record import NoRecord, fetch_record
from .result import CallResult
from .state import CallState
from .steps import Step
from .streams import Streams
from .tape import Tape
from .transcript import read_history, reported_turns
from .twiml import Request, TwimlError
from .webhook import Callbacks, Webhooks

__all__ = ["PhoneConfig", "answer_call_by", "place_call", "place_call_by"]


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
        return await place_call_by(balancer, config, steps, on_event, exchange)


async def place_call_by(
    balancer: Balancer,
    config: PhoneConfig,
    steps: Sequence[Step],
    on_event: OnEvent | None,
    exchange: Exchange | None,
) -> CallResult:
    """As `place_call`, by a balancer that other calls share."""
    identity = CallIdentity(config.account_sid, config.from_number, config.to_number)
    call = _Call(config, identity, steps, balancer, on_event)
    if exchange is not None:
        exchange.add(call.live)
    address = Address(config.public_url)
    return await call.run(Request(address.url(VOICE_PATH)), Request(address.url(STATUS_PATH)), {})


async def answer_call_by(
    balancer: Balancer,
    config: PhoneConfig,
    steps: Sequence[Step],
    outbound: Outbound,
    exchange: Exchange,
) -> CallResult:
    """As `place_call_by`, from when somebody has answered a call that the bot had Twilio make.

    Its end is for whoever dialled to tell, and the worker is not asked for its record.
    """
    call = _Call(config, outbound.identity, steps, balancer, None)
    exchange.add(call.live)
    call.live.answered()
    return await call.run(outbound.first, None, outbound.opening)


class _Call:
    def __init__(
        self,
        config: PhoneConfig,
        identity: CallIdentity,
        steps: Sequence[Step],
        balancer: Balancer,
        on_event: OnEvent | None,
    ) -> None:
        self._config = config
        self._balancer = balancer
        self._caller = Caller(steps)
        on_event = on_event or (lambda _event: None)
        self._state = CallState(
            PhoneClock(config.speed), self._caller, Tape(), Traffic(), Faults(), on_event
        )
        self._identity = identity
        self.live = LiveCall(identity, self._state.clock)

    async def run(
        self, first: Source, status: Request | None, opening: Mapping[str, str]
    ) -> CallResult:
        """Follow `first`, for which is asked with `opening`; the end is told to `status`."""
        webhooks = Webhooks(self._balancer, self._config.auth_token)
        callbacks = Callbacks(webhooks)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(callbacks.run())
            streams = Streams(
                self._balancer,
                self._config.auth_token,
                self._identity,
                self._state,
                callbacks,
                tasks,
            )
            follower = Follower(self._config, self.live, self._state, webhooks, streams, opening)
            ended = await self._live(follower, first)
            duration_s = self._state.clock.call_s
            self._state.tell(EventKind.ENDED, f"by {ended.by}: {ended.reason}")
            if status is not None:
                callbacks.post(status, self._identity.end(self.live.status, duration_s))
            callbacks.close()
        for failure in callbacks.failures:
            self._state.fault(failure.code, failure.reason)
        record = None if status is None else await self._record(follower.notes)
        return self._result(ended, duration_s, follower, record)

    async def _live(self, follower: Follower, first: Source) -> Ended:
        """The call itself; leaves its last status behind."""
        try:
            async with asyncio.timeout(self._config.max_call_s):
                return await self.live.run(follower.follow, first)
        except TimeoutError:
            return Ended("error", f"the call lasted longer than {self._config.max_call_s:g} s")
        except TwimlError as error:
            self._state.fault(error.code, error.reason)
            # Whoever was called has answered before anything could fail.
            self.live.over("failed" if self._identity.direction == "inbound" else "completed")
            return Ended("error", str(error))
        finally:
            self.live.over()

    async def _record(self, notes: list[str]) -> Mapping[str, Any] | None:
        try:
            return await fetch_record(
                self._balancer,
                self._config.public_url,
                self._identity.call_sid,
                self._config.api_key,
            )
        except NoRecord as error:
            notes.append(f"no texts: {error}")
            return None

    def _result(
        self,
        ended: Ended,
        duration_s: float,
        follower: Follower,
        record: Mapping[str, Any] | None,
    ) -> CallResult:
        state, history, notes = self._state, None, follower.notes
        try:
            history = None if record is None else read_history(record)
        except ValueError as error:
            notes.append(f"no texts: {error}")
        if self._caller.remaining:
            notes.append(f"{self._caller.remaining} of the caller's steps were not reached")
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
            notes=tuple(notes),
            verbs=tuple(follower.verbs),
            steps_left=self._caller.remaining,
            record=record,
            gaps=gaps(state.tape),
        )
