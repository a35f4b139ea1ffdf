"""Recordings: `POST /v1/listen`."""

from __future__ import annotations

import uuid

from media.audio import AudioFormat
from media.files import AudioFileError
from tests.vendors.speech.exchange import Exchange
from tests.vendors.speech.hearing import Hearing, Listening, transcribe
from tests.vendors.speech.refusal import Answer, Json
from tests.vendors.speech.wav import audio_in

from .query import FilesQuery, read_query
from .refusal import Wrong
from .results import alternative, metadata, model_info

__all__ = ["Recordings"]


class Recordings:
    """Answers requests with a recording.

    Args:
        hearing: gives each its recognizer.
    """

    def __init__(self, hearing: Hearing) -> None:
        self._hearing = hearing

    async def answer(self, exchange: Exchange) -> None:
        """Answer one."""
        query = read_query(FilesQuery, exchange.record.query)
        if exchange.record.headers.get("content-type", "").startswith("application/json"):
            raise Wrong("Fetching a URL is not simulated")
        audio_format, audio = _decoded(query, exchange.body)
        listening = Listening(audio_format, whole_words=True)
        tokens = await transcribe(self._hearing, audio, listening)
        channel: Json = {
            "alternatives": [
                alternative(tokens, marks=query.has_marks, speakers=query.has_speakers)
            ]
        }
        if query.detect_language == "true":
            channel |= {"detected_language": "en", "language_confidence": 0.99}
        request_id = str(uuid.uuid4())
        told = metadata(request_id, audio_format.duration_ms(len(audio)), exchange.body)
        models = {"models": [request_id], "model_info": {request_id: model_info(query.model)}}
        body = {"metadata": {**told, **models}, "results": {"channels": [channel]}}
        await exchange.answer(Answer.json(body, headers={"dg-request-id": request_id}))


def _decoded(query: FilesQuery, data: bytes) -> tuple[AudioFormat, bytes]:
    if not data:
        raise Wrong("Bad Request: the request body is empty")
    if query.encoding is not None:
        if query.format is None:
            raise Wrong(f"{query.encoding} is not simulated")
        return query.format, data
    try:
        return audio_in(data)
    except AudioFileError:
        raise Wrong("Bad Request: failed to process audio: corrupt or unsupported data") from None
