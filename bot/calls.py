"""The calls of this worker: from a proven stream to the call's end.

A stream's end is not a call's end. A call ends at the first of: Twilio says so (`end`), or its
stream has ended and Twilio did not come back to `/twilio/next` within 10 s (`run`). Then the
dialog's `on_end` runs, once over all workers.
"""

from __future__ import annotations

import asyncio

import structlog

from bot.dialog import Ended
from bot.ears import Ears
from bot.inbox import Command
from bot.live_call import LiveCall, LiveCalls
from bot.log import bind_call
from bot.metrics import Metrics
from bot.parts import Counts, Socket, StreamEnd
from bot.reaching import action_of
from bot.record import Record, now_ms
from bot.store import Store, StoreError
from media.messages import Start

__all__ = ["Calls"]

log = structlog.get_logger(__name__)

RETURN_DEADLINE_S = 10.0
"""How long after its stream's end a call may stay away from `/twilio/next`."""
EXPECT_S = 10.0
"""How long a place is kept for the stream of a call that was answered with one."""
SWEEP_S = 1.0
END_HOOK_DEADLINE_S = 10.0
MAX_TOLD = 1000
GOING_AWAY = 1001  # RFC 6455, section 7.4.1
INTERNAL_ERROR = 1011


class Calls:
    """Carries calls, and ends them once.

    Args:
        makes: makes the live calls and their sessions.
        ears: whose work is counted.
    """

    def __init__(self, makes: LiveCalls, store: Store, ears: Ears, metrics: Metrics) -> None:
        self._makes = makes
        self._store = store
        self._ears = ears
        self._metrics = metrics
        self.draining = False
        self._live: dict[str, LiveCall] = {}
        # Until when (the loop's time) a place is kept for the call's stream.
        self._expected: dict[str, float] = {}
        self._ending: set[str] = set()
        # Ended while Redis was away, which is to know it before anybody else tells the dialog too.
        self._told: dict[str, Ended] = {}

    @property
    def active(self) -> int:
        """How many calls have a stream here, or may have one in a moment."""
        now_s = asyncio.get_running_loop().time()
        self._expected = {sid: until for sid, until in self._expected.items() if until > now_s}
        streams = {sid for sid, live in self._live.items() if live.session is not None}
        return len(streams | self._expected.keys())

    def expect(self, sid: str) -> None:
        """The call was answered with a stream, which may come here: keep it a place for a while."""
        self._expected[sid] = asyncio.get_running_loop().time() + EXPECT_S

    @property
    def awaited(self) -> int:
        """Calls whose stream has ended here, and of which Twilio has not been back yet."""
        return sum(
            live.gone_since_s is not None and not live.returned for live in self._live.values()
        )

    async def move(self) -> None:
        """Close every stream so that its call goes on at another worker."""
        self._expected.clear()
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
            LookupError: the call has no stream here, or it cannot be done.
        """
        live = self._live.get(command.sid)
        if live is None or live.session is None:
            raise LookupError("the call has no stream here")
        if command.kind == "amd":
            live.record.answered_by = command.answered_by
            live.keeper.save()
        elif not await live.session.leave_now(action_of(command)):
            raise LookupError("it can be neither stored nor done by REST")

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
            self._expected.pop(record.sid, None)
            before = self._live.get(record.sid)
            if before is not None and before.session is not None:
                before.session.stop("superseded by a newer stream")
            live = self._try_to_resume(record, silent_ms)
            if live is None:
                self._store.release(record.sid)
                await socket.close(INTERNAL_ERROR)
                return
            self._live[record.sid] = live
            live.returned = False
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
                self._count(live.session.counts, live.record.providers)
            live.session = None
            live.note_recording()
            live.record.left_ms = now_ms()
            live.keeper.save()
            log.info("stream ended", how=live.stream_end.how, reason=live.stream_end.reason)

    def superseded(self, sid: str, generation: int | None = None) -> None:
        """A newer stream, on another worker, owns the call: ours must end, and writes no more.

        With `generation`, of the stream that was asked about, nothing happens to a newer one that
        has come here meanwhile.
        """
        live = self._live.get(sid)
        if live is None or live.record.generation > (generation or live.record.generation):
            return
        del self._live[sid]
        if live.session is not None:
            live.session.stop("superseded")

    async def end(self, sid: str, ended: Ended, generation: int | None = None) -> None:
        """The call has ended: tell the dialog, once over all workers. May be told repeatedly.

        Args:
            sid: the call's.
            ended: how.
            generation: of the stream from whose end it is concluded; a newer one belies it. None
                when Twilio itself has said so.
        """
        if sid in self._ending:
            return
        self._ending.add(sid)
        try:
            await self._end_once(sid, ended, generation)
        finally:
            self._ending.discard(sid)

    async def _end_once(self, sid: str, ended: Ended, generation: int | None) -> None:
        try:
            first = await self._store.finish(sid, ended, generation)
            first = first and self._told.pop(sid, None) is None
            record = await self._store.load(sid) if sid not in self._live else None
        except StoreError:
            # Redis is away: what this worker knows itself has to do.
            first, record = sid in self._live, None
            if first:
                self._told[sid] = ended
                while len(self._told) > MAX_TOLD:
                    del self._told[next(iter(self._told))]
        live = self._live.pop(sid, None)
        if first and live is None and record is not None:
            live = self._try_to_resume(record)
        if live is not None:
            if live.session is not None:
                live.session.stop("the call has ended")
            async with live.stream:
                await self._end(live, ended, tell=first)

    async def run(self) -> None:
        """End the calls that Twilio does not come back for, as long as the worker runs."""
        windows = 0
        async with asyncio.TaskGroup() as group:
            while True:
                await asyncio.sleep(SWEEP_S)
                self._metrics.vad_windows.inc(self._ears.windows - windows)
                windows = self._ears.windows
                await self._settle_told()
                now_s = asyncio.get_running_loop().time()
                for sid, live in list(self._live.items()):
                    gone_s = live.gone_since_s
                    if gone_s is not None and now_s - gone_s > RETURN_DEADLINE_S:
                        # In a task of its own: each may wait for Redis, and for the dialog. Its
                        # time begins anew, so that the next sweep does not let it go once more.
                        live.gone_since_s = now_s
                        group.create_task(self._try_to_let_go(sid, live))

    async def _settle_told(self) -> None:
        """Let Redis, when it is back, know of calls that have ended meanwhile."""
        for sid, ended in list(self._told.items()):
            try:
                await self._store.finish(sid, ended)
            except StoreError:
                return
            self._told.pop(sid, None)

    async def _try_to_let_go(self, sid: str, live: LiveCall) -> None:
        try:
            await self._let_go(sid, live)
        except Exception as error:
            # One call's fault must not keep the others from ending.
            log.error("call could not be let go", call_sid=sid, exc_info=error)

    async def _let_go(self, sid: str, live: LiveCall) -> None:
        """A call's stream ended a while ago: if nobody has seen the call since, it has ended."""
        elsewhere = await self._is_elsewhere(live)
        if live.gone_since_s is None:
            return  # it has just come back
        if not (live.returned or _is_transferred(live.record) or elsewhere):
            await self.end(sid, _ended_silently(live.stream_end), live.record.generation)
        elif live.session is None and self._live.pop(sid, None) is not None:
            # It goes on elsewhere, or without a stream: whoever hears of its end ends it.
            self._store.release(sid)

    async def _is_elsewhere(self, live: LiveCall) -> bool:
        """Whether others have seen the call since, while we slept perhaps."""
        try:
            record = await self._store.load(live.record.sid)
        except StoreError:
            return False
        if record is None:
            return False
        return record.generation > live.record.generation or _is_transferred(record)

    def _try_to_resume(self, record: Record, silent_ms: int | None = None) -> LiveCall | None:
        try:
            return self._makes.resume(record, self._live.get(record.sid), silent_ms)
        except Exception as error:
            # The user's code, which makes a dialog for each call.
            log.error("dialog cannot be made", exc_info=error)
            return None

    async def _end(self, live: LiveCall, ended: Ended, *, tell: bool) -> None:
        record = live.record
        with bind_call(record.sid):
            if tell:
                self._metrics.calls.labels(ended.by).inc()
                log.info("call ended", by=ended.by, reason=ended.reason)
                await self._tell(live, ended)
            record.close(ended)
            live.keeper.save()
            self._store.release(record.sid)

    async def _tell(self, live: LiveCall, ended: Ended) -> None:
        try:
            async with asyncio.timeout(END_HOOK_DEADLINE_S):
                await live.dialog.on_end(live.call, ended)
        except Exception as error:
            # The user's code, after the call: nobody hears it, but it must be known.
            log.error("dialog failed at the call's end", exc_info=error)
            self._metrics.hook_errors.labels("on_end").inc()

    def _count(self, counts: Counts, providers: dict[str, str]) -> None:
        metrics = self._metrics
        metrics.frames.labels("in").inc(counts.frames_in)
        metrics.frames.labels("out").inc(counts.media_out)
        metrics.barge_ins.inc(counts.barge_ins)
        metrics.turns.inc(counts.turns)
        metrics.protocol_errors.inc(counts.bad_messages)
        metrics.hook_errors.labels("turn").inc(counts.hook_errors)
        metrics.provider_errors.labels(providers["stt"]).inc(counts.stt_errors)
        metrics.provider_errors.labels(providers["tts"]).inc(counts.tts_errors)
        for latency in counts.latencies:
            metrics.response_seconds.observe((latency.endpointing_ms + latency.reply_ms) / 1000)


def _is_transferred(record: Record) -> bool:
    return (record.pending or {}).get("action") == "transfer"


def _ended_silently(end: StreamEnd | None) -> Ended:
    """How a call ended of which Twilio said nothing more after its stream."""
    if end is None:
        return Ended("unknown", "no stream")
    match end.how:
        case "stop":
            return Ended("caller", "hung up")
        case "bot":
            return Ended("bot", end.reason)
        case "error":
            return Ended("error", end.reason)
        case _:
            return Ended("unknown", end.reason)
