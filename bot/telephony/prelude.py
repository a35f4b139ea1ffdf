"""PURE: what comes before a call's next stream, in the same document, and how long it may take.

What is to outlast it is made from the estimate: the token that the stream shows is minted before,
and it must not be forgotten meanwhile that the touch tones were sent. So it errs on the long side.
"""

from __future__ import annotations

import math

__all__ = ["prelude_s"]

# `w`: https://www.twilio.com/docs/voice/twiml/play. `W` is documented for a new call's SendDigits
# (https://www.twilio.com/docs/voice/api/call-resource); that it is the same here is assumed.
PAUSES_S = {"w": 0.5, "W": 1.0}
# No page says how long a tone takes, with the silence after it; 0.2 s would be usual.
TONE_S = 0.5
# Nor how fast Twilio's voices speak: 15 letters a second are usual, or 5 Chinese characters.
CHARACTER_S = 0.25


def prelude_s(digits: str | None = None, said: str | None = None) -> int:
    """How long it takes at most to send these touch tones and say this, in whole seconds."""
    tones_s = sum(PAUSES_S.get(tone, TONE_S) for tone in digits or "")
    return math.ceil(tones_s + len(said or "") * CHARACTER_S)
