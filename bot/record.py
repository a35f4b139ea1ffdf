"""A call's record: what Redis keeps of a call and `GET /api/calls/{sid}` shows."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Literal

import orjson

from .dialog.types import Ended, HistoryEntry
from .telephony.decision import TERMINAL

__all__ = ["Record", "known_fields", "now_ms"]

VERSION = 1


def now_ms() -> int:
    """The wall clock, in milliseconds since the epoch: the unit of every time in a record."""
    return time.time_ns() // 1_000_000


def known_fields(kind: type, values: Mapping[str, Any]) -> dict[str, Any]:
    """Of what another version of Parley may have written of a dataclass, what this one knows."""
    names = {item.name for item in fields(kind)}
    return {name: value for name, value in values.items() if name in names}


@dataclass(slots=True)
class Record:
    """One call, from its first webhook to its end.

    Attributes:
        started_ms, answered_ms, ended_ms: milliseconds since the epoch; answered is when the first
            stream began. (Times in `history` count from there.)
        status: Twilio's word for where the call is, such as `in-progress`.
        generation: number of the stream that owns the call; 0 before the first. The store refuses
            what an older generation writes.
        worker: who holds the call; None when nobody does.
        providers: names of what is, or was last, used: `stt`, `tts`, `vad`.
        switches: for each of the last times that another recognizer or synthesizer took over: its
            `kind`, the names `before` and `after`, `at_ms` on the call's clock, and the `reason`.
        usage: by `stt:NAME` and `tts:NAME` the `amount` used, ms of audio or characters, and what
            that costs in `usd` by the list of the day in `priced`, when the price is known.
        state: the dialog's own JSON values; while a hook answers, those from before it.
        turns: how many turns were handed to the dialog; the last one's number is in its id.
        open_turn: a finished turn that the dialog has not answered whole.
        open_keys: touch tones, as they are given to `on_dtmf`, that it has not answered whole.
        planned: the action with which the reply being spoken ends.
        pending: the action that `/twilio/next` is to take when the stream has ended.
        speaking_from_ms: since when the caller has been speaking, on the call's clock; None when
            all that was said is in a turn.
        gathering: the `Gather` in progress, and what was `pressed` of it.
        expected: the phrases that the recognizer was told to expect.
        speaks: the `language` and `voice` that the dialog chose last.
        left_ms: when the last stream ended in an orderly way, in milliseconds since the epoch; None
            while one runs, and when it was lost with its worker.
        answered_by: what answered an outbound call, in Twilio's word.
        campaign, attempt: ids of the campaign, and of the attempt that this call is, or calls back;
            None for every other call.
        do_not_call: the person has asked never to be called again.
        call_back_s: the person has asked to be called so many seconds later; None has not.
        voicemail: how far the bot has got with a machine that has answered: `waiting` for its
            greeting's end, leaving the `message`, or `over`; None as long as it talks to a human.
        message_left: the bot has left its campaign's message on a voicemail: at least four fifths
            of it were heard.
        counters: marks, clears, frames and the like; `gaps` and `lost_ms` are the breaks between
            streams and how long they took together.
        latencies: for each answer, in ms, from the last speech to the finished turn
            (`endpointing_ms`) and from there to the first audio sent (`reply_ms`).
        recordings: where the recordings are, one for each stream that was recorded.
        notes: what went wrong or was left out, in words without transcripts.
        version: of this shape.
    """

    sid: str
    account_sid: str = ""
    from_number: str = ""
    to_number: str = ""
    direction: Literal["inbound", "outbound"] = "inbound"
    parameters: dict[str, str] = field(default_factory=dict)
    status: str = "ringing"
    generation: int = 0
    worker: str | None = None
    stream_sid: str | None = None
    started_ms: int = field(default_factory=now_ms)
    answered_ms: int | None = None
    ended_ms: int | None = None
    ended: Ended | None = None
    dialog: str = ""
    language: str = "en-US"
    providers: dict[str, str] = field(default_factory=dict)
    switches: list[dict[str, Any]] = field(default_factory=list)
    usage: dict[str, dict[str, Any]] = field(default_factory=dict)
    history: list[HistoryEntry] = field(default_factory=list)
    state: dict[str, Any] = field(default_factory=dict)
    turns: int = 0
    open_turn: dict[str, Any] | None = None
    open_keys: list[str] = field(default_factory=list)
    planned: dict[str, Any] | None = None
    pending: dict[str, Any] | None = None
    speaking_from_ms: int | None = None
    gathering: dict[str, Any] | None = None
    expected: list[str] = field(default_factory=list)
    speaks: dict[str, Any] | None = None
    left_ms: int | None = None
    answered_by: str | None = None
    campaign: str | None = None
    attempt: str | None = None
    do_not_call: bool = False
    call_back_s: int | None = None
    voicemail: Literal["waiting", "message", "over"] | None = None
    message_left: bool = False
    counters: dict[str, int] = field(default_factory=dict)
    latencies: list[dict[str, float]] = field(default_factory=list)
    recordings: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    version: int = VERSION

    @property
    def by_campaign(self) -> bool:
        """Whether a campaign has made the call."""
        return self.attempt is not None and self.direction == "outbound"

    def close(self, ended: Ended) -> None:
        """The call has ended so; the first to say it counts."""
        self.ended = self.ended or ended
        self.ended_ms = self.ended_ms or now_ms()
        if self.status not in TERMINAL:
            self.status = self.ended.reason if self.ended.reason in TERMINAL else "completed"

    def to_json(self) -> bytes:
        """The record as JSON: what Redis keeps and the API shows.

        Raises:
            TypeError: the state holds what JSON cannot.
        """
        return orjson.dumps(self)

    @classmethod
    def from_json(cls, text: bytes) -> Record:
        """Read what `to_json` wrote, by this version of Parley or, field by field, another.

        Raises:
            ValueError: it is no record.
        """
        values = orjson.loads(text)
        if not isinstance(values, dict) or "sid" not in values:
            raise ValueError("not a call's record")
        known = known_fields(cls, values)
        known["version"] = VERSION
        known["history"] = [
            HistoryEntry(**known_fields(HistoryEntry, entry)) for entry in known.get("history", ())
        ]
        if known.get("ended") is not None:
            known["ended"] = Ended(**known_fields(Ended, known["ended"]))
        return cls(**known)
