"""What a session says of its turns."""

from __future__ import annotations

import re
from collections.abc import Sequence

from tests.vendors.speech.hearing import Token
from tests.vendors.speech.refusal import Json

__all__ = ["turn_message"]

MARKS = re.compile(r"[^\w'’-]+")


def turn_message(
    order: int,
    final: Sequence[Token],
    interim: Sequence[Token] = (),
    *,
    is_over: bool = False,
    is_written: bool = False,
    speakers: bool = False,
    language: str | None = None,
) -> Json:
    """A turn as it is known now.

    Args:
        order: which one, from 0.
        final: its words that stay.
        interim: those that may change: the text leaves them out.
        is_over: whether it has ended.
        is_written: whether with marks and capitals.
        speakers: whether words say whose they are.
        language: what is spoken, if that is told.
    """
    words = [_word(token, is_written, is_final=True) for token in final]
    text = " ".join(word["text"] for word in words)
    words += [_word(token, is_written, is_final=False) for token in interim]
    message: Json = {
        "type": "Turn",
        "turn_order": order,
        "turn_is_formatted": is_written,
        "end_of_turn": is_over,
        "transcript": text,
        "utterance": text if is_over else "",
        "end_of_turn_confidence": 0.8 if is_over else 0.01,
        "words": [{**word, "speaker": "A"} if speakers else word for word in words],
    }
    if speakers:
        message["speaker_label"] = "A"
    if language is not None:
        message |= {"language_code": language, "language_confidence": 0.99}
    return message


def _word(token: Token, is_written: bool, *, is_final: bool) -> Json:
    text = token.text.strip()
    return {
        "start": token.start_ms,
        "end": token.end_ms,
        "text": text if is_written else MARKS.sub("", text).lower(),
        "confidence": token.confidence,
        "word_is_final": is_final,
    }
