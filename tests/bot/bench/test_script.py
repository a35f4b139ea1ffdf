"""The workload is the one that the budgets are for."""

from __future__ import annotations

from base64 import b64decode

import numpy as np
import pytest

from bot.bench.calls.recordings import load_material
from bot.bench.calls.script import (
    BYTES_PER_MS,
    CYCLE_FRAMES,
    CYCLE_MS,
    END_MS,
    FRAME_BYTES,
    FRAME_MS,
    SPEECH_MS,
    Material,
    Moment,
    barge_ins_between,
    reply_bytes,
    reply_text,
    turn_of,
    turns_between,
)
from media.audio import Samples, rms_dbfs, ulaw_to_pcm
from media.vad import WINDOW, SpeechDetector, SpeechStarted, SpeechStopped
from providers.vad import load_model

ENDPOINTING_MS = 450
BARGE_IN_MS = 200


@pytest.fixture(scope="module")
def material() -> Material:
    return load_material()


@pytest.fixture(scope="module")
def samples(material: Material) -> Samples:
    frames = [b64decode(payload) for payload in material.track.payloads]
    assert {len(frame) for frame in frames} == {FRAME_BYTES}
    return ulaw_to_pcm(b"".join(frames))


def cycle(samples: Samples, number: int, from_ms: int, to_ms: int) -> Samples:
    start = (number * CYCLE_MS + from_ms) * BYTES_PER_MS
    return samples[start : start + (to_ms - from_ms) * BYTES_PER_MS]


@pytest.mark.parametrize("number", range(4))
def test_the_caller_speaks_45_percent_of_the_time_15_db_above_the_noise(
    samples: Samples, number: int
) -> None:
    speech = rms_dbfs(cycle(samples, number, 0, SPEECH_MS))
    noise = rms_dbfs(cycle(samples, number, SPEECH_MS, CYCLE_MS))
    assert noise == pytest.approx(-35, abs=0.3)
    assert speech - noise == pytest.approx(15, abs=1)
    assert SPEECH_MS / CYCLE_MS == 0.45


def test_the_bot_speaks_45_percent_of_the_time() -> None:
    replies_ms = [reply_bytes(turn) / BYTES_PER_MS for turn in range(4)]
    until_barge_in_ms = CYCLE_MS - END_MS + BARGE_IN_MS
    assert replies_ms[3] > until_barge_in_ms + 500
    heard_ms = sum(replies_ms[:3]) + until_barge_in_ms
    assert heard_ms / (4 * CYCLE_MS) == pytest.approx(0.45, abs=0.01)


@pytest.mark.parametrize("name", ["silero", "webrtc", "energy"])
def test_every_vad_hears_each_turn_as_one(samples: Samples, name: str) -> None:
    """No pause in a turn is so long that the worker would end it before the recognizer does."""
    model, detector = load_model(name), SpeechDetector()
    model.reserve(1)
    model.forget(0)
    starts, stops = [], []
    windows = samples[: len(samples) // WINDOW * WINDOW].reshape(-1, WINDOW)
    for number, window in enumerate(windows):
        probability = float(model.infer(window[None], np.array([0]))[0])
        event = detector.feed(probability, (number + 1) * 32)
        if isinstance(event, SpeechStarted):
            starts.append(event.at_ms)
        elif isinstance(event, SpeechStopped):
            stops.append(event.at_ms)
    pauses_ms = [start - stop for stop, start in zip(stops, starts[1:], strict=False)]
    assert len([pause for pause in pauses_ms if pause > ENDPOINTING_MS]) == 3
    assert [at_ms // CYCLE_MS for at_ms in starts[:1] + stops[-1:]] == [0, 3]


def test_each_turn_is_ended_by_the_recognizer_after_its_words(material: Material) -> None:
    moments = material.track.moments
    ends = [moment.frame for moment in moments if moment.end]
    assert ends == [number * CYCLE_FRAMES + END_MS // FRAME_MS for number in range(4)]
    assert moments[0] == Moment(300 // FRAME_MS, end=False)
    assert moments == sorted(moments, key=lambda moment: moment.frame)
    assert len(moments) == 4 * (14 + 1)


@pytest.mark.parametrize("start", [0, 234, 235, 1_000, 1_734, 1_735, 1_999])
def test_what_a_call_must_have_had(material: Material, start: int) -> None:
    """Counted as the recognizer goes along the track, and as the caller begins to speak."""
    ends = [cycle * CYCLE_FRAMES + END_MS // FRAME_MS for cycle in range(12)]
    for length in (0, 1, 234, 235, 500, 501, 1_999, 2_000, 3_999):
        end = start + length
        heard = [frame for frame in ends if start < frame <= end]
        assert turns_between(start, end) == len(heard)
        cut_off = [frame for frame in ends[3::4] if start < frame and frame + 265 <= end]
        assert barge_ins_between(start, end) == len(cut_off)


def test_a_replys_text_names_its_turn() -> None:
    assert turn_of(reply_text(17, 5)) == (17, 5)
    assert turn_of("Call 17 turn 5.") == (17, 5)
    assert turn_of("I'm sorry, something went wrong.") is None


def test_there_is_a_voice_to_cut_replies_from(material: Material) -> None:
    assert len(material.voice) > 3_200
    assert rms_dbfs(ulaw_to_pcm(material.voice)) == pytest.approx(-20, abs=1)
