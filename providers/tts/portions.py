"""PURE: a text in the portions that a vendor speaks at a time."""

from __future__ import annotations

from collections.abc import Iterator

from ..errors import UnsupportedError
from ..types import TtsOptions
from .parts import cut, is_spoken, without_markup
from .vendor import SpeechVendor

__all__ = ["portions"]


def portions(vendor: SpeechVendor, text: str, options: TtsOptions) -> Iterator[str]:
    """What is to be said at a time: parts of the text, or the whole of what is SSML.

    Raises:
        UnsupportedError: it would have to be cut, and is SSML.
    """
    # A text that is spoken more slowly lasts longer.
    max_bytes = int(vendor.max_text_bytes * min(1.0, options.speed))
    if not (options.ssml and "ssml" in vendor.capabilities.options):
        return filter(is_spoken, cut(text, max_bytes))
    if (size := len(without_markup(text).encode())) > max_bytes:
        raise UnsupportedError(
            vendor.name,
            f"SSML of {size} bytes of text",
            hint=f"it may be {max_bytes}, since it cannot be cut: give it part by part",
        )
    return iter([text])
