"""Many calls at once, each from its first webhook to its last."""

from __future__ import annotations

import asyncio
from time import monotonic

from bot.phone.identity import SIMULATED_ACCOUNT, CallIdentity
from bot.phone.twiml import Connect, Request, TwimlError
from bot.phone.webhook import Webhooks
from bot.telephony.address import STATUS_PATH, VOICE_PATH
from bot.telephony.signature import SIGNATURE_HEADER, sign

from .caller import CallerPhone
from .exchange import Exchange
from .sockets import HandshakeRefused, connect

__all__ = ["Fleet"]

STEP_S = 0.04
"""So long after one call begins, or ends, the next one does."""
CLOSE_S = 5.0
BOTS_NUMBER = "+15550100002"


class Fleet:
    """Calls that begin one after another, go on together, and end one after another.

    Args:
        exchange: where the phones are known.
        webhooks: how the worker is asked.
        url: the worker's address.
        auth_token: what is signed with.
        calls: how many.

    Attributes:
        faults: what went wrong, a line for each call or part of one.
    """

    def __init__(
        self, exchange: Exchange, webhooks: Webhooks, url: str, auth_token: str, calls: int
    ) -> None:
        self._exchange = exchange
        self._webhooks = webhooks
        self._url = url
        self._auth_token = auth_token
        self._calls = calls
        self._begun = 0
        self._all_begun = asyncio.Event()
        self._hang_up = asyncio.Event()
        self.faults: list[str] = []

    async def run(self) -> None:
        """Make the calls; returns when the last one has ended."""
        async with asyncio.TaskGroup() as group:
            for number in range(self._calls):
                group.create_task(self._call(number))

    async def begun(self) -> None:
        """Wait until every call has its stream, or has failed to get one."""
        await self._all_begun.wait()

    def hang_up(self) -> None:
        """End the calls, from the first to the last."""
        self._hang_up.set()

    async def _call(self, number: int) -> None:
        await asyncio.sleep(number * STEP_S)
        who = CallIdentity(SIMULATED_ACCOUNT, f"+1555{number:07}", BOTS_NUMBER)
        phone = CallerPhone(self._exchange.line, number, self._calls)
        self._exchange.add(phone)
        try:
            verb = await self._answer(who, phone)
            self._count()
            began_s = monotonic()
            await self._hang_up.wait()
            await asyncio.sleep(number * STEP_S)
            await self._end(who, phone, verb, monotonic() - began_s)
        except (TwimlError, HandshakeRefused, OSError) as error:
            self._fail(number, str(error) or type(error).__name__)
            self._count()
        finally:
            phone.fall_silent()
            phone.abort()

    async def _answer(self, who: CallIdentity, phone: CallerPhone) -> Connect:
        """Call the bot, and open the stream that it asks for.

        Raises:
            TwimlError, HandshakeRefused, OSError: it did not answer as it should.
        """
        voice = Request(self._url + VOICE_PATH)
        verbs = await self._webhooks.fetch(voice, who.webhook("ringing"))
        connects = [verb for verb in verbs if isinstance(verb, Connect)]
        if not connects:
            answer = ", ".join(type(verb).__name__ for verb in verbs)
            raise HandshakeRefused(f"the call was answered with {answer}")
        stream = connects[0].stream
        await connect(phone, stream.url, {SIGNATURE_HEADER: sign(self._auth_token, stream.url)})
        phone.begin(who.account_sid, who.call_sid, stream.parameters)
        if stream.status is not None:
            started = who.stream(phone.stream_sid, stream.name, "stream-started")
            await self._webhooks.send(stream.status, started)
        return connects[0]

    async def _end(
        self, who: CallIdentity, phone: CallerPhone, verb: Connect, duration_s: float
    ) -> None:
        """Hang up, and tell the worker what Twilio tells it then.

        Raises:
            TwimlError: it did not take that.
        """
        if phone.gone.is_set():
            self._fail(phone.number, "the stream was lost")
        phone.stop()
        try:
            async with asyncio.timeout(CLOSE_S):
                await phone.gone.wait()
        except TimeoutError:
            phone.abort()
            self._fail(phone.number, "the stream was not closed after its end")
        if verb.action is not None:
            await self._webhooks.send(verb.action, who.webhook("completed"))
        if verb.stream.status is not None:
            stopped = who.stream(phone.stream_sid, verb.stream.name, "stream-stopped")
            await self._webhooks.send(verb.stream.status, stopped)
        status = Request(self._url + STATUS_PATH)
        await self._webhooks.send(status, who.end("completed", duration_s))

    def _count(self) -> None:
        """One more call has begun; or has failed, also if it had begun before."""
        self._begun += 1
        if self._begun >= self._calls:
            self._all_begun.set()

    def _fail(self, number: int, fault: str) -> None:
        self.faults.append(f"call {number}: {fault}")
