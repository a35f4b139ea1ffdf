from __future__ import annotations

import pytest

from bot.api.stt.controls import (
    CONTROL_TYPES,
    Audio,
    Close,
    Configure,
    Control,
    Finalize,
    KeepAlive,
    read_control,
)
from bot.api.stt.faults import Fault


@pytest.mark.parametrize(
    ("text", "control"),
    [
        ('{"type":"audio","audio":"AAEC"}', Audio(b"\0\1\2")),
        ('{"type":"audio","audio":""}', Audio(b"")),
        ('{"type":"finalize"}', Finalize()),
        ('{"type":"close"}', Close()),
        ('{"type":"end"}', Close()),
        (b'{"type":"keepalive","n":1}', KeepAlive()),
        ('{"type":"config","language":"fr"}', Configure({"type": "config", "language": "fr"})),
    ],
)
def test_controls(text: str | bytes, control: Control) -> None:
    assert read_control(text) == control


def test_every_type_is_known() -> None:
    for name in CONTROL_TYPES:
        read_control(f'{{"type":"{name}","audio":""}}')


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "null",
        "[]",
        "7",
        '"close"',
        "{}",
        '{"type":7}',
        '{"type":"Close"}',
        '{"type":["close"]}',
        '{"type":"audio"}',
        '{"type":"audio","audio":7}',
        '{"type":"audio","audio":"AAE"}',
        '{"type":"audio","audio":"A-_B"}',
        '{"type":"audio","audio":"AAEC AAEC"}',
        '{"type":"audio","audio":"é"}',
        "[" * 5_000,
        b"\xff\xfe",
        '{"type":"close","n":1e999}',
    ],
)
def test_other_messages_are_answered_with_those_that_there_are(text: str | bytes) -> None:
    with pytest.raises(Fault) as caught:
        read_control(text)
    assert caught.value.code == "bad_message"
    assert not caught.value.ends
    assert caught.value.allowed


def test_neither_audio_nor_configurations_are_shown() -> None:
    assert "secret" not in repr(Audio(b"secret")) + repr(Configure({"phrases": "secret"}))
