"""The benchmark of codecs counts what it says."""

from __future__ import annotations

import pytest

from providers.facts import Kind

from .cost import codec_us
from .lines import code_lines, lines_of
from .timed import Stopwatch, Timed

SOURCE = '''"""What it is.

It is short.
"""

ONE = 1
"""One."""
# Why.
TWO = (
    2
)
'''


class Vendor:
    name = "acme"

    def codec(self) -> object:
        return object()

    def voices(self) -> list[str]:
        raise LookupError


def test_calls_are_counted_with_those_of_what_is_made() -> None:
    stopwatch = Stopwatch()
    vendor = Timed(Vendor(), stopwatch)
    assert (vendor.name, stopwatch.ns) == ("acme", 0)
    codec = vendor.codec()
    made_ns = stopwatch.ns
    assert made_ns > 0
    assert isinstance(codec, Timed)
    with pytest.raises(LookupError):
        vendor.voices()
    assert stopwatch.ns > made_ns


def test_code_is_what_is_neither_said_nor_blank() -> None:
    assert code_lines(SOURCE) == 4


def test_a_vendor_s_lines_are_found() -> None:
    lines = lines_of("soniox")
    assert lines.modules >= 3
    assert 0 < lines.code < lines.source
    assert lines.longest < lines.source
    assert min(lines.declared, lines.standin, lines.tests, lines.recorded) > 0


@pytest.mark.parametrize(("kind", "name"), [("stt", "soniox"), ("tts", "deepgram-http")])
def test_a_codec_s_time_is_measured(kind: Kind, name: str) -> None:
    assert 0 < codec_us(kind, name, ("Hello, this is Parley.",)) < 5_000
