"""What one call tells about itself while it goes on: its callbacks, numbered and signed."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Mapping

from bot.phone.twiml import Request, TwimlError
from bot.phone.webhook import Webhooks

from .ledger import Entry
from .meddling import Fate, Meddling
from .recording import Recording
from .resources import API_VERSION

__all__ = ["CallProgress"]

# What SIP answers: https://www.twilio.com/docs/voice/api/call-resource, SipResponseCode.
_SIP = {"completed": "200", "busy": "486", "no-answer": "487", "failed": "404", "canceled": "487"}


class CallProgress:
    """Tells the callbacks of one call, in their order unless somebody meddles.

    Args:
        webhooks: by which they are sent.
        meddling: what happens to them on their way.
        entry: where they are kept account of.
        tasks: in which they are sent; it is over when all are.
        at_once: how many requests all calls together make at a time.
    """

    def __init__(
        self,
        webhooks: Webhooks,
        meddling: Meddling,
        entry: Entry,
        tasks: asyncio.TaskGroup,
        at_once: asyncio.Semaphore,
    ) -> None:
        self._webhooks = webhooks
        self._meddling = meddling
        self._entry = entry
        self._tasks = tasks
        self._at_once = at_once
        self._sequence = 0
        self._recording: Recording | None = None
        self._in_order = asyncio.Lock()

    def step(self, event: str, status: str) -> None:
        """The call has come so far."""
        call = self._entry.call
        if event in call.order.events:
            self._progress(call.identity.progress(status, self._count()), status)

    def record(self, recording: Recording) -> None:
        """The call is recorded: so its end is told with it, and that it is complete."""
        self._recording = recording

    def end(self) -> None:
        """The call is over."""
        if self._recording is not None:
            self._recorded(self._recording)
        call = self._entry.call
        order, status = call.order, call.status
        if "completed" not in order.events:
            return
        more = {"SipResponseCode": _SIP[status]}
        if call.answered_by:
            more["AnsweredBy"] = call.answered_by
        if self._recording is not None:
            more |= self._about(self._recording)
        params = call.identity.end(status, call.duration_s or 0, self._count(), **more)
        self._progress(params, status)

    def verdict(self, params: Mapping[str, str]) -> None:
        """It is known who answered."""
        identity, to = self._entry.call.identity, self._entry.call.order.verdict
        if to is not None:
            whose = {"CallSid": identity.call_sid, "AccountSid": identity.account_sid}
            self._tell(to, {**whose, **params}, "amd")

    def _recorded(self, recording: Recording) -> None:
        identity, to = self._entry.call.identity, self._entry.call.order.recorded
        if to is None:
            return
        whose = {"CallSid": identity.call_sid, "AccountSid": identity.account_sid}
        how = {
            "RecordingStatus": "completed",
            "RecordingChannels": str(recording.channels),
            "RecordingSource": recording.source,
            "RecordingTrack": recording.track,
        }
        self._tell(to, {**whose, **self._about(recording), **how}, "recorded")

    def _about(self, recording: Recording) -> dict[str, str]:
        account = f"{API_VERSION}/Accounts/{self._entry.call.account_sid}"
        return {
            "RecordingSid": recording.sid,
            "RecordingUrl": f"https://api.twilio.com/{account}/Recordings/{recording.sid}",
            "RecordingDuration": str(self._entry.call.duration_s or 0),
        }

    def _count(self) -> int:
        self._sequence += 1
        return self._sequence - 1

    def _progress(self, params: Mapping[str, str], status: str) -> None:
        if (to := self._entry.call.order.status) is not None:
            self._tell(to, params, status)

    def _tell(self, to: Request, params: Mapping[str, str], status: str) -> None:
        at_s, fates = time.time(), list(self._meddling.fates())
        for fate in fates:
            self._entry.told.append((status, at_s, fate.words))
            self._tasks.create_task(self._send(to, params, fate))
        if not fates:
            self._entry.told.append((status, at_s, "dropped"))

    async def _send(self, to: Request, params: Mapping[str, str], fate: Fate) -> None:
        try:
            async with contextlib.nullcontext() if fate.overtakes else self._in_order:
                await asyncio.sleep(fate.after_s)
                async with self._at_once:
                    await self._webhooks.send(to, params)
        except TwimlError as error:
            self._entry.faults.append(str(error))
