"""PURE: a text in the portions that a vendor speaks at a time."""

from __future__ import annotations

from collections.abc import Iterator

from ..errors import UnsupportedError
from ..types import TtsOptions
from .parts import cut, cut_long_sentences, is_spoken, without_markup
from .vendor import SpeechVendor

__all__ = ["portions"]


def portions(
    vendor: SpeechVendor, text: str, options: TtsOptions, max_sentence: int | None = None
) -> Iterator[str]:
    """What is to be said at a time: parts of the text, or the whole of what is SSML.

    Args:
        vendor: who speaks.
        text: what is to be said.
        options: how.
        max_sentence: how many letters a sentence of a text may have; None is any number.

    Raises:
        UnsupportedError: it would have to be cut, and is SSML.
    """
    # A text that is spoken more slowly lasts longer.
    max_bytes = int(vendor.max_text_bytes * min(1.0, options.speed))
    if not (options.ssml and "ssml" in vendor.capabilities.options):
        parts = cut(text, max_bytes)
        if max_sentence is not None:
            parts = (short for part in parts for short in cut_long_sentences(part, max_sentence))
        return filter(is_spoken, parts)
    if (size := len(without_markup(text).encode())) > max_bytes:
        raise UnsupportedError(
            vendor.name,
            f"SSML of {size} bytes of text",
            hint=f"it may be {max_bytes}, since it cannot be cut: give it part by part",
        )
    return iter([text])
