"""What audio costs: µs for each 20 ms frame by stage, and the quality of resamplers.

Times are the least of several rounds, beside audioop doing the same work in the same run. Quality
does not depend on the machine: it is computed from each resampler's answer to an impulse, fed in
frames of 20 ms as a call does.
"""

from __future__ import annotations

import platform
from binascii import b2a_base64
from collections.abc import Callable
from time import perf_counter
from typing import Protocol, TypedDict

import numpy as np
import soxr
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from media.audio import Samples, audioop, pcm_to_bytes, pcm_to_ulaw, ulaw_to_pcm
from media.messages import SendMedia
from media.resample import Downsampler, Upsampler
from media.twilio import parse
from media.twilio import render as render_message

__all__ = ["Budget", "MediaBench", "Quality", "Stage", "render", "run"]

FRAME_MS = 20
_FRAME = 160
_PASS_HZ, _STOP_HZ = 3400, 4600
_SYNTHESIS_HZ = 22_050  # eSpeak NG's rate
_AUDIOOP = "audioop alone: ulaw2lin and ratecv"
_INBOUND = "decode and resample (PCM bytes)"
_HALF_BAND = "half-band (ours)"


class Stage(TypedDict):
    """The cost of one stage; `ratio` is to audioop's decoding and resampling in this run."""

    name: str
    us_per_frame: float
    ratio: float


class Quality(TypedDict):
    """A resampler from 8 to 16 kHz.

    `image_rejection_db` is that of the worst image above 4.6 kHz, `ripple_db` from the lowest to
    the highest gain up to 3.4 kHz; `delay_ms` is how late sound comes out at worst, the time to
    fill a frame not counted, and `burst_ms` the most that came out for one frame.
    """

    name: str
    image_rejection_db: float
    ripple_db: float
    delay_ms: float
    burst_ms: float
    us_per_frame: float


class Budget(TypedDict):
    """A promise of the design: `measured` must not be above `limit` (or below, if `at_least`)."""

    name: str
    limit: float
    measured: float
    at_least: bool
    met: bool


class MediaBench(TypedDict):
    """All of the benchmark, ready for JSON."""

    frame_ms: int
    python: str
    stages: list[Stage]
    resamplers: list[Quality]
    budgets: list[Budget]


class _Doubler(Protocol):
    """A resampler from 8 to 16 kHz, as this benchmark sees all of them."""

    def process(self, samples: Samples) -> NDArray[np.generic]: ...

    def flush(self) -> NDArray[np.generic]: ...


class _Soxr:
    """soxr in float32, at one of its qualities."""

    def __init__(self, quality: str) -> None:
        self._stream = soxr.ResampleStream(8000, 16_000, 1, dtype="float32", quality=quality)

    def process(self, samples: Samples) -> NDArray[np.float32]:
        out: NDArray[np.float32] = self._stream.resample_chunk(samples.astype(np.float32))
        return out

    def flush(self) -> NDArray[np.float32]:
        out: NDArray[np.float32] = self._stream.resample_chunk(np.empty(0, np.float32), last=True)
        return out


class _Linear:
    """audioop's linear interpolation."""

    def __init__(self) -> None:
        self._state = audioop.ratecv(b"", 2, 1, 8000, 16_000, None)[1]

    def process(self, samples: Samples) -> Samples:
        out, self._state = audioop.ratecv(samples.tobytes(), 2, 1, 8000, 16_000, self._state)
        return np.frombuffer(out, np.int16)

    def flush(self) -> Samples:
        return np.empty(0, np.int16)


def _soxr(quality: str) -> Callable[[], _Doubler]:
    return lambda: _Soxr(quality)


_DOUBLERS: dict[str, Callable[[], _Doubler]] = {
    _HALF_BAND: Upsampler,
    **{f"soxr {quality}": _soxr(quality) for quality in ("QQ", "LQ", "MQ", "HQ", "VHQ")},
    "audioop.ratecv": _Linear,
}


def run(*, frames: int = 2_000, rounds: int = 5) -> MediaBench:
    """Measure, in about a second.

    Args:
        frames: how many frames each stage works on in a round.
        rounds: how many times, the fastest counting.
    """

    def clock(work: Callable[[], object]) -> float:
        return _us_per_frame(work, frames, rounds)

    stages = _stages(clock)
    resamplers = [_quality(name, make, clock) for name, make in _DOUBLERS.items()]
    return MediaBench(
        frame_ms=FRAME_MS,
        python=platform.python_version(),
        stages=stages,
        resamplers=resamplers,
        budgets=_budgets(stages, resamplers),
    )


def _us_per_frame(work: Callable[[], object], frames: int, rounds: int) -> float:
    best = float("inf")
    for _ in range(rounds):
        start = perf_counter()
        for _ in range(frames):
            work()
        best = min(best, perf_counter() - start)
    return best / frames * 1e6


def _speech_like(count: int) -> Samples:
    """Noise at −20 dBFS or so: no stage's cost depends on what is said."""
    return np.rint(np.random.default_rng(1).standard_normal(count) * 3000).astype(np.int16)


def _stages(clock: Callable[[Callable[[], object]], float]) -> list[Stage]:
    samples = _speech_like(_FRAME)
    ulaw = pcm_to_ulaw(samples)
    synthesized = _speech_like(_SYNTHESIS_HZ * FRAME_MS // 1000)
    message = (
        f'{{"event":"media","sequenceNumber":"4","media":{{"track":"inbound","chunk":"2",'
        f'"timestamp":"5","payload":"{b2a_base64(ulaw, newline=False).decode()}"}},'
        f'"streamSid":"MZ{"0" * 32}"}}'
    )
    command, sid = SendMedia(ulaw), f"MZ{'0' * 32}"
    upsampler, linear, down = Upsampler(), _Linear(), Downsampler(_SYNTHESIS_HZ)
    work: dict[str, Callable[[], object]] = {
        "decode µ-law": lambda: ulaw_to_pcm(ulaw),
        "resample 8 to 16 kHz": lambda: upsampler.process(samples),
        _INBOUND: lambda: pcm_to_bytes(upsampler.process(ulaw_to_pcm(ulaw))),
        _AUDIOOP: lambda: linear.process(ulaw_to_pcm(ulaw)),
        f"resample {_SYNTHESIS_HZ} to 8000 Hz": lambda: down.process(synthesized),
        "encode µ-law": lambda: pcm_to_ulaw(samples),
        "parse a Twilio message": lambda: parse(message),
        "render a Twilio message": lambda: render_message(command, sid),
    }
    times = {name: clock(stage) for name, stage in work.items()}
    return [
        Stage(name=name, us_per_frame=time_us, ratio=time_us / times[_AUDIOOP])
        for name, time_us in times.items()
    ]


def _quality(
    name: str,
    make: Callable[[], _Doubler],
    clock: Callable[[Callable[[], object]], float],
) -> Quality:
    impulse = np.zeros(60 * _FRAME, np.int16)
    middle = len(impulse) // 2
    impulse[middle] = 32767
    doubler, pieces, late = make(), [], 0
    for start in range(0, len(impulse), _FRAME):
        pieces.append(doubler.process(impulse[start : start + _FRAME]))
        late = max(late, 2 * (start + _FRAME) - sum(map(len, pieces)))
    burst = max(map(len, pieces))
    answer = np.concatenate([*pieces, doubler.flush()]).astype(np.float64) / 32767 / 2
    shift = int(np.argmax(np.abs(answer))) - 2 * middle
    gain_db = 20 * np.log10(np.abs(np.fft.rfft(answer, 1 << 16)) + 1e-12)
    hz = np.arange(len(gain_db)) * 16_000 / (1 << 16)
    passed = gain_db[hz <= _PASS_HZ]
    timed, frame = make(), _speech_like(_FRAME)
    return Quality(
        name=name,
        image_rejection_db=float(-gain_db[hz >= _STOP_HZ].max()),
        ripple_db=float(passed.max() - passed.min()),
        delay_ms=(late + shift) / 16,
        burst_ms=burst / 16,
        us_per_frame=clock(lambda: timed.process(frame)),
    )


def _budgets(stages: list[Stage], resamplers: list[Quality]) -> list[Budget]:
    inbound = next(stage for stage in stages if stage["name"] == _INBOUND)
    ours = next(quality for quality in resamplers if quality["name"] == _HALF_BAND)

    def budget(name: str, limit: float, measured: float, *, at_least: bool = False) -> Budget:
        met = measured >= limit if at_least else measured <= limit
        return Budget(name=name, limit=limit, measured=measured, at_least=at_least, met=met)

    return [
        budget("decode and resample, µs", 15.0, inbound["us_per_frame"]),
        budget("images from 4.6 kHz, dB down", 60.0, ours["image_rejection_db"], at_least=True),
        budget("ripple to 3.4 kHz, dB", 0.1, ours["ripple_db"]),
        budget("delay, ms", 2.0, ours["delay_ms"]),
    ]


def render(result: MediaBench, console: Console) -> None:
    """Print the result as tables."""
    stages = Table("stage", title=f"Cost of {result['frame_ms']} ms, Python {result['python']}")
    stages.add_column("µs", justify="right")
    stages.add_column("× audioop", justify="right")
    for stage in result["stages"]:
        stages.add_row(stage["name"], f"{stage['us_per_frame']:.2f}", f"{stage['ratio']:.2f}")
    quality = Table("8 to 16 kHz", title="Resamplers, fed 20 ms at a time")
    for heading in ("images, dB", "ripple, dB", "delay, ms", "burst, ms", "µs"):
        quality.add_column(heading, justify="right")
    for row in result["resamplers"]:
        quality.add_row(
            row["name"],
            f"−{row['image_rejection_db']:.1f}",
            f"{row['ripple_db']:.3f}",
            f"{row['delay_ms']:.1f}",
            f"{row['burst_ms']:.1f}",
            f"{row['us_per_frame']:.2f}",
        )
    budgets = Table("budget", title="Budgets")
    for heading in ("limit", "measured", "met"):
        budgets.add_column(heading, justify="right")
    for item in result["budgets"]:
        limit = f"{'≥' if item['at_least'] else '≤'} {item['limit']:g}"
        met = "yes" if item["met"] else "[bold red]no[/]"
        budgets.add_row(item["name"], limit, f"{item['measured']:.3g}", met)
    console.print(stages, quality, budgets)
