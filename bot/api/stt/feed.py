"""Audio as a client sends it, for a recognizer of each channel."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterator, Mapping

from media.audio import AudioFormat, Encoding, Samples, pcm_to_bytes
from media.channels import Unpacker, mixed
from providers.audio.streamed import StreamDecoder

from .asked import SessionRequest
from .faults import Fault

__all__ = ["Feed"]

SPEECH_HZ = 16_000
"""What containers are decoded to: recognizers hear nothing above half of it."""
PIECE_MS = 200
"""How much one channel is given before the other: none runs ahead."""


class Feed:
    """Takes the bytes of one client, and gives those of each channel.

    Args:
        request: says what they are.

    Attributes:
        format: of what is given.
        channels: how many there are.
        begun: whether anything came.
    """

    def __init__(self, request: SessionRequest) -> None:
        self.begun = False
        self.channels = request.streams
        self._decoder: StreamDecoder | None = None
        self._unpacker: Unpacker | None = None
        raw = request.format
        if raw is None:
            assert request.container is not None
            self._decoder = StreamDecoder(request.container, SPEECH_HZ, self.channels)
            self.format = AudioFormat(Encoding.PCM16, SPEECH_HZ)
        elif raw.channels == 1:
            self.format = raw
        else:
            self._unpacker = Unpacker(raw)
            self.format = AudioFormat(Encoding.PCM16, raw.sample_rate_hz)
        self._rest = b""  # of a frame: it may go to another recognizer than what came before
        self._skipped = 0  # bytes of each channel that are still to be left out
        self._muted: dict[int, int] = {}  # bytes that are still to be silent after that

    def skip(self, duration_ms: float) -> None:
        """Leave out so much of the audio that comes next: it was heard before."""
        self._skipped += self.format.byte_count(duration_ms)

    def mute(self, durations_ms: Mapping[int, float]) -> None:
        """Let so much of some channels, of several, be silent: it was heard before."""
        for channel, duration_ms in durations_ms.items():
            if duration_ms > 0 and channel < self.channels > 1:
                self._muted[channel] = self.format.byte_count(duration_ms)

    async def take(self, audio: bytes) -> AsyncGenerator[list[bytes]]:
        """Give what comes of more bytes, piece by piece: the audio of each channel.

        Raises:
            ProviderError: it is not what it was said to be, or cannot be decoded.
            Fault: it is to be split, and has one channel.
        """
        self.begun = self.begun or bool(audio)
        if self._decoder is not None:
            async for samples in self._decoder.feed(audio):
                for piece in self._pieces(samples):
                    yield piece
        elif self._unpacker is not None:
            for piece in self._pieces(self._unpacker.process(audio)):
                yield piece
        elif (whole := self._whole(audio)) and (kept := self._unskipped([whole])):
            yield kept

    async def rest(self) -> AsyncGenerator[list[bytes]]:
        """Give what is left when no more bytes come. Raises as `take`."""
        if self._decoder is not None:
            async for samples in self._decoder.finish():
                for piece in self._pieces(samples):
                    yield piece

    def close(self) -> None:
        """Release what decodes. Idempotent."""
        if self._decoder is not None:
            self._decoder.close()

    def _whole(self, audio: bytes) -> bytes:
        audio = self._rest + audio
        size = len(audio) - len(audio) % self.format.frame_bytes
        self._rest = audio[size:]
        return audio[:size]

    def _pieces(self, frames: Samples) -> Iterator[list[bytes]]:
        if not frames.size:
            return  # less than one of them has come
        frames = frames.reshape(len(frames), -1)
        if self.channels == 1:
            frames = mixed(frames)
        elif frames.shape[1] == 1:
            raise Fault(
                "bad_channels",
                "the audio has one channel: ask for stereo=mix, or send two",
                allowed={"stereo": ["mix"]},
            )
        step = self.format.byte_count(PIECE_MS) // self.format.frame_bytes
        for at in range(0, len(frames), step):
            if kept := self._unskipped(_bytes(frames[at : at + step])):
                yield self._silenced(kept)

    def _unskipped(self, piece: list[bytes]) -> list[bytes]:
        if not self._skipped:
            return piece
        left = [audio[self._skipped :] for audio in piece]
        self._skipped -= min(self._skipped, len(piece[0]))
        return left if left[0] else []

    def _silenced(self, piece: list[bytes]) -> list[bytes]:
        for channel, muted in list(self._muted.items()):
            audio = piece[channel]
            size = min(muted, len(audio))
            piece[channel] = bytes(size) + audio[size:]
            self._muted[channel] = muted - size
        return piece


def _bytes(frames: Samples) -> list[bytes]:
    return [pcm_to_bytes(frames[:, channel]) for channel in range(frames.shape[1])]
