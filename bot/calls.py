"""The calls of this worker: from a proven stream to the call's end (`bot.ends`)."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable

import structlog

from bot.campaign.ending import Endings
from bot.dialog import Ended
from bot.ends import Ends
from bot.inbox import ORDER_S, Command, CommandFailed
from bot.live_call import LiveCall, LiveCalls
from bot.log import bind_call
from bot.metrics import Metrics
from bot.numbers import BotSettings
from bot.parts import Counts, Socket, StreamEnd
from bot.places import Places
from bot.reaching import action_of
from bot.record import Record, now_ms
from bot.store import Store
from media.messages import Start
from providers.ears import Ears

__all__ = ["Calls"]

log = structlog.get_logger(__name__)

SWEEP_S = 1.0
GOING_AWAY = 1001  # RFC 6455, section 7.4.1
INTERNAL_ERROR = 1011


class Calls:
    """Carries calls, and ends them once.

    Args:
        makes: makes the live calls and their sessions.
        ears: whose work is counted.
        endings: who tells campaigns of their calls' ends; None without campaigns.
        most: how many calls the worker takes at a time.
        sessions: how many streams each recognizer has that are of no call.
    """

    def __init__(
        self,
        makes: LiveCalls,
        store: Store,
        ears: Ears,
        metrics: Metrics,
        endings: Endings | None = None,
        *,
        most: int,
        sessions: Callable[[], Counter[str]] = Counter,
    ) -> None:
        self._makes = makes
        self._store = store
        self._ears = ears
        self._metrics = metrics
        self.draining = False
        self._live: dict[str, LiveCall] = {}
        self._places = Places(self._live, makes, most, sessions)
        # What is not live yet, of which others may have something to tell.
        self._coming: dict[str, Record] = {}
        self._ends = Ends(self._live, makes, store, metrics, endings)

    @property
    def active(self) -> int:
        """How many calls have a stream here, or may have one in a moment."""
        return self._places.active

    @property
    def recognizing(self) -> Counter[str]:
        """As `Places.recognizing`."""
        return self._places.recognizing

    def recognizer_full(self, bot: BotSettings) -> bool:
        """As `Places.recognizer_full`."""
        return self._places.recognizer_full(bot)

    @property
    def capacity(self) -> int:
        """How many calls the worker takes at a time, those that it has included: none when it is
        about to stop."""
        return 0 if self.draining else self._places.capacity

    @property
    def beside_campaigns(self) -> int:
        """Of the active calls those that no campaign has dialled."""
        return self._places.beside_campaigns

    def expect(self, sid: str, bot: BotSettings, *, dialled: bool = False) -> None:
        """The call was answered with a stream, which may come here: keep it a place for a while.

        `dialled` by a campaign, which has counted it.
        """
        self._places.expect(sid, bot, dialled=dialled)

    @property
    def awaited(self) -> int:
        """Calls whose stream has ended here, and of which Twilio has not been back yet."""
        return sum(
            live.gone_since_s is not None and not live.returned for live in self._live.values()
        )

    async def move(self) -> None:
        """Close every stream so that its call goes on at another worker."""
        self._places.give_up_all()
        streams = [live for live in self._live.values() if live.session is not None]
        async with asyncio.TaskGroup() as group:
            for live in streams:
                group.create_task(self._move(live))

    async def _move(self, live: LiveCall) -> None:
        session = live.session
        if session is None:
            return  # it has just ended
        if not await session.move():
            # The worker stops all the same, and the record may still be written.
            session.stop("moved")
        async with live.stream:
            pass

    async def command(self, command: Command) -> None:
        """Carry out what somebody outside the call wants.

        Raises:
            LookupError: the call has no stream here, or not any more.
            CommandFailed: it can be neither stored nor done by REST.
        """
        live = self._live.get(command.sid)
        if command.kind == "amd" and command.answered_by is not None:
            if (coming := self._coming.get(command.sid)) is not None:
                coming.answered_by = command.answered_by
            if live is not None:
                live.record.answered_by = command.answered_by
        if live is None or live.session is None:
            raise LookupError("the call has no stream here")
        if command.kind == "amd":
            live.session.answered(live.record.answered_by or "unknown")
            live.keeper.save()
            return
        way = await live.session.leave_now(action_of(command), ORDER_S)
        if way == "superseded":
            raise LookupError("a newer stream, elsewhere, owns the call")
        if way == "none":
            raise CommandFailed("it can be neither stored nor done by REST")

    def held(self) -> dict[str, int]:
        """The streams that are here: the generation of each by the call's SID."""
        return {
            sid: live.record.generation
            for sid, live in self._live.items()
            if live.session is not None
        }

    def holds(self, sid: str) -> bool:
        """Whether this worker keeps the call's record."""
        return sid in self._live

    def latest(self, sid: str) -> int | None:
        """Number of the latest stream here of a call whose record this worker keeps, else None."""
        live = self._live.get(sid)
        return None if live is None else live.record.generation

    def came_back(self, sid: str) -> None:
        """Twilio has asked what comes next in the call: it is alive."""
        if (live := self._live.get(sid)) is not None:
            live.returned = True

    async def carry(
        self, socket: Socket, start: Start, record: Record, silent_ms: int | None = None
    ) -> None:
        """Carry a call whose stream was proved, until the stream ends.

        `silent_ms` says how long ago the worker that had the call before gave its last sign of
        life; None when nobody had it.
        """
        with bind_call(start.call_sid):
            self._coming[record.sid] = record
            try:
                await self._makes.prepare(record)
            finally:
                if self._coming.get(record.sid) is record:  # else a newer stream has come
                    del self._coming[record.sid]
            self._places.give_up(record.sid)
            before = self._live.get(record.sid)
            if before is not None and before.record.generation > record.generation:
                # While a dialog was loaded, Twilio has opened another stream.
                await socket.close(GOING_AWAY)
                return
            if before is not None and before.session is not None:
                before.session.stop("superseded by a newer stream")
            live = self._makes.try_to_resume(record, before, silent_ms)
            if live is None:
                self._store.release(record.sid)
                await socket.close(INTERNAL_ERROR)
                return
            self._live[record.sid] = live
            live.returned = live.doubtful = False
            generation = live.record.generation
            async with live.stream:
                # While the stream before it ended, the call may have, or a newer one have come.
                if self._live.get(record.sid) is live and live.record.generation == generation:
                    await self._carry(socket, start, live)
                else:
                    await socket.close(GOING_AWAY)

    async def _carry(self, socket: Socket, start: Start, live: LiveCall) -> None:
        live.gone_since_s = None
        live.stream_end = StreamEnd("error", "internal error")
        self._metrics.calls_active.inc()
        log.info("stream started", stream_sid=start.stream_sid)
        try:
            live.session = self._makes.session(socket, start, live)
            live.stream_end = await live.session.run()
        except Exception as error:
            # A fault of ours: Twilio comes back to `next`, and the call goes on from the store.
            log.error("call session failed", exc_info=error)
            await socket.close(INTERNAL_ERROR)
        finally:
            self._metrics.calls_active.dec()
            live.gone_since_s = asyncio.get_running_loop().time()
            if live.session is not None:
                self._count(live.session.counts)
            live.session = None
            live.note_recording()
            live.record.left_ms = now_ms()
            live.keeper.save()
            log.info("stream ended", how=live.stream_end.how, reason=live.stream_end.reason)

    def superseded(self, sid: str, generation: int) -> None:
        """A newer stream than that of `generation` owns the call: ours ends, and writes no more.

        Nothing happens to a newer one that has come here meanwhile.
        """
        live = self._live.get(sid)
        if live is None or live.record.generation > generation:
            return
        del self._live[sid]
        if live.session is not None:
            live.session.stop("superseded")

    async def end(self, sid: str, ended: Ended, generation: int | None = None) -> None:
        """As `Ends.end`."""
        self._places.give_up(sid)
        await self._ends.end(sid, ended, generation)

    async def conclude(self) -> None:
        """As `Ends.conclude`."""
        await self._ends.conclude()

    async def run(self) -> None:
        """End the calls that Twilio does not come back for, as long as the worker runs."""
        windows = failures = 0
        async with asyncio.TaskGroup() as group:
            while True:
                await asyncio.sleep(SWEEP_S)
                self._metrics.tasks.set(len(asyncio.all_tasks()))
                self._metrics.vad_windows.inc(self._ears.windows - windows)
                windows = self._ears.windows
                self._metrics.vad_event_errors.inc(self._ears.callback_errors - failures)
                failures = self._ears.callback_errors
                await self._ends.sweep(group)

    def _count(self, counts: Counts) -> None:
        metrics = self._metrics
        metrics.frames.labels("in").inc(counts.frames_in)
        metrics.frames.labels("out").inc(counts.media_out)
        metrics.barge_ins.inc(counts.barge_ins)
        for barge_in_ms in counts.barge_ins_ms:
            metrics.barge_in_seconds.observe(barge_in_ms / 1000)
        metrics.turns.inc(counts.turns)
        metrics.protocol_errors.inc(counts.bad_messages)
        for hook, failures in counts.failed_hooks.items():
            metrics.hook_errors.labels(hook).inc(failures)
        for failed, failures in counts.provider_errors.items():
            metrics.provider_errors.labels(*failed).inc(failures)
        for switch, times in counts.switches.items():
            metrics.provider_switches.labels(*switch).inc(times)
        metrics.unheard_seconds.inc(counts.unheard_ms / 1000)
        for latency in counts.latencies:
            metrics.response_seconds.observe((latency.endpointing_ms + latency.reply_ms) / 1000)
