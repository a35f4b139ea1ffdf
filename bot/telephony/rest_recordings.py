"""Recording calls by Twilio's REST API."""

from __future__ import annotations

import re
from typing import Literal

from .rest_client import RestClient
from .rest_errors import RestError
from .rest_resources import call_sid

__all__ = ["CURRENT", "RestRecordings"]

CURRENT = "Twilio.CURRENT"
"""Twilio's name for the recording that a call is being written to."""

_RECORDING_SID = re.compile(r"RE[0-9a-fA-F]{32}", re.ASCII)


class RestRecordings:
    """The part of `TwilioRest` that records; its methods raise `RestError` likewise."""

    def __init__(self, client: RestClient) -> None:
        self._client = client

    async def start_recording(
        self,
        sid: str,
        *,
        channels: Literal["mono", "dual"] = "dual",
        track: Literal["inbound", "outbound", "both"] = "both",
        status_callback: str | None = None,
    ) -> str:
        """Begin to record a call in progress; gives the recording's SID.

        Args:
            sid: the call's.
            channels: `dual` keeps caller and bot apart.
            track: whom to record.
            status_callback: where Twilio tells (POST) that the recording is complete.
        """
        call, more = call_sid(sid), {}
        if status_callback is not None:
            more = {
                "recording_status_callback": status_callback,
                "recording_status_callback_method": "POST",
            }
        made = await self._client.ask(
            lambda client: client.calls(call).recordings.create_async(
                recording_channels=channels, recording_track=track, **more
            ),
            once=True,
        )
        return str(made.sid)

    async def pause_recording(
        self,
        sid: str,
        recording: str = CURRENT,
        *,
        behavior: Literal["skip", "silence"] = "silence",
    ) -> None:
        """Stop writing what is said, for a while, as for a card number.

        Args:
            sid: the call's.
            recording: which of its recordings.
            behavior: leave the pause out, or write silence for it, so that times stay right.
        """
        await self._record(sid, recording, status="paused", pause_behavior=behavior)

    async def resume_recording(self, sid: str, recording: str = CURRENT) -> None:
        """Go on recording after a pause."""
        await self._record(sid, recording, status="in-progress")

    async def stop_recording(self, sid: str, recording: str = CURRENT) -> None:
        """End a recording; it cannot be resumed."""
        await self._record(sid, recording, status="stopped")

    async def _record(self, sid: str, recording: str, **change: str) -> None:
        call = call_sid(sid)
        if recording != CURRENT and not _RECORDING_SID.fullmatch(recording):
            raise RestError(f"{recording[:64]!r} is no recording's SID")
        await self._client.ask(
            lambda client: client.calls(call).recordings(recording).update_async(**change)
        )
