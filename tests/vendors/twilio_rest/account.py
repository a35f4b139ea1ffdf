"""What there is in one account, and what requests do to it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime

from bot.phone.exchange import Exchange, NotInProgress
from bot.phone.identity import new_sid

from . import parameters
from .dialling import Dialling
from .order import Order, oddities
from .outbound import OutboundCall, TwilioCall
from .parameters import Given
from .problem import Problem, invalid, not_found, not_in_progress
from .recording import Recording
from .resources import Json, call_json, number_json

__all__ = ["CURRENT", "Account", "Number"]

CURRENT = "Twilio.CURRENT"


@dataclass(slots=True)
class Number:
    """A telephone number; `settings` by the names of the parameters that set them."""

    number: str
    sid: str = field(default_factory=lambda: new_sid("PN"))
    created_s: float = field(default_factory=time.time)
    settings: dict[str, str] = field(default_factory=dict)


class Account:
    """Calls (those of the exchange, and those made by REST), recordings, numbers.

    Attributes:
        dialling: who dials the calls that REST makes; None: nobody does, and they stay queued.
        list_lag_s: for so long after its creation a call is in no list.
    """

    def __init__(
        self, sid: str, auth_token: str, exchange: Exchange, dialling: Dialling | None = None
    ) -> None:
        self.sid = sid
        self.auth_token = auth_token
        self.created_s = time.time()
        self.numbers: dict[str, Number] = {}
        self.recordings = {} if dialling is None else dialling.recordings
        self.dialling = dialling
        self.list_lag_s = 0.0
        self._exchange = exchange
        self._made: dict[str, OutboundCall] = {}
        # There may be many thousands of them, and somebody who asks about one after the other.
        self._made_to: dict[str, list[OutboundCall]] = {}

    def own(self, number: str, **settings: str) -> Number:
        """Have the account own a number, set like this."""
        owned = Number(number, settings=settings)
        self.numbers[owned.sid] = owned
        return owned

    def call(self, sid: str, path: str) -> TwilioCall:
        """The call of that SID.

        Raises:
            Problem: there is none in this account.
        """
        call = self._made.get(sid) or self._exchange.calls.get(sid)
        if call is None or call.account_sid != self.sid:
            raise not_found(path)
        return call

    def shown(self, call: TwilioCall) -> Json:
        """The JSON of a call."""
        ours = call.to_number if call.direction == "inbound" else call.from_number
        owned = (number.sid for number in self.numbers.values() if number.number == ours)
        return call_json(call, next(owned, None))

    def calls(self, given: Given) -> list[TwilioCall]:
        """The calls that a query asks for, the newest first."""
        latest_s = time.time() - self.list_lag_s
        calls = [
            call
            for call in self._calls(given.get("To"))
            if call.created_s <= latest_s and _wanted(call, given)
        ]
        return sorted(calls, key=lambda call: call.created_s, reverse=True)

    def create(self, given: Given) -> OutboundCall:
        """Queue an outbound call.

        Raises:
            Problem: it lacks something, or Twilio does not call this number, or from that one.
        """
        parameters.need(given, "To", code=21201, fault="No 'To' number is specified")
        parameters.need(given, "From", code=21213, fault="No 'From' number is specified")
        parameters.need(
            given, "Url", "Twiml", "ApplicationSid", code=21205, fault="Url parameter is required."
        )
        if "Url" not in given and "Twiml" not in given:
            raise invalid("ApplicationSid is not simulated", 21218)
        given.complaints.extend(oddities(given))
        order = Order.of(given)
        ours = {number.number for number in self.numbers.values()}
        if ours and order.from_number not in ours:
            raise Problem(400, 21210, f"{order.from_number} is not yet verified for your account")
        if self.dialling is None:
            call = OutboundCall(self.sid, order, self._exchange, 1.0)
        else:
            call = self.dialling.take(self.sid, order)
        self._made[call.sid] = call
        self._made_to.setdefault(call.to_number, []).append(call)
        return call

    def update(self, call: TwilioCall, given: Given) -> None:
        """Hang up, redirect or instruct a call.

        Raises:
            Problem: its state does not allow that, or the request contradicts itself.
        """
        if "Url" in given and "Twiml" in given:
            raise invalid("Url and Twiml are mutually exclusive")
        if "Status" in given and ("Url" in given or "Twiml" in given):
            given.complaints.append("a Status and a redirect at once: the Status is taken")
        for name in sorted({"FallbackUrl", "StatusCallback", "TimeLimit"} & given.values.keys()):
            given.complaints.append(f"{name} of a call in progress is not simulated")
        if not {"Status", "Url", "Twiml"} & given.values.keys():
            given.complaints.append("an update that changes nothing")
        try:
            self._order(call, given)
        except NotInProgress:
            raise not_in_progress() from None

    def record(self, call: TwilioCall, given: Given) -> tuple[Recording, bool]:
        """Begin to record; what is being recorded goes on. Whether it is new comes with it.

        That a second start gives the running recording with 200 is assumed: that it makes no
        second one is what users report, and the OpenAPI document has both 200 and 201.

        Raises:
            Problem: the call is not in progress.
        """
        if call.status != "in-progress":
            raise not_in_progress("Requested resource is not eligible for recording")
        running = self._current(call.sid)
        if running is not None:
            return running, False
        channels = 2 if given.get("RecordingChannels") == "dual" else 1
        recording = Recording(call, channels, given.get("RecordingTrack") or "both")
        self.recordings.setdefault(call.sid, []).append(recording)
        return recording, True

    def recording(self, call_sid: str, sid: str, path: str) -> Recording:
        """A recording by its SID, or the current one of its call.

        Raises:
            Problem: there is none.
        """
        if sid == CURRENT:
            found = self._current(call_sid)
        else:
            of_call = self.recordings.get(call_sid, [])
            found = next((item for item in of_call if item.sid == sid), None)
        if found is None:
            raise not_found(path)
        return found

    def numbers_like(self, given: Given) -> list[Number]:
        """The numbers that a query asks for; a part of a number finds it."""
        part, name = given.get("PhoneNumber", ""), given.get("FriendlyName")
        return [
            number
            for number in self.numbers.values()
            if (part or "").replace("*", "") in number.number
            and (name is None or self.number_json(number)["friendly_name"] == name)
        ]

    def number_json(self, number: Number) -> Json:
        """The JSON of a number."""
        return number_json(self.sid, number.sid, number.number, number.created_s, number.settings)

    def set(self, number: Number, given: Given) -> None:
        """Set what a request gives. A trunk takes an application away, and the other way round."""
        number.settings.update(given.values)
        for one, other in (
            ("TrunkSid", "VoiceApplicationSid"),
            ("VoiceApplicationSid", "TrunkSid"),
        ):
            if given.get(one):
                number.settings.pop(other, None)

    def _order(self, call: TwilioCall, given: Given) -> None:
        status, url, twiml = given.get("Status"), given.get("Url"), given.get("Twiml")
        if status == "canceled":
            # It does not affect a call in progress, and is no error there.
            if call.status in {"queued", "ringing"}:
                call.complete()
            elif call.ended_s is not None:
                raise NotInProgress
        elif status == "completed":
            call.complete()
        elif url is not None:
            call.redirect(url, given.get("Method") or "POST")
        elif twiml is not None:
            call.instruct(twiml)
        elif call.ended_s is not None:
            raise NotInProgress

    def _current(self, call_sid: str) -> Recording | None:
        of_call = self.recordings.get(call_sid, [])
        return next((item for item in of_call if item.is_current), None)

    def _calls(self, to_number: str | None) -> Iterator[TwilioCall]:
        if to_number is None:
            yield from self._made.values()
        else:
            yield from self._made_to.get(to_number, ())
        for call in self._exchange.calls.values():
            if call.account_sid == self.sid and call.sid not in self._made:
                yield call


def _wanted(call: TwilioCall, given: Given) -> bool:
    for name, held in (("To", call.to_number), ("From", call.from_number), ("Status", call.status)):
        if given.get(name, held) != held:
            return False
    if "ParentCallSid" in given:
        return False
    return all(
        _on(given.get(f"{when}{how}"), how, at_s)
        for when, at_s in (("StartTime", call.answered_s), ("EndTime", call.ended_s))
        for how in ("", "<", ">")
    )


def _on(day: str | None, how: str, at_s: float | None) -> bool:
    # A call that has not begun has no time at all: no filter of times finds it.
    if day is None:
        return True
    if at_s is None:
        return False
    moment = datetime.fromtimestamp(at_s, UTC)
    if not how or "T" not in day:
        on = moment.date().isoformat()
        return {"": on == day[:10], "<": on <= day, ">": on >= day}[how]
    limit = datetime.fromisoformat(day)
    return moment < limit if how == "<" else moment >= limit
