"""PURE: recordings as WAV files, for vendors who take no headerless audio."""

from __future__ import annotations

from media.audio import Samples, decode, pcm_to_bytes
from media.files import AudioFileError, read_audio, read_wav_header, wav_header
from media.resample import resample

from ..errors import InvalidAudioError
from ..results import AudioData

__all__ = ["as_wav", "duration_ms", "resampled_wav"]


def as_wav(audio: AudioData) -> bytes:
    """A raw recording, of one channel, as a WAV file of 16 bits."""
    assert audio.format is not None
    return _file(decode(audio.data, audio.format.encoding), audio.format.sample_rate_hz)


def resampled_wav(provider: str, audio: AudioData, rate_hz: int) -> bytes:
    """A recording that is raw or a WAV file, as one of one channel, at another rate.

    Raises:
        InvalidAudioError: the WAV file is damaged.
    """
    if audio.container != "wav":
        assert audio.format is not None
        samples = decode(audio.data, audio.format.encoding)
        return _file(resample(samples, audio.format.sample_rate_hz, rate_hz), rate_hz)
    try:
        return _file(read_audio(audio.data, "audio.wav", rate_hz), rate_hz)
    except AudioFileError as error:
        raise InvalidAudioError(provider, error.found) from None


def duration_ms(audio: AudioData) -> float:
    """How long a recording plays, as it says itself; 0 when only decoding would tell."""
    if audio.container != "wav":
        return audio.duration_ms or 0.0
    try:
        header = read_wav_header(audio.data)
    except AudioFileError:
        return 0.0
    return header.format.duration_ms(min(header.data_bytes, len(audio.data) - header.data_at))


def _file(samples: Samples, rate_hz: int) -> bytes:
    body = pcm_to_bytes(samples)
    return wav_header(len(body), rate_hz, 1) + body
