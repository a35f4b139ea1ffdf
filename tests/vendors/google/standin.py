"""Google's stand-in: its doors, and who may come in."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from google.auth import jwt

from tests.vendors.speech.caller import Caller, Status
from tests.vendors.speech.doors import CallDoor, Door
from tests.vendors.speech.hearing import Hearing
from tests.vendors.speech.record import Key, Record
from tests.vendors.speech.refusal import Answer, Refusal
from tests.vendors.speech.vendor import SpeechStandIn

from .files import Recordings
from .limits import Limits
from .refusal import invalid_key, status_of, unknown_caller
from .speaking import Speaking
from .stt import RecognitionStream
from .stt_request import TYPES, Version

__all__ = ["GoogleStandIn"]


class GoogleStandIn(SpeechStandIn[Limits]):
    """Google Cloud for one project.

    Its services are called `stt` and `files` (of version 2), `stt-v1` and `files-v1`; `tts` (the
    stream), `tts-once` and `voices`. A record of `stt` is a connection: a client may make one call
    after the other on it.

    Args:
        hearing: gives each stream or recording its recognizer.
        certificate: of a service account that may come in with a token of its own, in PEM.
        options: those of `SpeechStandIn`.
    """

    usual = Limits()

    def __init__(
        self, hearing: Hearing, *, certificate: bytes | None = None, **options: Any
    ) -> None:
        super().__init__(hearing, **options)
        self._certificate = certificate
        self._speaking = Speaking(self._voice, self._limits, pace=self._pace)

    def doors(self) -> Sequence[Door]:
        doors: list[Door] = [*self._speaking.doors()]
        for version in TYPES.values():
            suffix = "-v1" if version.number == 1 else ""
            path = f"/{version.package}.Speech"
            recordings = Recordings(self._hearing, self._limits, version)
            doors += [
                CallDoor(f"stt{suffix}", f"{path}/StreamingRecognize", self._listening(version)),
                CallDoor(f"files{suffix}", f"{path}/Recognize", recordings.serve),
            ]
        return doors

    def shown_key(self, headers: Mapping[str, str], record: Record) -> Key:
        shown = headers.get("x-goog-api-key")
        if shown is not None:
            return "right" if shown == self.api_key else "wrong"
        token = headers.get("authorization", "")
        if not token:
            return "missing"
        return "right" if self._knows(token.removeprefix("Bearer ")) else "wrong"

    def admit(self, record: Record) -> None:
        if record.key == "missing":
            raise unknown_caller()
        if record.key == "wrong" and "authorization" in record.headers:
            raise Refusal(401, None, "Request had invalid authentication credentials.")
        if record.key == "wrong":
            raise invalid_key()
        is_stream = record.service.startswith("stt")
        most = self._limits.at_once if is_stream else self._limits.tts_at_once
        if (is_stream or record.service == "tts") and self.at_once(record.service) > most:
            raise Refusal(429, None, "Quota exceeded for quota metric 'Concurrent streams'.")

    def refusal_answer(self, refusal: Refusal, service: str) -> Answer:
        return Answer.json({"error": {"code": refusal.code, "message": str(refusal)}}, refusal.code)

    def refusal_status(self, refusal: Refusal) -> Status:
        return status_of(refusal)

    def _knows(self, token: str) -> bool:
        if self._certificate is None:
            return False
        try:
            claims = jwt.decode(token, certs=self._certificate)
        except ValueError:
            return False
        return "cloud-platform" in claims.get("scope", "")

    def _listening(self, version: Version) -> Callable[[Caller], Awaitable[None]]:
        async def listen(caller: Caller) -> None:
            await RecognitionStream(caller, self._hearing, self._limits, version).serve()

        return listen
