"""One simulated call: its first webhook, its end, and what the phone knows of it then."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from bot.dialog.types import Ended
from bot.telephony.address import STATUS_PATH, VOICE_PATH, Address

from .balancer import Balancer
from .caller import Caller
from .clock import PhoneClock
from .config import PhoneConfig
from .events import EventKind, Faults, OnEvent, Traffic
from .exchange import Exchange, LiveCall
from .follower import Follower
from .gaps import gaps
from .identity import CallIdentity
from .measure import latencies, listen
from .record import NoRecord, fetch_record
from .result import CallResult
from .state import CallState
from .steps import Step
from .streams import Streams
from .tape import Tape
from .transcript import read_history, reported_turns
from .twiml import Request, TwimlError
from .webhook import Callbacks, Webhooks

__all__ = ["PhoneConfig", "place_call", "place_call_by"]


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
        self._caller = Caller(steps)
        self._state = CallState(
            PhoneClock(config.speed), self._caller, Tape(), Traffic(), Faults(), on_event
        )
        self._identity = CallIdentity(config.account_sid, config.from_number, config.to_number)
        self.live = LiveCall(self._identity, self._state.clock)

    async def run(self) -> CallResult:
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
            follower = Follower(self._config, self.live, self._state, webhooks, streams)
            ended = await self._live(follower)
            duration_s = self._state.clock.call_s
            self._state.tell(EventKind.ENDED, f"by {ended.by}: {ended.reason}")
            progress = self._identity.progress(self.live.status, duration_s)
            callbacks.post(Request(self._address.url(STATUS_PATH)), progress)
            callbacks.close()
        for failure in callbacks.failures:
            self._state.fault(failure.code, failure.reason)
        return await self._result(ended, duration_s, follower)

    async def _live(self, follower: Follower) -> Ended:
        """The call itself; leaves its last status behind."""
        try:
            async with asyncio.timeout(self._config.max_call_s):
                return await self.live.run(follower.follow, Request(self._address.url(VOICE_PATH)))
        except TimeoutError:
            return Ended("error", f"the call lasted longer than {self._config.max_call_s:g} s")
        except TwimlError as error:
            self._state.fault(error.code, error.reason)
            self.live.over("failed")
            return Ended("error", str(error))
        finally:
            self.live.over()

    async def _result(self, ended: Ended, duration_s: float, follower: Follower) -> CallResult:
        state, history, record = self._state, None, None
        notes = follower.notes
        try:
            record = await fetch_record(
                self._balancer,
                self._config.public_url,
                self._identity.call_sid,
                self._config.api_key,
            )
            history = read_history(record)
        except (NoRecord, ValueError) as error:
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
