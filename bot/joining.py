"""A stream's way in and way out, joined from the call's parts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from bot.engine_log import EngineLog
from bot.hearing import Hearing
from bot.parts import CallParts
from bot.speech import Speaker
from media.audio import ULAW_8K
from media.playout import Playout
from media.vad import SpeechEvent
from providers.tts.fallback import FallbackTts

__all__ = ["join_hearing", "join_speaker"]


def join_hearing(
    parts: CallParts,
    on_speech: Callable[[SpeechEvent, float], None],
    now_ms: Callable[[], float],
) -> Hearing:
    """Hear with the call's recognizers, which expect what the dialog has said last."""
    phrases = parts.progress.expected or parts.stt_options.phrases
    return Hearing(
        parts.ears,
        parts.stt,
        replace(parts.stt_options, phrases=phrases),
        on_speech,
        parts.stt_chunk_ms,
        EngineLog("stt", parts.counts, parts.keeper, now_ms),
    )


def join_speaker(
    parts: CallParts, playout: Playout, wake: Callable[[], None], now_ms: Callable[[], float]
) -> Speaker:
    """Speak with the call's synthesizers into `playout`."""
    tts = FallbackTts(
        parts.tts,
        audio=ULAW_8K,
        hedge_ms=parts.tts_hedge_ms,
        follower=EngineLog("tts", parts.counts, parts.keeper, now_ms),
    )
    return Speaker(tts, parts.tts_options, playout, wake)
