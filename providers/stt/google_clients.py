"""The official clients of Google's recognizers, by the version of the API."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import grpc
from google.cloud import speech_v1, speech_v2
from google.cloud.speech_v1.services.speech.transports import SpeechGrpcAsyncIOTransport as V1
from google.cloud.speech_v2.services.speech.transports import SpeechGrpcAsyncIOTransport as V2

from ..google import PROVIDER, GoogleAccount
from ..google_calls import Metadata, metadata_of, open_channel
from ..grpc_call import CallOpener, Responses
from .google_messages import Api

__all__ = ["SERVICE", "client_of", "stream_of"]

SERVICE = "speech"
LONGEST_S = 3_600.0
"""A stream has deadlines of its own; version 1's client would have one, and would try again."""


def client_of(api: Api, channel: grpc.aio.Channel) -> Any:
    """An official client."""
    if api.number == 1:
        return speech_v1.SpeechAsyncClient(transport=V1(channel=channel))
    return speech_v2.SpeechAsyncClient(transport=V2(channel=channel))


def stream_of(account: GoogleAccount, api: Api) -> CallOpener[Any]:
    """How to open a stream."""

    async def start(
        channel: grpc.aio.Channel, requests: AsyncIterator[Any], metadata: Metadata
    ) -> Responses:
        responses: Responses = await client_of(api, channel).streaming_recognize(
            requests=requests, retry=None, timeout=LONGEST_S, metadata=metadata
        )
        return responses

    return CallOpener(
        channel=lambda: open_channel(account, SERVICE, account.location),
        metadata=lambda: metadata_of(PROVIDER, account),
        start=start,
        requests=api.streaming_request,
    )
