"""The batcher: every call hears its own audio, whatever the others do and however it comes."""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from media.audio import Samples
from media.vad import (
    WINDOW,
    Probabilities,
    SpeechDetector,
    SpeechEvent,
    SpeechStarted,
    SpeechStopped,
    Voices,
    Windows,
)
from providers.ears import Ears, Listener
from providers.errors import CapacityError
from providers.vad import load_model
from tests.media.hearing import (
    SPOKEN,
    detect,
    in_a_room,
    judge,
    noise,
    onset_ms,
    recorded,
    silence,
    silero_network,
    vowels,
)

FRAME = 160


class Loudness:
    """A model whose answer is the window's first sample in percent; it keeps what it was shown."""

    name = "loudness"

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.shown: dict[int, list[int]] = {}
        self.capacity = 0
        self.failures = 0

    def reserve(self, capacity: int) -> None:
        self.capacity = capacity

    def forget(self, voice: int) -> None:
        self.shown[voice] = []

    def infer(self, windows: Windows, voices: Voices) -> Probabilities:
        assert windows.shape == (len(voices), WINDOW)
        assert len(set(voices.tolist())) == len(voices)
        self.batches.append(voices.tolist())
        if self.failures:
            self.failures -= 1
            raise ArithmeticError("the model broke")
        for window, voice in zip(windows, voices.tolist(), strict=True):
            self.shown[voice] += window.tolist()
        answers: Probabilities = (windows[:, 0] / 100).astype(np.float32)
        return answers


LOUD = np.full(WINDOW, 90, np.int16)
QUIET = np.zeros(WINDOW, np.int16)


@pytest.fixture
def model() -> Loudness:
    return Loudness()


@pytest.fixture
async def ears(model: Loudness) -> AsyncIterator[Ears]:
    ears = Ears(model)
    yield ears
    ears.close()


def ignore(event: SpeechEvent) -> None:
    """For listeners whose events do not matter."""


async def judged(ears: Ears) -> None:
    """Wait for the ticks that are due, until nothing waits any more."""
    while ears._timer is not None:
        after = asyncio.Event()
        asyncio.get_running_loop().call_at(ears._timer.when() + 1e-4, after.set)
        async with asyncio.timeout(5):
            await after.wait()


async def test_what_waits_is_judged_at_once_when_that_is_wanted(ears: Ears) -> None:
    heard: list[SpeechEvent] = []
    listener = ears.open(heard.append)
    for _ in range(6):
        listener.feed(LOUD)
    assert not heard
    listener.judge()
    assert listener.judged_ms == 192
    assert [type(event) for event in heard] == [SpeechStarted]


def frames(samples: Samples, size: int = FRAME) -> list[Samples]:
    return [samples[at : at + size] for at in range(0, len(samples), size)]


async def test_it_says_when_speech_starts_and_stops(ears: Ears) -> None:
    heard: list[SpeechEvent] = []
    listener = ears.open(heard.append)
    for frame in frames(np.concatenate([QUIET, *[LOUD] * 4, *[QUIET] * 7])):
        listener.feed(frame)
    assert heard == []
    await judged(ears)
    assert heard == [
        SpeechStarted(at_ms=32, detected_ms=128),
        SpeechStopped(at_ms=160, detected_ms=384),
    ]
    assert (listener.speaking, listener.last_speech_ms, listener.judged_ms) == (False, 160, 384)


async def test_a_detector_of_ones_own(ears: Ears) -> None:
    heard: list[SpeechEvent] = []
    listener = ears.open(heard.append, detector=SpeechDetector(min_speech_ms=32))
    listener.feed(LOUD)
    await judged(ears)
    assert heard == [SpeechStarted(at_ms=0, detected_ms=32)]
    assert listener.speaking


async def test_all_who_wait_are_judged_in_one_batch(ears: Ears, model: Loudness) -> None:
    listeners = [ears.open(ignore) for _ in range(40)]
    for listener in listeners:
        listener.feed(LOUD)
    await judged(ears)
    assert [len(batch) for batch in model.batches] == [40]
    assert (ears.windows, ears.batches) == (40, 1)


async def test_a_lone_window_does_not_wait_and_the_next_comes_after_ten_ms(ears: Ears) -> None:
    loop = asyncio.get_running_loop()
    times: list[float] = []
    detector = SpeechDetector(min_speech_ms=32, min_silence_ms=32)
    listener = ears.open(lambda event: times.append(loop.time()), detector=detector)
    listener.feed(LOUD)
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert len(times) == 1
    listener.feed(QUIET)
    await judged(ears)
    assert times[1] - times[0] >= 0.0099


async def test_no_timer_while_nothing_waits(ears: Ears) -> None:
    listener = ears.open(ignore)
    listener.feed(LOUD[:255])
    assert ears._timer is None
    listener.feed(LOUD[:1])
    assert ears._timer is not None
    await judged(ears)
    assert ears._timer is None


async def test_a_burst_is_judged_in_order(ears: Ears, model: Loudness) -> None:
    listener, other = ears.open(ignore), ears.open(ignore)
    burst = np.arange(WINDOW * 20, dtype=np.int16)
    listener.feed(burst)
    other.feed(LOUD)
    await judged(ears)
    assert model.shown[listener._slot] == burst.tolist()
    assert len(model.batches[0]) == 2
    assert len(model.batches) == 20


async def test_a_long_burst_leaves_the_loop_time_to_breathe(ears: Ears, model: Loudness) -> None:
    listener = ears.open(ignore)
    listener.feed(np.arange(WINDOW * 30, dtype=np.int16))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert len(model.batches) == 4
    await judged(ears)
    assert len(model.shown[listener._slot]) == WINDOW * 30


async def test_more_than_a_second_at_once_is_judged_at_once(ears: Ears, model: Loudness) -> None:
    listener = ears.open(ignore)
    long = np.arange(30_001).astype(np.int16)
    listener.feed(long[:100])
    listener.feed(long[100:])
    assert len(model.shown[listener._slot]) > 20_000
    await judged(ears)
    assert model.shown[listener._slot] == long[: 30_001 // WINDOW * WINDOW].tolist()


async def test_feeding_that_much_from_a_callback_is_refused(ears: Ears, model: Loudness) -> None:
    refused: list[str] = []

    def greedy(event: SpeechEvent) -> None:
        with pytest.raises(RuntimeError, match="called from on_event") as error:
            other.feed(np.zeros(10_000, np.int16))
        refused.append(str(error.value))

    other = ears.open(ignore)
    listener = ears.open(greedy, detector=SpeechDetector(min_speech_ms=32))
    listener.feed(LOUD)
    await judged(ears)
    assert len(refused) == 1
    await judged(ears)
    assert ears.callback_errors == 0


@given(st.lists(st.integers(1, 2000), min_size=1, max_size=40))
def test_how_the_audio_is_cut_makes_no_difference(sizes: list[int]) -> None:
    async def scenario() -> None:
        model = Loudness()
        ears = Ears(model)
        listener = ears.open(ignore)
        everything = np.arange(sum(sizes)).astype(np.int16)
        for end, size in zip(np.cumsum(sizes).tolist(), sizes, strict=True):
            listener.feed(everything[end - size : end])
        while ears._pending:
            ears._tick()
        whole = len(everything) // WINDOW * WINDOW
        assert model.shown[listener._slot] == everything[:whole].tolist()
        assert listener.judged_ms == whole // 8
        ears.close()

    asyncio.run(scenario())


async def test_calls_keep_their_audio_while_the_arena_grows(ears: Ears, model: Loudness) -> None:
    audio = np.arange(FRAME * 16, dtype=np.int16)
    listeners: list[Listener] = []
    for number in range(50):
        listeners.append(ears.open(ignore))
        for listener in listeners[-3:]:
            listener.feed(audio[:100] + number)
    for listener in listeners:
        listener.feed(audio)
    await judged(ears)
    assert model.capacity == 64
    start = (audio[:100] + 10).tolist() + (audio[:100] + 11).tolist() + (audio[:100] + 12).tolist()
    assert model.shown[listeners[10]._slot][: 300 + WINDOW] == start + audio[:WINDOW].tolist()


async def test_a_place_that_is_given_back_is_empty_for_the_next(
    ears: Ears, model: Loudness
) -> None:
    heard: list[SpeechEvent] = []
    first = ears.open(ignore)
    slot = first._slot
    first.feed(np.concatenate([LOUD, LOUD, LOUD[:100]]))
    first.close()
    first.close()
    second = ears.open(heard.append)
    assert second._slot == slot
    second.feed(np.concatenate([LOUD, QUIET, QUIET]))
    await judged(ears)
    assert model.shown[slot] == [*LOUD.tolist(), *QUIET.tolist(), *QUIET.tolist()]
    assert (heard, second.last_speech_ms, second.judged_ms) == ([], None, 96)


async def test_a_closed_listener_hears_and_says_nothing(ears: Ears, model: Loudness) -> None:
    heard: list[SpeechEvent] = []
    listener = ears.open(heard.append)
    listener.feed(np.concatenate([LOUD] * 5))
    listener.close()
    with pytest.raises(RuntimeError, match="closed"):
        listener.feed(LOUD)
    await judged(ears)
    assert (heard, model.batches) == ([], [])


async def test_a_callback_may_close_its_own_and_other_listeners(ears: Ears) -> None:
    heard: list[str] = []

    def hang_up(event: SpeechEvent) -> None:
        heard.append("one")
        one.close()
        two.close()

    def never(event: SpeechEvent) -> None:
        heard.append("two")

    one = ears.open(hang_up, detector=SpeechDetector(min_speech_ms=32))
    two = ears.open(never, detector=SpeechDetector(min_speech_ms=32))
    three = ears.open(lambda event: heard.append("three"))
    for listener in (one, two, three):
        listener.feed(np.concatenate([LOUD] * 3))
    await judged(ears)
    assert heard == ["one", "three"]


async def test_a_callback_that_raises_hurts_nobody_else(ears: Ears) -> None:
    heard: list[SpeechEvent] = []

    def broken(event: SpeechEvent) -> None:
        raise LookupError("not my day")

    listeners = [ears.open(broken), ears.open(heard.append)]
    for _ in range(2):
        for listener in listeners:
            listener.feed(np.concatenate([LOUD] * 3 + [QUIET] * 7))
        await judged(ears)
    assert len(heard) == 4
    assert ears.callback_errors == 4


async def test_a_callback_that_is_broken_off_leaves_nobody_deaf(ears: Ears) -> None:
    def broken_off(event: SpeechEvent) -> None:
        if isinstance(event, SpeechStarted):
            raise asyncio.CancelledError

    listener = ears.open(broken_off, detector=SpeechDetector(min_speech_ms=32))
    listener.feed(LOUD)
    with pytest.raises(asyncio.CancelledError):
        listener.judge()
    listener.feed(np.zeros(10_000, np.int16))  # judged at once
    assert listener.judged_ms > 1_000


async def test_callbacks_run_in_the_context_of_the_call_that_opened_them(ears: Ears) -> None:
    call: contextvars.ContextVar[str] = contextvars.ContextVar("call")
    seen: list[str] = []

    async def one_call(sid: str) -> None:
        call.set(sid)
        listener = ears.open(lambda event: seen.append(call.get()))
        listener.feed(np.concatenate([LOUD] * 3))

    await asyncio.gather(one_call("CA1"), one_call("CA2"))
    await judged(ears)
    assert seen == ["CA1", "CA2"]


async def test_a_model_that_fails_once_leaves_nobody_deaf(ears: Ears, model: Loudness) -> None:
    complaints: list[object] = []
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _, context: complaints.append(context["exception"]))
    heard: list[SpeechEvent] = []
    listeners = [ears.open(heard.append), ears.open(heard.append)]
    model.failures = 1
    for listener in listeners:
        listener.feed(LOUD)
    await judged(ears)
    assert [str(complaint) for complaint in complaints] == ["the model broke"]
    for listener in listeners:
        listener.feed(np.concatenate([LOUD] * 3))
    await judged(ears)
    assert heard == [SpeechStarted(at_ms=32, detected_ms=128)] * 2


async def test_there_is_a_bound_to_the_listeners(model: Loudness) -> None:
    ears = Ears(model, max_calls=20)
    listeners = [ears.open(ignore) for _ in range(20)]
    with pytest.raises(CapacityError, match="all 20 listeners are taken; end one"):
        ears.open(ignore)
    listeners[3].close()
    ears.open(ignore)
    assert model.capacity == 20
    ears.close()


async def test_closing_leaves_no_timer_and_no_task(model: Loudness) -> None:
    tasks = asyncio.all_tasks()
    ears = Ears(model)
    listeners = [ears.open(ignore) for _ in range(3)]
    for listener in listeners:
        listener.feed(LOUD)
    timer = ears._timer
    assert timer is not None
    assert asyncio.all_tasks() == tasks
    ears.close()
    assert timer.cancelled()
    with pytest.raises(RuntimeError, match="closed"):
        listeners[0].feed(LOUD)


async def test_silero_judges_a_hundred_calls_as_it_judges_one() -> None:
    silero_network()
    alone = load_model("silero")
    alone.reserve(1)
    voices = [
        np.concatenate([silence(0.5), np.roll(vowels(1.5), 40 * n), silence(0.5)]) for n in range(8)
    ]
    expected = [detect(judge(alone, voice)) for voice in voices]
    assert all(len(events) == 2 for events in expected)
    ears = Ears(load_model("silero"))
    heard: list[list[SpeechEvent]] = [[] for _ in range(100)]
    listeners = [ears.open(events.append) for events in heard]
    # As at a worker: everybody's frames come at their own time, and every other call is quiet.
    hush = noise(2.5, -60)
    for number in range(len(voices[0]) // FRAME):
        for caller, listener in enumerate(listeners):
            source = hush if caller % 2 else voices[caller // 2 % 8]
            listener.feed(source[number * FRAME : (number + 1) * FRAME])
        if number % 5 == 0:
            await asyncio.sleep(0)
    await judged(ears)
    ears.close()
    for caller, events in enumerate(heard):
        assert events == ([] if caller % 2 else expected[caller // 2 % 8]), caller


@pytest.mark.parametrize("name", SPOKEN)
async def test_recorded_speech_through_the_best_model(recordings: Path, name: str) -> None:
    silero_network()
    ears = Ears(load_model("auto"))
    heard: list[SpeechEvent] = []
    listener = ears.open(heard.append)
    speech = recorded(recordings, name)
    for frame in frames(in_a_room(speech)):
        listener.feed(frame)
    await judged(ears)
    ears.close()
    assert heard[0].at_ms == pytest.approx(1000 + onset_ms(speech), abs=100)
    assert isinstance(heard[-1], SpeechStopped)


async def test_who_wants_to_know_is_told_when_all_is_judged(ears: Ears) -> None:
    told: list[int] = []
    events: list[SpeechEvent] = []

    def through() -> None:
        told.append(listener.judged_ms)
        assert len(events) == (listener.judged_ms >= 96)

    listener = ears.open(events.append, on_judged=through)
    listener.feed(np.concatenate([LOUD] * 3 + [QUIET[:100]]))
    await judged(ears)
    listener.feed(QUIET[100:])
    listener.judge()
    assert told == [96, 128]
    listener.feed(QUIET)
    listener.close()
    await judged(ears)
    assert told == [96, 128]


async def test_what_it_raises_hurts_nobody(ears: Ears) -> None:
    told: list[int] = []

    def broken() -> None:
        raise ZeroDivisionError

    bad = ears.open(ignore, on_judged=broken)
    good = ears.open(ignore, on_judged=lambda: told.append(good.judged_ms))
    for listener in (bad, good):
        listener.feed(QUIET)
    await judged(ears)
    assert (told, ears.callback_errors) == ([32], 1)
