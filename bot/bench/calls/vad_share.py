"""What the VAD costs, with its gate and without: the ears of many calls, alone in a process.

`python -m bot.bench.calls.vad_share CALLS SECONDS` prints a JSON object. The callers are those of
the benchmark; time passes as fast as they are judged.
"""

from __future__ import annotations

import asyncio
import sys
from base64 import b64decode
from collections.abc import Callable, Sequence
from time import process_time
from typing import TypedDict

import orjson

from bot.log import configure
from media.audio import Samples, ulaw_to_pcm
from media.gate import Gate
from media.vad import Model
from providers.ears import Ears
from providers.vad import load_model

from .recordings import load_material
from .script import FRAME_BYTES, FRAME_MS, Track

__all__ = ["VadCost", "measure_vad"]

STEP_MS = 10
"""The ears judge as often."""


class VadCost(TypedDict):
    """What one call's VAD takes of a core, in percent.

    Attributes:
        ungated_percent: without the model's gate; None if it has none.
        passed_share: what part of the windows the gate lets pass.
    """

    model: str
    calls: int
    gated_percent: float
    ungated_percent: float | None
    passed_share: float


class _SteppedLoop(asyncio.SelectorEventLoop):
    """A loop whose clock stands where it was put."""

    now_s = 0.0

    def time(self) -> float:
        return self.now_s


def measure_vad(calls: int, seconds: float) -> VadCost:
    """Have `calls` callers judged for so long, in their own time."""
    track = load_material().track
    model = load_model("auto")
    gated, windows = _percent(model, track, calls, seconds)
    cost = VadCost(
        model=model.name,
        calls=calls,
        gated_percent=gated,
        ungated_percent=None,
        passed_share=1.0,
    )
    if isinstance(model, Gate):
        cost["passed_share"] = model.passed / windows
        # Loaded again: places that were given out stay with a model.
        fresh = load_model(model.name)
        assert isinstance(fresh, Gate)
        cost["ungated_percent"] = _percent(fresh.model, track, calls, seconds)[0]
    return cost


def _percent(model: Model, track: Track, calls: int, seconds: float) -> tuple[float, int]:
    """CPU time for each call, in percent of the time of its audio; how many windows there were."""
    samples = ulaw_to_pcm(b"".join(map(b64decode, track.payloads)))
    # The first second is not measured: the gate lets everything pass at a call's beginning.
    steps_before, steps = 1000 // STEP_MS, round(seconds * 1000) // STEP_MS
    with asyncio.Runner(loop_factory=_SteppedLoop) as runner:
        used_s, windows = runner.run(_listen(model, samples, calls, steps_before, steps))
    return used_s / (steps * STEP_MS / 1000) / calls * 100, windows


async def _listen(
    model: Model, samples: Samples, calls: int, steps_before: int, steps: int
) -> tuple[float, int]:
    loop = asyncio.get_running_loop()
    assert isinstance(loop, _SteppedLoop)
    ears = Ears(model, max_calls=calls)
    feeds = [ears.open(lambda _: None).feed for _ in range(calls)]
    began_s = 0.0
    for step in range(steps_before + steps):
        if step == steps_before:
            began_s = process_time()
        loop.now_s += STEP_MS / 1000
        _feed(feeds, samples, step)
        # The timer of the ears is due in the first round of the loop, and runs in the second.
        await asyncio.sleep(0)
        await asyncio.sleep(0)
    used_s = process_time() - began_s
    ears.close()
    return used_s, ears.windows


def _feed(feeds: Sequence[Callable[[Samples], None]], samples: Samples, step: int) -> None:
    """A frame for each caller whose turn it is: they are spread over the 20 ms as phones are."""
    frame, half = divmod(step, FRAME_MS // STEP_MS)
    frames = len(samples) // FRAME_BYTES
    for number, feed in enumerate(feeds):
        if number % FRAME_MS // STEP_MS == half:
            offset = round(number / len(feeds) * frames)
            at = (offset + frame) % frames * FRAME_BYTES
            feed(samples[at : at + FRAME_BYTES])


def main() -> None:
    configure("warning")
    calls, seconds = int(sys.argv[1]), float(sys.argv[2])
    print(orjson.dumps(measure_vad(calls, seconds)).decode())


if __name__ == "__main__":
    main()
