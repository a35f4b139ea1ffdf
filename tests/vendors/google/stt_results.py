"""What Google's recognizers say, by both versions: results and events."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from tests.vendors.speech.hearing import Token

from .stt_request import Asked, Version

__all__ = ["event", "final", "interim", "whole"]

BEGIN, END = "SPEECH_ACTIVITY_BEGIN", "SPEECH_ACTIVITY_END"
STABLE, UNSTABLE = 0.9, 0.01


def event(version: Version, asked: Asked, *, begins: bool, at_ms: float) -> bytes:
    """Somebody begins to speak, or has ended."""
    response = version.streaming_response()
    response.speech_event_type = getattr(version.streaming_response, BEGIN if begins else END)
    name = "speech_event_offset" if version.number == 2 else "speech_event_time"
    getattr(response, name).FromTimedelta(timedelta(milliseconds=at_ms))
    return bytes(response.SerializeToString())


def final(
    version: Version, asked: Asked, tokens: Sequence[Token], end_ms: float, *, is_first: bool
) -> bytes:
    """An utterance until there; its text begins with a space if it is not the stream's first."""
    response = version.streaming_response()
    result = response.results.add(is_final=True, language_code=asked.language.lower())
    text = "".join(token.text for token in tokens).strip()
    _fill(version, asked, result, text if is_first else f" {text}", tokens)
    _end(version, result, end_ms)
    _sign(version, response)
    return bytes(response.SerializeToString())


def interim(
    version: Version, asked: Asked, stable: Sequence[Token], unstable: Sequence[Token]
) -> bytes:
    """What may still change: what is rather sure, and what is not, as two results."""
    response = version.streaming_response()
    for stability, tokens in ((STABLE, stable), (UNSTABLE, unstable)):
        if tokens:
            result = response.results.add(stability=stability, language_code=asked.language.lower())
            result.alternatives.add(transcript="".join(token.text for token in tokens))
            _end(version, result, tokens[-1].end_ms or 0)
    return bytes(response.SerializeToString())


def whole(
    version: Version, asked: Asked, utterances: Sequence[Sequence[Token]], duration_ms: float
) -> bytes:
    """All of a recording."""
    response = version.response()
    for number, tokens in enumerate(utterances):
        result = response.results.add(language_code=asked.language.lower())
        text = "".join(token.text for token in tokens).strip()
        _fill(version, asked, result, f" {text}" if number else text, tokens)
        _end(version, result, tokens[-1].end_ms or 0)
    _sign(version, response)
    billed = timedelta(milliseconds=duration_ms)
    if version.number == 2:
        response.metadata.total_billed_duration.FromTimedelta(billed)
    else:
        response.total_billed_time.FromTimedelta(billed)
    return bytes(response.SerializeToString())


def _fill(version: Version, asked: Asked, result: Any, text: str, tokens: Sequence[Token]) -> None:
    confidence = sum(token.confidence for token in tokens) / len(tokens)
    best = result.alternatives.add(transcript=text, confidence=confidence)
    start, end = ("start_offset", "end_offset") if version.number == 2 else _TIMES
    for token in tokens:
        word = best.words.add(word=token.text.strip())
        if not asked.words:
            continue  # words are there without times, as users saw of some languages
        assert token.start_ms is not None
        assert token.end_ms is not None
        for name, time_ms in ((start, token.start_ms), (end, token.end_ms)):
            told_ms = time_ms // asked.step_ms * asked.step_ms
            getattr(word, name).FromTimedelta(timedelta(milliseconds=told_ms))


_TIMES = ("start_time", "end_time")


def _end(version: Version, result: Any, end_ms: float) -> None:
    name = "result_end_offset" if version.number == 2 else "result_end_time"
    getattr(result, name).FromTimedelta(timedelta(milliseconds=end_ms))


def _sign(version: Version, response: Any) -> None:
    if version.number == 2:
        response.metadata.request_id = secrets.token_hex(12)
    else:
        response.request_id = secrets.randbits(62)
