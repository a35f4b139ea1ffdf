"""What one request to make a call asks for.

Defaults: https://www.twilio.com/docs/voice/api/call-resource#create-a-call-resource.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Self
from urllib.parse import parse_qsl, urlsplit

from bot.phone.exchange import Source
from bot.phone.twiml import Request

from .parameters import Given

__all__ = ["Order", "oddities"]

EVENTS = frozenset({"initiated", "ringing", "answered", "completed"})


@dataclass(frozen=True, slots=True)
class Order:
    """A call to be made.

    Attributes:
        source: where its TwiML comes from, or the document itself.
        status: where its progress is told; None: nowhere.
        events: of which steps.
        ring_s: how long it may ring.
        limit_s: how long it may last after the answer; None: as long as Twilio lets it.
        detection: `Enable`, `DetectMessageEnd`, or empty: nobody looks who answers.
        detection_s: how long that may take.
        speech_ms: more speech than this after the answer is a machine's.
        speech_end_ms: so much silence after speech is the end of a machine's greeting.
        verdict: where it is told beside the call; None: the TwiML waits for it.
        record: whether the call is recorded.
        channels, track: of the recording.
        recorded: where it is told that the recording is complete.
    """

    to_number: str
    from_number: str
    source: Source
    status: Request | None = None
    events: frozenset[str] = frozenset({"completed"})
    ring_s: int = 60
    limit_s: int | None = None
    detection: str = ""
    detection_s: int = 30
    speech_ms: int = 2400
    speech_end_ms: int = 1200
    asynchronous: bool = False
    verdict: Request | None = None
    record: bool = False
    channels: int = 1
    track: str = "both"
    recorded: Request | None = None

    @classmethod
    def of(cls, given: Given) -> Self:
        """Read what a request held."""
        url = given.get("Url")
        asked = given.lists.get("StatusCallbackEvent")
        events = given.lists.get("RecordingStatusCallbackEvent", ["completed"])
        told = "completed" in " ".join(events).split()
        return cls(
            given.values["To"],
            given.values["From"],
            Request(url, given.values.get("Method", "POST")) if url else given.values["Twiml"],
            status=_callback(given, "StatusCallback"),
            # An event that is none is not told, and takes the place of the default.
            events=frozenset({"completed"}) if asked is None else EVENTS.intersection(asked),
            ring_s=int(given.values.get("Timeout", 60)),
            limit_s=int(given.values["TimeLimit"]) if "TimeLimit" in given else None,
            # Touch tones after the answer leave nothing to listen to.
            detection="" if "SendDigits" in given else given.values.get("MachineDetection", ""),
            detection_s=int(given.values.get("MachineDetectionTimeout", 30)),
            speech_ms=int(given.values.get("MachineDetectionSpeechThreshold", 2400)),
            speech_end_ms=int(given.values.get("MachineDetectionSpeechEndThreshold", 1200)),
            asynchronous=given.get("AsyncAmd") == "true",
            verdict=_callback(given, "AsyncAmdStatusCallback"),
            record=given.get("Record") == "true",
            channels=2 if given.get("RecordingChannels") == "dual" else 1,
            track=given.values.get("RecordingTrack", "both"),
            recorded=_callback(given, "RecordingStatusCallback") if told else None,
        )

    @property
    def attempt(self) -> str:
        """`attempt` of the query of the URL for TwiML; empty without one."""
        if isinstance(self.source, str):
            return ""
        return dict(parse_qsl(urlsplit(self.source.url).query)).get("attempt", "")


def _callback(given: Given, name: str) -> Request | None:
    url = given.get(name)
    return Request(url, given.values.get(f"{name}Method", "POST")) if url else None


def oddities(given: Given) -> Iterator[str]:
    """What Twilio takes without a word, although it cannot be meant."""
    if "Url" in given and "Twiml" in given:
        yield "Url and Twiml at once: the Twiml is ignored"
    for name in ("FallbackUrl", "CallToken", "Byoc"):
        if name in given:
            yield f"{name} is not simulated"
    for name, needed in (
        ("StatusCallbackEvent", "StatusCallback"),
        ("AsyncAmd", "MachineDetection"),
        ("AsyncAmdStatusCallback", "AsyncAmd"),
        ("RecordingChannels", "Record"),
        ("RecordingStatusCallback", "Record"),
        ("MachineDetectionTimeout", "MachineDetection"),
    ):
        if name in given and needed not in given:
            yield f"{name} without {needed} does nothing"
    if "SendDigits" in given and "MachineDetection" in given:
        yield "SendDigits switches MachineDetection off"
    if given.get("AsyncAmd") == "true" and "AsyncAmdStatusCallback" not in given:
        yield "AsyncAmd without AsyncAmdStatusCallback: the verdict is told nobody"
