from __future__ import annotations

import numpy as np

from media.audio import Encoding, encode
from providers.stt.quiet import is_quiet


def test_loud_audio_is_not_quiet() -> None:
    for encoding in (Encoding.ULAW, Encoding.ALAW, Encoding.PCM16):
        hum = np.full(160, 300, np.int16)
        assert is_quiet(encode(hum, encoding), encoding)
        hum[80] = -32_768
        assert not is_quiet(encode(hum, encoding), encoding)
    assert is_quiet(b"", Encoding.ULAW)
