from __future__ import annotations

from media.audio import ULAW_8K
from providers.stt.sent_audio import SentAudio


def test_without_silence_the_clocks_agree() -> None:
    sent = SentAudio(ULAW_8K)
    sent.add(bytes(800))
    assert (sent.ms, sent.stream_ms, sent.in_stream_ms(70.4)) == (100, 100, 70)


def test_silence_is_no_part_of_the_stream() -> None:
    sent = SentAudio(ULAW_8K)
    assert sent.add_silence(50) == ULAW_8K.silence(50)
    sent.add(bytes(800))
    sent.add_silence(80)
    sent.add_silence(20)
    sent.add(bytes(800))
    assert (sent.ms, sent.stream_ms) == (350, 200)
    # The vendor's: 0-50 silence, -150 audio, -250 silence, -350 audio.
    times = {0: 0, 30: 0, 50: 0, 90: 40, 150: 100, 200: 100, 250: 100, 260: 110, 350: 200}
    assert {ms: sent.in_stream_ms(ms) for ms in times} == times
