"""The JSON of each resource, with every key that Twilio's OpenAPI document has for it.

The document of 2026-04 lists no `stir_verstat`, `play_beep` and the like, which newer answers have.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import format_datetime

from .detection import resource_word
from .outbound import OutboundCall, TwilioCall
from .recording import Recording

__all__ = ["API_VERSION", "Json", "account_json", "call_json", "number_json", "recording_json"]

API_VERSION = "2010-04-01"

Json = dict[str, object]

_OF_CALL = {
    "notifications": "Notifications",
    "recordings": "Recordings",
    "payments": "Payments",
    "events": "Events",
    "siprec": "Siprec",
    "streams": "Streams",
    "transcriptions": "Transcriptions",
    "user_defined_message_subscriptions": "UserDefinedMessageSubscriptions",
    "user_defined_messages": "UserDefinedMessages",
}
_OF_ACCOUNT = {
    "calls": "Calls",
    "incoming_phone_numbers": "IncomingPhoneNumbers",
    "recordings": "Recordings",
}


def rfc2822(epoch_s: float | None) -> str | None:
    """`Fri, 17 Jul 2026 10:00:00 +0000`; None for no time."""
    return None if epoch_s is None else format_datetime(datetime.fromtimestamp(int(epoch_s), UTC))


def account_json(sid: str, auth_token: str, created_s: float) -> Json:
    """The account itself; Twilio shows its token to whoever has it."""
    base = f"/{API_VERSION}/Accounts/{sid}"
    return {
        "auth_token": auth_token,
        "date_created": rfc2822(created_s),
        "date_updated": rfc2822(created_s),
        "friendly_name": "Stand-in",
        "owner_account_sid": sid,
        "sid": sid,
        "status": "active",
        "subresource_uris": {key: f"{base}/{name}.json" for key, name in _OF_ACCOUNT.items()},
        "type": "Full",
        "uri": f"{base}.json",
    }


def call_json(call: TwilioCall, number_sid: str | None) -> Json:
    """A call; `number_sid` is that of the account's number that it came in by."""
    base = f"/{API_VERSION}/Accounts/{call.account_sid}/Calls/{call.sid}"
    ended_s, answered_s, duration_s = call.ended_s, call.answered_s, call.duration_s
    made = call if isinstance(call, OutboundCall) else None
    return {
        "sid": call.sid,
        "date_created": rfc2822(call.created_s),
        "date_updated": rfc2822(ended_s or answered_s or call.created_s),
        "parent_call_sid": None,
        "account_sid": call.account_sid,
        "to": call.to_number,
        "to_formatted": _formatted(call.to_number),
        "from": call.from_number,
        "from_formatted": _formatted(call.from_number),
        "phone_number_sid": number_sid,
        "status": call.status,
        "start_time": rfc2822(answered_s),
        "end_time": rfc2822(ended_s),
        "duration": None if duration_s is None else str(duration_s),
        "price": None,
        "price_unit": "USD",
        "direction": call.direction,
        "answered_by": resource_word(made.answered_by) if made else None,
        "api_version": API_VERSION,
        "forwarded_from": None,
        "group_sid": None,
        "caller_name": None,
        "queue_time": str(made.queue_time_ms) if made else "0",
        "trunk_sid": None,
        "uri": f"{base}.json",
        "subresource_uris": {key: f"{base}/{name}.json" for key, name in _OF_CALL.items()},
    }


def recording_json(recording: Recording) -> Json:
    """A recording of a call."""
    call, ended_s = recording.call, recording.ended_s
    base = f"/{API_VERSION}/Accounts/{call.account_sid}/Calls/{call.sid}"
    return {
        "account_sid": call.account_sid,
        "api_version": API_VERSION,
        "call_sid": call.sid,
        "conference_sid": None,
        "channels": recording.channels,
        "date_created": rfc2822(recording.started_s),
        "date_updated": rfc2822(recording.updated_s),
        "start_time": rfc2822(recording.started_s),
        "price": None,
        "price_unit": None,
        "duration": None if ended_s is None else str(round(ended_s - recording.started_s)),
        "sid": recording.sid,
        "source": recording.source,
        "status": recording.status,
        "error_code": None,
        "encryption_details": None,
        "track": recording.track,
        "uri": f"{base}/Recordings/{recording.sid}.json",
    }


def number_json(
    account_sid: str, sid: str, number: str, created_s: float, settings: Mapping[str, str]
) -> Json:
    """A number; `settings` are what was set of it, by the names of the parameters."""

    def text(name: str) -> str:
        return settings.get(name, "")

    return {
        "account_sid": account_sid,
        "address_sid": settings.get("AddressSid"),
        "address_requirements": "none",
        "api_version": API_VERSION,
        "beta": False,
        "capabilities": {"voice": True, "sms": True, "mms": True, "fax": False},
        "date_created": rfc2822(created_s),
        "date_updated": rfc2822(created_s),
        "friendly_name": settings.get("FriendlyName", _formatted(number)),
        "identity_sid": settings.get("IdentitySid"),
        "phone_number": number,
        "origin": "twilio",
        "sid": sid,
        "sms_application_sid": settings.get("SmsApplicationSid") or None,
        "sms_fallback_method": settings.get("SmsFallbackMethod", "POST"),
        "sms_fallback_url": text("SmsFallbackUrl"),
        "sms_method": settings.get("SmsMethod", "POST"),
        "sms_url": text("SmsUrl"),
        "status_callback": text("StatusCallback"),
        "status_callback_method": settings.get("StatusCallbackMethod", "POST"),
        "trunk_sid": settings.get("TrunkSid") or None,
        "uri": f"/{API_VERSION}/Accounts/{account_sid}/IncomingPhoneNumbers/{sid}.json",
        "voice_receive_mode": settings.get("VoiceReceiveMode", "voice"),
        "voice_application_sid": settings.get("VoiceApplicationSid") or None,
        "voice_caller_id_lookup": text("VoiceCallerIdLookup") == "true",
        "voice_fallback_method": settings.get("VoiceFallbackMethod", "POST"),
        "voice_fallback_url": text("VoiceFallbackUrl"),
        "voice_method": settings.get("VoiceMethod", "POST"),
        "voice_url": text("VoiceUrl"),
        "emergency_status": settings.get("EmergencyStatus", "Active"),
        "emergency_address_sid": settings.get("EmergencyAddressSid"),
        "emergency_address_status": "unregistered",
        "bundle_sid": settings.get("BundleSid"),
        "status": "in-use",
        "type": "local",
    }


def _formatted(number: str) -> str:
    # North American numbers are written as people there write them, all others as they are.
    if len(number) == 12 and number.startswith("+1"):
        return f"({number[2:5]}) {number[5:8]}-{number[8:]}"
    return number
