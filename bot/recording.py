"""The recording of one call: stereo, the caller left, the bot right as it was heard."""

from __future__ import annotations

from bot.disk import DiskFile
from media.audio import Samples, ulaw_to_pcm
from media.files import StereoRecorder

__all__ = ["CallRecording"]


class CallRecording:
    """Streams both sides of a call to disk. Times are milliseconds on the call's clock."""

    def __init__(self, file: DiskFile) -> None:
        self._file = file
        self._recorder = StereoRecorder(file)

    @property
    def failure(self) -> str:
        """Why the recording was given up; empty while all is well."""
        return self._file.failure

    def caller(self, samples: Samples, at_ms: float) -> None:
        """What the caller said: 8 kHz samples from `at_ms` on."""
        self._recorder.write_left(samples, at_ms)

    def bot(self, ulaw: bytes, at_ms: float) -> None:
        """What the caller heard of the bot: µ-law from `at_ms` on."""
        self._recorder.write_right(ulaw_to_pcm(ulaw), at_ms)

    def close(self) -> None:
        """Write what is left."""
        self._recorder.close()
        self._file.close()
