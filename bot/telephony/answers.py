"""Putting a decision into TwiML."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass, replace
from urllib.parse import urlencode

import structlog

from bot.dialog.types import Ended
from bot.record import Record
from bot.settings import BotSettings, Settings

from . import decision as d
from . import token as stream_token
from . import twiml
from .address import NEXT_PATH, VOICE_PATH, Address
from .identity import CallIdentity
from .pending import Leaving
from .prelude import prelude_s
from .requests import ATTEMPT

__all__ = [
    "CALL_PARAMETERS",
    "DIAL_STATUS",
    "DIAL_STATUS_PARAMETER",
    "HOPS",
    "WAITS",
    "Answer",
    "Answers",
]

log = structlog.get_logger(__name__)

CALL_PARAMETERS = ("from", "to", "direction")
"""The `<Parameter>`s that tell a worker without Redis whose stream it has got; that of a campaign's
call has `ATTEMPT` too."""

DIAL_STATUS_PARAMETER = "dial_status"
"""The `<Parameter>` that tells a stream why the transfer before it did not come about, in the word
of Twilio's DialCallStatus; the dialog finds it in `call.parameters`."""

HOPS = "hop"
WAITS = "wait"
DIAL_STATUS = "dial"
"""What we tell ourselves in the query of a URL, which Twilio's signature covers: how often a call
was sent on, how often it has waited for Redis, and the DialCallStatus with which it began to."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A TwiML document, and how the call ends with it, if it does."""

    document: str
    ended: Ended | None = None


class Answers:
    """What Twilio is answered.

    Args:
        settings: the public address, the auth tokens, the apology, and which bot has which number.
        clock: seconds since the epoch.
    """

    def __init__(self, settings: Settings, clock: Callable[[], float]) -> None:
        self._settings = settings
        self._address = Address(settings.public_url)
        self._key = stream_token.derive_key(settings.auth_tokens[0])
        self._clock = clock

    def bot(self, call: CallIdentity) -> BotSettings:
        """What answers at the call's own number."""
        return self._settings.bot_for(call.own_number)

    def render(self, decision: d.Decision, call: CallIdentity, record: Record | None) -> Answer:
        """The decision as TwiML, with a token of its own if it opens a stream."""
        address = self._address
        match decision:
            case d.Connect():
                return Answer(self._connect(call, record, decision))
            case d.Dial(number, caller_id):
                return Answer(twiml.transfer(address, number, caller_id))
            case d.HangUp(ended):
                return Answer(twiml.hang_up(), ended)
            case d.End(ended):
                return Answer(twiml.nothing(), ended)
            case d.Apologize(attempt):
                return self._apologize(call, record, attempt)
            case d.Wait(attempt, dial_status):
                query = {WAITS: attempt, **({DIAL_STATUS: dial_status} if dial_status else {})}
                url = address.document(NEXT_PATH, urlencode(query))
                return Answer(twiml.redirect(url, 1))
            case d.Redirect(hop):
                hops = urlencode({HOPS: hop, **_attempt(record)})
                url = address.document(VOICE_PATH, hops)
                return Answer(twiml.redirect(url, 0 if hop == 1 else 1))
            case d.Reject():
                return Answer(twiml.reject())

    def inline(self, record: Record, action: Leaving) -> str:
        """The document with which Twilio's REST makes a live call do `action` at once.

        Custom parameters are left out if they would make it longer than REST takes.
        """
        call = CallIdentity.of_record(record)
        decision = d.decide_leaving(action, record.generation)
        document = self.render(decision, call, record).document
        if len(document) > twiml.INLINE_LIMIT:
            log.warning("stream parameters left out", call_sid=record.sid, length=len(document))
            document = self.render(decision, call, replace(record, parameters={})).document
        return document

    def _connect(self, call: CallIdentity, record: Record | None, decision: d.Connect) -> str:
        own = (call.from_number, call.to_number, call.direction)
        parameters = {
            **(record.parameters if record else {}),
            **dict(zip(CALL_PARAMETERS, own, strict=True)),
            **_attempt(record),
        }
        said = decision.say
        # A stream before this one may have been told of another transfer.
        parameters.pop(DIAL_STATUS_PARAMETER, None)
        if decision.dial_status is not None:
            parameters[DIAL_STATUS_PARAMETER] = decision.dial_status
            # A dialog that knows nothing of failed transfers would only be silent.
            said = said or self._settings.apology
        token = stream_token.mint(
            self._key,
            call.sid,
            call.account_sid,
            decision.generation,
            self._clock(),
            secrets.token_urlsafe(12),
            ttl_s=stream_token.TTL_S + prelude_s(decision.digits, said),
        )
        language = record.language if record else self.bot(call).language
        return twiml.connect(
            self._address,
            token,
            parameters=parameters,
            digits=decision.digits,
            said=twiml.Announcement(said, language) if said else None,
        )

    def _apologize(self, call: CallIdentity, record: Record | None, attempt: int) -> Answer:
        bot = self.bot(call)
        # Whom we have called is put through to nobody; without a record a campaign may have.
        by_campaign = call.direction == "outbound" if record is None else record.by_campaign
        number = None if by_campaign else bot.fallback_number
        log.error("call given up", call_sid=call.sid, dials_fallback=number is not None)
        said = twiml.Announcement(self._settings.farewell, bot.language)
        # Whoever is dialled still has the caller: that call's end is this one's.
        ended = None if number else Ended("error", "the stream could not be kept")
        query = urlencode({WAITS: attempt}) if attempt else ""
        return Answer(twiml.apologize(self._address, twiml.Apology(said, number), query), ended)


def _attempt(record: Record | None) -> dict[str, str]:
    """What names the attempt that a call is, if a campaign has made it."""
    if record is None or record.attempt is None or not record.by_campaign:
        return {}
    return {ATTEMPT: record.attempt}
