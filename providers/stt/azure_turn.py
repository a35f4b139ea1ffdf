"""PURE: what a turn of Azure's recognizer is opened with: where, and how to listen.

Source: what the Speech SDKs send for these settings, in the address and in `speech.context`.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from typing import Any

from media.audio import AudioFormat, Encoding

from ..azure import Query
from ..options import SttOptions

__all__ = ["ENDPOINT_MS", "FORCED_MS", "PATH", "audio_source", "context", "profanity", "query"]
__all__ += ["riff_header", "terms"]

PATH = "/speech/recognition/conversation/cognitiveservices/v1"
ENDPOINT_MS = 500
"""The silence after which an utterance is over: the shortest that Azure's pages advise."""
FORCED_MS = 30_000
"""An utterance that lasts so long is cut, though one speaks on; from 20 s on it may be asked for.
It is, so that one that is cut is known by its length."""
MOST_TERMS = 500
_TAGS = {Encoding.PCM16: 1, Encoding.ALAW: 6, Encoding.ULAW: 7}


def query(locales: Sequence[str], options: SttOptions, endpoint_id: str | None) -> Query:
    """What the address asks for; `endpoint_id` is of a custom model."""
    asked = [
        ("language", locales[0]),
        ("format", "detailed"),
        ("wordLevelTimestamps", "true"),
        ("profanity", profanity(options)),
    ]
    if len(locales) > 1:
        asked.append(("lidEnabled", ",".join(locales)))
    if endpoint_id:
        asked.append(("cid", endpoint_id))
    return asked


def context(locales: Sequence[str], options: SttOptions) -> dict[str, Any]:
    """The body of `speech.context`."""
    detection: dict[str, Any] = {
        "mode": "CONVERSATION",
        "CONVERSATION": {
            "segmentation": {
                "mode": "Custom",
                "segmentationSilenceTimeoutMs": options.endpointing_ms or ENDPOINT_MS,
                "segmentationForcedTimeoutMs": FORCED_MS,
            }
        },
        "enrichment": {"profanity": profanity(options)},
    }
    output: dict[str, Any] = {"format": "Detailed", "detailed": {"options": ["WordTimings"]}}
    asked: dict[str, Any] = {
        "phraseDetection": detection,
        "phraseOutput": output,
        "audio": {"streams": {"1": None}},
    }
    if len(locales) > 1:
        detection |= {"onSuccess": {"action": "None"}, "onInterim": {"action": "None"}}
        output |= {"interimResults": {"resultType": "Auto"}}
        output |= {"phraseResults": {"resultType": "Always"}}
        asked["languageId"] = {
            "languages": list(locales),
            "mode": "DetectContinuous",
            "Priority": "PrioritizeLatency",
            "onSuccess": {"action": "Recognize"},
            "onUnknown": {"action": "None"},
        }
    else:
        detection["language"] = locales[0]
    if words := terms(options):
        items = [{"Text": word} for word in words]
        asked["dgi"] = {"Groups": [{"Type": "Generic", "Items": items}], "bias": 1.0}
    return asked


def terms(options: SttOptions) -> list[str]:
    """The words that matter, as many as the service heeds, the more important ones first."""
    words = dict.fromkeys(word.strip() for word in (*options.key_terms, *options.phrases))
    return [word for word in words if word][:MOST_TERMS]


def audio_source(audio: AudioFormat) -> Mapping[str, str]:
    """What `speech.config` says of the audio."""
    return {
        "type": "Stream",
        "samplerate": str(audio.sample_rate_hz),
        "bitspersample": str(8 * audio.encoding.bytes_per_sample),
        "channelcount": str(audio.channels),
    }


def riff_header(audio: AudioFormat) -> bytes:
    """What a turn's audio begins with: a WAV file's header, of a file whose size nobody knows."""
    return struct.pack(
        "<4sI4s4sIHHIIHH4sI",
        *(b"RIFF", 0, b"WAVE", b"fmt ", 16, _TAGS[audio.encoding], audio.channels),
        *(audio.sample_rate_hz, audio.sample_rate_hz * audio.frame_bytes, audio.frame_bytes),
        *(8 * audio.encoding.bytes_per_sample, b"data", 0),
    )


def profanity(options: SttOptions) -> str:
    """What to do with bad words."""
    return "masked" if options.profanity_filter else "raw"
