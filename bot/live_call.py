"""A call as this worker carries it, and how it is joined from a record, a dialog and engines."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field

import structlog

from bot.call import CallSession
from bot.campaign.calls import CampaignCalls
from bot.dialog import Call, Gap, SendDigits, Transfer
from bot.dialog.hook import Dialog, DialogFactory
from bot.disk import Disk
from bot.engines import Engines, tts_options
from bot.keeping import RecordKeeper
from bot.numbers import BotSettings
from bot.parts import ActNow, CallParts, Counts, Socket, StreamEnd
from bot.progress import Progress
from bot.record import Record, now_ms
from bot.recording import CallRecording
from bot.settings import Settings
from bot.store import Store
from bot.telephony.answers import DIAL_STATUS_PARAMETER
from bot.telephony.identity import CallIdentity
from bot.telephony.orders import Orders
from bot.telephony.pending import Move, load_pending
from bot.turn import TurnSettings
from bot.voicemail import VoicemailPolicy
from media.messages import Start
from providers.ears import Ears
from providers.fallback import Fallback
from providers.types import SttOptions, SttProvider, TtsOptions, TtsProvider

__all__ = ["LiveCall", "LiveCalls"]

log = structlog.get_logger(__name__)


@dataclass(slots=True)
class LiveCall:
    """A call that this worker carries, or has carried a moment ago.

    `stream` is held by whoever may change the record: one stream at a time, then the call's end.
    `gap` is the break before the present stream. A call that was lost while Redis was away is
    `doubtful`: Twilio may have asked another worker.
    """

    record: Record
    call: Call
    dialog: Dialog
    keeper: RecordKeeper
    greeted: bool = False
    gap: Gap | None = None
    stream: asyncio.Lock = field(default_factory=asyncio.Lock)
    session: CallSession | None = None
    recording: CallRecording | None = None
    stream_end: StreamEnd | None = None
    gone_since_s: float | None = None
    returned: bool = False
    doubtful: bool = False

    def note_recording(self) -> None:
        """Note in the record that the recording failed, if it did."""
        if self.recording is not None and (failure := self.recording.failure):
            self.record.notes.append(f"recording given up: {failure}")


class LiveCalls:
    """Makes live calls from their records, and the sessions of their streams.

    Args:
        worker_id: who we are, in the store.
        dialogs: by the name in `PARLEY_DIALOG`: what makes a call's dialog.
        orders: what a call is told by REST; None without credentials.
        campaigns: what campaigns have to do with calls; None without campaigns.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        worker_id: str,
        store: Store,
        ears: Ears,
        engines: Engines,
        dialogs: Mapping[str, DialogFactory],
        disk: Disk,
        orders: Orders | None = None,
        campaigns: CampaignCalls | None = None,
    ) -> None:
        self._settings = settings
        self._worker_id = worker_id
        self._store = store
        self._ears = ears
        self._engines = engines
        self._dialogs = dialogs
        self._disk = disk
        self._orders = orders
        self._campaigns = campaigns

    async def prepare(self, record: Record) -> None:
        """Look up what `resume` needs of a campaign's call."""
        if self._campaigns is not None:
            await self._campaigns.prepare(record)

    def resume(self, record: Record, live: LiveCall | None, silent_ms: int | None) -> LiveCall:
        """The live call of a record: `live`, which is here, unless another worker had it since.

        Args:
            silent_ms: how long ago the worker that had the call before gave its last sign of life;
                None when nobody had it.

        Raises:
            Exception: whatever the user's code does, which makes a dialog for each call.
        """
        if live is not None and record.generation == live.record.generation + 1:
            live.record.generation = record.generation
            live.greeted |= _was_greeted(live.record)
            live.gap = _gap(live.record, silent_ms)
            live.record.pending = None
            return live
        greeted, gap = _was_greeted(record), _gap(record, silent_ms)
        record.pending = None
        bot = self._bot(record)
        call = Call(
            sid=record.sid,
            from_number=record.from_number,
            to_number=record.to_number,
            direction=record.direction,
            parameters=record.parameters,
            # A record without a dialog was made without `voice`: Redis was away.
            language=record.language if record.dialog else bot.language,
            history=record.history,
            state=record.state,
        )
        keeper = RecordKeeper(self._store, record, call, Counts())
        return LiveCall(record, call, self._dialog(record, bot), keeper, greeted, gap)

    def _dialog(self, record: Record, bot: BotSettings) -> Dialog:
        if self._campaigns is None:
            return self._dialogs[bot.dialog]()
        return self._campaigns.dialog(record, bot.dialog)

    def try_to_resume(
        self, record: Record, live: LiveCall | None = None, silent_ms: int | None = None
    ) -> LiveCall | None:
        """As `resume`; None, which is logged, when the user's code fails."""
        try:
            return self.resume(record, live, silent_ms)
        except Exception as error:
            log.error("dialog cannot be made", exc_info=error)
            return None

    def capacity(self, others: Mapping[str, int]) -> int | None:
        """As `Engines.capacity`."""
        return self._engines.capacity(others)

    def free_recognizer(self, bot: BotSettings, taken: Mapping[str, int]) -> str | None:
        """As `Engines.free_recognizer`."""
        return self._engines.free_recognizer(bot, taken)

    def _bot(self, record: Record) -> BotSettings:
        return self._settings.bot_for(CallIdentity.of_record(record).own_number)

    def session(self, socket: Socket, start: Start, live: LiveCall) -> CallSession:
        """The session of a live call's new stream."""
        record, bot = live.record, self._bot(live.record)
        counts = Counts()
        progress = Progress.of(record)
        live.keeper = RecordKeeper(self._store, record, live.call, counts, progress)
        stt, tts = self._engines.stt(bot), self._engines.tts(bot)
        self._note_stream(record, start)
        if record.attempt is None or not record.dialog:
            record.dialog = bot.dialog
        # The recognizer and the synthesizer that are used tell it themselves.
        suited = stt.ranked(lambda one: one.capabilities.understands(live.call.language))
        first = {"stt": (suited or stt.ranked())[0].name, "tts": tts.ranked()[0].name}
        record.providers = {**first, "vad": self._ears.model.name}
        live.recording = self._open_recording(record)
        parts = self._parts(live, bot, stt, tts, counts, progress)
        session = CallSession(socket, start.stream_sid, parts)
        live.keeper.save()
        return session

    def _note_stream(self, record: Record, start: Start) -> None:
        """Note in the record that the call has this stream now, and has it here."""
        _note_transfer(record, start)
        record.answered_ms = record.answered_ms or now_ms()
        record.status = "in-progress"
        record.worker = self._worker_id
        record.stream_sid = start.stream_sid
        record.left_ms = None

    def _parts(
        self,
        live: LiveCall,
        bot: BotSettings,
        stt: Fallback[SttProvider],
        tts: Fallback[TtsProvider],
        counts: Counts,
        progress: Progress,
    ) -> CallParts:
        record, language = live.record, live.call.language
        return CallParts(
            call=live.call,
            dialog=live.dialog,
            ears=self._ears,
            stt=stt,
            tts=tts,
            stt_options=SttOptions(language=language),
            stt_chunk_ms=self._settings.stt_chunk_ms,
            tts_hedge_ms=self._settings.tts_hedge_ms,
            tts_options=_voice(progress, language, tts_options(bot)),
            turn_settings=_turn_settings(self._settings),
            keeper=live.keeper,
            counts=counts,
            progress=progress,
            apology=self._engines.apology(bot),
            farewell=self._engines.farewell(bot),
            hook_timeout_s=self._settings.hook_timeout_s,
            fallback_number=None if record.by_campaign else bot.fallback_number,
            recording=live.recording,
            resuming=live.greeted,
            gap=live.gap,
            act_now=self._act_now(record),
            answered_by=record.answered_by,
            voicemail=self._voicemail(record),
            began_ms=now_ms() - (record.answered_ms or now_ms()),
        )

    def _act_now(self, record: Record) -> ActNow | None:
        orders = self._orders
        return None if orders is None else lambda action: orders.try_to_give(record, action)

    def _voicemail(self, record: Record) -> VoicemailPolicy | None:
        """What the campaign that has made the call wants a machine to get."""
        spec = None if self._campaigns is None else self._campaigns.spec(record)
        if spec is None or record.direction == "inbound":
            return None
        return VoicemailPolicy(spec.voicemail, spec.message_after, spec.message)

    def _open_recording(self, record: Record) -> CallRecording | None:
        folder = self._settings.recordings
        if folder is None:
            return None
        path = folder / f"{record.sid}-{record.generation}.wav"
        record.recordings.append(str(path))
        return CallRecording(self._disk.open(path))


def _turn_settings(settings: Settings) -> TurnSettings:
    """The thresholds of turn-taking that the settings name."""
    return TurnSettings(
        endpointing_ms=settings.endpointing_ms,
        barge_in_ms=settings.barge_in_ms,
        idle_ms=settings.idle_s * 1000,
        max_duration_ms=settings.max_duration_s * 1000,
    )


def _note_transfer(record: Record, start: Start) -> None:
    """Let the dialog see why it has the caller back, if it had transferred the call."""
    record.parameters.pop(DIAL_STATUS_PARAMETER, None)
    if (status := start.parameters.get(DIAL_STATUS_PARAMETER)) is not None:
        record.parameters[DIAL_STATUS_PARAMETER] = status


def _gap(record: Record, silent_ms: int | None) -> Gap | None:
    """The break before a call's new stream; None before the first, and if the bot asked for it."""
    if record.answered_ms is None:
        return None
    if isinstance(load_pending(record.pending), SendDigits | Transfer):
        return None
    if record.left_ms is not None:
        silent_ms = now_ms() - record.left_ms
    return Gap(max(silent_ms or 0, 0), record.speaking_from_ms is not None)


def _was_greeted(record: Record) -> bool:
    """Whether a call has got so far that a new stream is to go on rather than to begin."""
    asked = record.open_turn is not None or bool(record.open_keys)
    # Of its own accord the worker moves a call at any time, be it before the first word.
    left = not isinstance(load_pending(record.pending), Move | None)
    return bool(record.history) or asked or left


def _voice(progress: Progress, language: str, options: TtsOptions) -> TtsOptions:
    """The voice that the dialog has chosen, else the bot's, if it speaks the call's language."""
    chosen = progress.speaks
    if chosen is not None:
        return TtsOptions(language=chosen.language, voice=chosen.voice)
    return options if language == options.language else TtsOptions(language=language)
