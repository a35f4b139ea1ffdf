"""PURE: what is asked of AssemblyAI's recognizer, as the query of a URL has it.

Source: https://www.assemblyai.com/docs/api-reference/streaming-api/universal-streaming, and
https://www.assemblyai.com/docs/streaming/keyterms-prompting
"""

from __future__ import annotations

import orjson

from media.audio import Encoding

from ..assemblyai import AssemblyAiAccount
from ..options import AUTO
from ..tags import general
from ..types import SttOptions

__all__ = ["LANGUAGES", "UNIVERSAL", "WHISPER", "asked", "model_of", "terms"]

ENGLISH, MULTILINGUAL = "universal-streaming-english", "universal-streaming-multilingual"
UNIVERSAL = (ENGLISH, MULTILINGUAL)
"""The models that write marks and capitals if they are asked to; others do always."""
WHISPER = "whisper-rt"
"""The model that cannot be told what is spoken: it finds out."""
LANGUAGES = ("en", "es", "fr", "de", "it", "pt")
MOST_TERMS, MOST_TERM_CHARACTERS = 100, 50
USUAL_PAUSE_MS = 400
"""Within a turn it may be so long, even when the turn sounds as if it were over."""
_ENCODINGS = {Encoding.ULAW: "pcm_mulaw", Encoding.PCM16: "pcm_s16le"}


def asked(account: AssemblyAiAccount, options: SttOptions) -> list[tuple[str, str]]:
    """What is asked, as the URL has it."""
    model = model_of(account, options)
    query = [
        ("sample_rate", str(options.audio.sample_rate_hz)),
        ("encoding", _ENCODINGS[options.audio.encoding]),
        ("speech_model", model),
        # It writes neither marks nor capitals unless it is asked to.
        ("format_turns", "false" if options.punctuation is False else "true"),
        ("session_heartbeat", "true"),
    ]
    if model != ENGLISH:
        query.append(("language_detection", "true"))
    if model not in (*UNIVERSAL, WHISPER) and (codes := _codes(options)):
        query.append(("language_codes", orjson.dumps(codes).decode()))
    if options.endpointing_ms is not None:
        usual_ms = min(USUAL_PAUSE_MS, options.endpointing_ms)
        query.append(("min_turn_silence", str(usual_ms)))
        query.append(("max_turn_silence", str(options.endpointing_ms)))
    if options.diarization:
        query.append(("speaker_labels", "true"))
    if options.profanity_filter:
        query.append(("filter_profanity", "true"))
    if words := terms(options):
        query.append(("keyterms_prompt", orjson.dumps(words).decode()))
    return query


def model_of(account: AssemblyAiAccount, options: SttOptions) -> str:
    """The model that is asked for, or the one for what may be spoken."""
    if model := options.model or account.model:
        return model
    return ENGLISH if _codes(options) == ["en"] else MULTILINGUAL


def _codes(options: SttOptions) -> list[str]:
    """What may be spoken; nothing where that is to be found out."""
    tags = (options.language, *options.languages)
    return [] if AUTO in tags else list(dict.fromkeys(map(general, tags)))


def terms(options: SttOptions) -> list[str]:
    """The words that matter, as far as they are taken, the more important ones first."""
    words = dict.fromkeys(map(str.strip, (*options.key_terms, *options.phrases)))
    taken = [term for term in words if 0 < len(term) <= MOST_TERM_CHARACTERS]
    return taken[:MOST_TERMS]
