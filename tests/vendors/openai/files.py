"""`POST /v1/audio/transcriptions`: a recording in a form, and what is said in it."""

from __future__ import annotations

from starlette.datastructures import FormData, UploadFile

from media.audio import AudioFormat
from media.files import AudioFileError, read_wav_header
from tests.vendors.speech.exchange import Exchange
from tests.vendors.speech.hearing import Hearing, Listening, Token, transcribe
from tests.vendors.speech.refusal import Answer, Json

from .offer import FILE_MODELS, KEYWORD_MODELS, check_language, check_model
from .refusal import Wrong, check_keys, unknown_value

__all__ = ["answer_file"]

MAX_BYTES = 25 * 1024 * 1024
ENDINGS = {"flac", "mp3", "mp4", "mpeg", "mpga", "m4a", "ogg", "wav", "webm"}
DIARIZING = "gpt-4o-transcribe-diarize"
FIELDS = {
    *("file", "model", "language", "languages[]", "keywords[]", "prompt", "response_format"),
    *("temperature", "timestamp_granularities[]", "chunking_strategy"),
}


async def answer_file(exchange: Exchange, hearing: Hearing) -> None:
    """Answer one request.

    Raises:
        Wrong: something in it is not as it has to be.
    """
    if len(exchange.body) > MAX_BYTES + 64 * 1024:
        raise Wrong(f"Maximum content size limit ({MAX_BYTES}) exceeded.", status=413)
    async with exchange.form() as form:
        check_keys(dict(form), FIELDS)
        model, answer_format = _asked(form)
        languages = _languages(form, model)
        audio, audio_format = await _recording(form)
    listening = Listening(audio_format, whole_words=True)
    tokens = await transcribe(hearing, audio, listening)
    duration_s = audio_format.duration_ms(len(audio)) / 1000
    answer: Json = {"text": "".join(token.text for token in tokens).strip()}
    if answer_format == "verbose_json":
        words = [_word(token) for token in tokens]
        answer |= {"task": "transcribe", "language": "english", "duration": duration_s}
        answer |= {"words": words, "usage": {"type": "duration", "seconds": duration_s}}
    elif answer_format == "diarized_json":
        answer |= {"task": "transcribe", "duration": duration_s}
        answer["segments"] = [_segment(tokens)] if tokens else []
    else:
        answer["usage"] = {"type": "tokens", "input_tokens": 1, "output_tokens": len(tokens)}
        answer["usage"]["total_tokens"] = len(tokens) + 1
        if model == "gpt-transcribe":
            answer["languages"] = [{"code": code} for code in languages[:1] or ["en"]]
    await exchange.answer(Answer.json(answer))


def _asked(form: FormData) -> tuple[str, str]:
    """The model, and the answer's format, which not every model gives."""
    model, answer_format = form.get("model"), form.get("response_format", "json")
    if not isinstance(model, str):
        raise Wrong("you must provide a model parameter", "model")
    check_model(model, FILE_MODELS)
    formats = {"whisper-1": {"json", "verbose_json"}, DIARIZING: {"json", "diarized_json"}}
    if answer_format not in formats.get(model, {"json"}):
        message = f"response_format '{answer_format}' is not compatible with model '{model}'."
        raise Wrong(message, "response_format", "unsupported_value")
    if form.getlist("timestamp_granularities[]") and answer_format != "verbose_json":
        raise Wrong("It needs verbose_json.", "timestamp_granularities", "unsupported_value")
    if form.get("chunking_strategy", "auto") != "auto":
        raise unknown_value("chunking_strategy", form.get("chunking_strategy"), ["auto"])
    return model, str(answer_format)


def _languages(form: FormData, model: str) -> list[str]:
    several = [str(code) for code in form.getlist("languages[]")]
    if (several or form.getlist("keywords[]")) and model not in KEYWORD_MODELS:
        message = f"'{model}' takes one language, and no keywords."
        raise Wrong(message, "languages", "unsupported_value")
    languages = several + [str(code) for code in form.getlist("language")]
    for language in languages:
        check_language(language)
    return languages


async def _recording(form: FormData) -> tuple[bytes, AudioFormat]:
    """Its samples: of the containers the stand-in reads WAV alone."""
    file = form.get("file")
    if not isinstance(file, UploadFile):
        raise Wrong("file is required", "file")
    data = await file.read()
    if len(data) > MAX_BYTES:
        raise Wrong(f"Maximum content size limit ({MAX_BYTES}) exceeded.", status=413)
    ending = (file.filename or "").rpartition(".")[2].lower()
    if ending not in ENDINGS:
        message = f"Unrecognized file format. Supported formats: {sorted(ENDINGS)}"
        raise Wrong(message, "file", "invalid_value")
    try:
        header = read_wav_header(data)
    except AudioFileError:
        message = "Audio file might be corrupted or unsupported"
        raise Wrong(message, "file", "invalid_value") from None
    return data[header.data_at :][: header.data_bytes], header.format


def _word(token: Token) -> Json:
    start_ms, end_ms = token.start_ms or 0, token.end_ms or 0
    return {"word": token.text.strip(), "start": start_ms / 1000, "end": end_ms / 1000}


def _segment(tokens: list[Token]) -> Json:
    """One speaker's stretch."""
    return {
        "type": "transcript.text.segment",
        "id": "seg_0",
        "start": (tokens[0].start_ms or 0) / 1000,
        "end": (tokens[-1].end_ms or 0) / 1000,
        "speaker": "A",
        "text": "".join(token.text for token in tokens),
    }
