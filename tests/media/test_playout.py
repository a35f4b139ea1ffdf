"""The ledger against an exact model of Twilio's play-out buffer, in virtual time."""

from __future__ import annotations

import heapq
import random
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from media.messages import Command, SendClear, SendMark, SendMedia
from media.playout import (
    MAX_SEGMENTS,
    Cleared,
    Echoed,
    Played,
    Playout,
    PlayoutFull,
    Segment,
)

MS = 8
MAX_DELAY_MS = 50.0


@dataclass(frozen=True)
class At:
    start: int
    end: int
    at_ms: float


@dataclass(frozen=True)
class Script:
    """One sentence as a synthesizer delivers it: chunks of bytes, each after a pause in ms."""

    chunks: tuple[tuple[float, int], ...]
    word_ms: float

    @property
    def size(self) -> int:
        return sum(size for _, size in self.chunks)

    @property
    def words(self) -> list[At]:
        count = int(self.size / MS / self.word_ms) + 1
        return [At(6 * i, 6 * i + 5, i * self.word_ms) for i in range(count)]

    @property
    def text(self) -> str:
        return " ".join(f"w{i:04}" for i in range(len(self.words)))


@dataclass
class Sound:
    """Audio in the model's buffer, and when it is truly played."""

    start_ms: float
    audio: bytes

    def played(self, now_ms: float) -> int:
        return max(0, min(len(self.audio), int((now_ms - self.start_ms) * MS + 1e-3)))


class Line:
    """A worker's pump, the network in both directions, and Twilio's play-out buffer."""

    def __init__(self, playout: Playout, seed: int) -> None:
        self.playout = playout
        self.random = random.Random(seed)
        self.events: list[tuple[float, int, str, Any]] = []
        self.count = 0
        self.now_ms = 1000.0
        self.arrival_ms = 0.0
        self.echo_ms = 0.0
        self.free_ms = 0.0
        self.sounds: list[Sound] = []
        self.marks: list[tuple[str, float]] = []
        self.sent: list[tuple[float, Command]] = []
        self.heard: list[Segment] = []
        self.played: list[Played] = []
        self.most_ahead = 0.0
        # Of the media messages: how many, and their bytes since the last clear was sent.
        self.media_sent = 0
        self.media_cleared = 0
        self.bytes_sent = 0
        self.changes = 0

    def at(self, at_ms: float, kind: str, what: Any = None) -> None:
        self.count += 1
        heapq.heappush(self.events, (at_ms, self.count, kind, what))

    def delay(self) -> float:
        return self.random.uniform(0, MAX_DELAY_MS)

    def say(self, script: Script, audio: bytes, *, interruptible: bool = True) -> Segment:
        """Open a segment and schedule its synthesis from now on."""
        segment = self.playout.open(script.text, interruptible=interruptible)
        at_ms, begin = self.now_ms, 0
        for pause_ms, size in script.chunks:
            at_ms += pause_ms
            end = begin + size
            words = [word for word in script.words if begin <= word.at_ms * MS < end]
            self.at(at_ms, "write", (segment, audio[begin:end], words))
            begin = end
        self.at(at_ms, "close", segment)
        return segment

    def send(self, commands: Iterable[Command]) -> None:
        for command in commands:
            self.sent.append((self.now_ms, command))
            if isinstance(command, SendMedia):
                self.media_sent += 1
                self.bytes_sent += len(command.payload)
            elif isinstance(command, SendClear):
                self.media_cleared = self.media_sent
                self.bytes_sent = 0
            self.arrival_ms = max(self.arrival_ms, self.now_ms + self.delay())
            self.at(self.arrival_ms, "arrive", command)
        played = sum(sound.played(self.now_ms) for sound in self.sounds[self.media_cleared :])
        self.most_ahead = max(self.most_ahead, (self.bytes_sent - played) / MS)

    def echo(self, name: str) -> None:
        self.echo_ms = max(self.echo_ms, self.now_ms + self.delay())
        self.at(self.echo_ms, "echo", name)

    def arrive(self, command: Command) -> None:
        if isinstance(command, SendMedia):
            start_ms = max(self.now_ms, self.free_ms)
            self.sounds.append(Sound(start_ms, command.payload))
            self.free_ms = start_ms + len(command.payload) / MS
        elif isinstance(command, SendMark):
            due_ms = max(self.now_ms, self.free_ms)
            self.marks.append((command.name, due_ms))
            self.at(due_ms, "due", command.name)
        else:
            for sound in self.sounds:
                sound.audio = sound.audio[: sound.played(self.now_ms)]
            self.free_ms = self.now_ms
            for name, _ in self.marks:
                self.echo(name)
            self.marks.clear()

    def step(self) -> None:
        self.now_ms, _, kind, what = heapq.heappop(self.events)
        if kind == "arrive":
            self.arrive(what)
            return
        if kind == "due":
            if self.marks and self.marks[0][0] == what:
                self.echo(self.marks.pop(0)[0])
            return
        if kind == "wake" and what != self.changes:
            return
        self.changes += 1
        if kind == "write":
            segment, audio, words = what
            segment.write(audio, words)
        elif kind == "close":
            what.close()
        elif kind == "echo":
            echoed = self.playout.mark_echoed(what, self.now_ms)
            self.heard += echoed.segments
            self.played += echoed.played
        commands = self.playout.pump(self.now_ms)
        if kind == "wake":
            assert commands, "woken for nothing"
        self.send(commands)
        wake_ms = self.playout.wake_at_ms(self.now_ms)
        if wake_ms is not None:
            assert wake_ms > self.now_ms
            self.at(wake_ms, "wake", self.changes)

    def run(self, until_ms: float = float("inf")) -> None:
        while self.events and self.events[0][0] <= until_ms:
            self.step()
        if until_ms < float("inf"):
            self.now_ms = until_ms

    def clear(self) -> Cleared:
        cleared = self.playout.clear(self.now_ms)
        self.changes += 1
        self.send(cleared.commands)
        self.played += cleared.played
        return cleared


chunks = st.tuples(st.floats(0, 800), st.integers(1, 6000))
scripts = st.builds(
    Script,
    st.lists(st.tuples(st.floats(0, 60), st.integers(1, 6000)) | chunks, max_size=8).map(tuple),
    st.floats(80, 700),
)
replies = st.lists(scripts, min_size=1, max_size=4)


def audio_of(reply: list[Script], seed: int) -> list[bytes]:
    """Different bytes everywhere, so that a wrong order is seen."""
    noise = random.Random(seed)
    return [noise.randbytes(script.size) for script in reply]


def check_what_was_sent(line: Line) -> None:
    """Frames, marks and lead within their bounds."""
    unmarked = 0
    names = []
    for _, command in line.sent:
        if isinstance(command, SendMedia):
            assert 0 < len(command.payload) <= 200 * MS
            unmarked += len(command.payload)
            assert unmarked <= 500 * MS
        elif isinstance(command, SendMark):
            unmarked = 0
            names.append(command.name)
        else:
            unmarked = 0
    assert len(set(names)) == len(names)
    assert line.most_ahead <= 1000 + MAX_DELAY_MS


def check_what_was_played(line: Line) -> None:
    """The recording's blocks: in order, no overlap, and where the sound truly was."""
    for before, after in pairwise(line.played):
        assert after.start_ms >= before.start_ms + len(before.audio) / MS - 1e-6
    assert sum(len(part.audio) for part in line.played) == line.playout.played_ms * MS
    for part, sound in zip(line.played, line.sounds, strict=False):
        assert -1e-6 <= sound.start_ms - part.start_ms <= MAX_DELAY_MS + 1e-6


@settings(deadline=None, max_examples=150)
@given(replies, st.integers(0, 2**32))
def test_a_reply_is_played_in_order_and_wholly_heard(reply: list[Script], seed: int) -> None:
    line = Line(Playout(), seed)
    audio = audio_of(reply, seed)
    segments = [line.say(script, part) for script, part in zip(reply, audio, strict=True)]
    line.run()
    assert b"".join(sound.audio for sound in line.sounds) == b"".join(audio)
    assert line.heard == segments
    assert all(segment.whole for segment in segments)
    for segment, part in zip(segments, audio, strict=True):
        assert segment.heard == (segment.text if part else "")
    assert b"".join(part.audio for part in line.played) == b"".join(audio)
    assert line.playout.idle
    assert not line.playout.speaking(line.now_ms)
    assert line.playout.queued_ms == 0
    check_what_was_sent(line)
    check_what_was_played(line)


@settings(deadline=None, max_examples=300)
@given(replies, st.floats(0, 6000), st.integers(0, 2**32))
def test_after_a_barge_in_the_heard_text_is_what_was_heard(
    reply: list[Script], clear_after_ms: float, seed: int
) -> None:
    line = Line(Playout(), seed)
    audio = audio_of(reply, seed)
    segments = [line.say(script, part) for script, part in zip(reply, audio, strict=True)]
    line.run(until_ms=1000.0 + clear_after_ms)
    heard_before = list(line.heard)
    cleared = line.clear()
    assert heard_before + list(cleared.segments) == segments
    assert line.playout.idle
    assert line.playout.queued_ms == 0
    assert not line.playout.speaking(line.now_ms)

    second = Script(((20.0, 4000), (0.0, 4000)), 250.0)
    again = audio_of([second], seed + 1)[0]
    answer = line.say(second, again)
    texts = [segment.heard for segment in segments]
    line.run()
    assert line.heard == [*heard_before, answer]
    assert answer.heard == second.text
    assert [segment.heard for segment in segments] == texts

    truth = b"".join(sound.audio for sound in line.sounds)
    assert truth.endswith(again)
    total = len(truth) - len(again)
    assert b"".join(audio).startswith(truth[:total])
    for script, segment in zip(reply, segments, strict=True):
        true_ms = min(total, script.size) / MS
        total -= min(total, script.size)
        check_heard(script, segment, true_ms)
    check_what_was_sent(line)
    assert sum(len(part.audio) for part in line.played) == line.playout.played_ms * MS
    for before, after in pairwise(line.played):
        assert after.start_ms >= before.start_ms + len(before.audio) / MS - 1e-6


def check_heard(script: Script, segment: Segment, true_ms: float) -> None:
    """The text ends within one word or 300 ms of the true position, and the time within 200 ms."""

    def begun(at_ms: float) -> int:
        return sum(word.at_ms < at_ms for word in script.words)

    assert segment.text.startswith(segment.heard)
    words = len(segment.heard.split())
    assert abs(words - begun(true_ms)) <= 1 or begun(true_ms - 300) <= words <= begun(true_ms + 300)
    assert abs(segment.heard_ms - true_ms) <= 200


def tone(length_ms: int) -> bytes:
    return bytes(range(200)) * (length_ms * MS // 200)


def sizes(commands: Iterable[Command]) -> list[float | str]:
    """Milliseconds of each media message, and `mark` or `clear`."""
    return [
        len(command.payload) / MS
        if isinstance(command, SendMedia)
        else "mark"
        if isinstance(command, SendMark)
        else "clear"
        for command in commands
    ]


def name_of(command: Command) -> str:
    assert isinstance(command, SendMark)
    return command.name


def test_the_lead_is_filled_at_once_with_frames_and_marks() -> None:
    playout = Playout()
    segment = playout.open("A recording")
    segment.write(tone(5000))
    assert sizes(playout.pump(0.0)) == [200, 200, "mark", 200, 200, "mark", 200]
    assert (playout.sent_ms, playout.queued_ms) == (1000, 4000)
    assert playout.pump(199.0) == []
    assert playout.wake_at_ms(199.0) == 200.0
    assert sizes(playout.pump(200.0)) == [200, "mark"]


def test_the_first_audio_of_a_reply_goes_at_once_and_later_audio_in_full_frames() -> None:
    playout = Playout()
    segment = playout.open("Hello")
    assert playout.pump(0.0) == []
    assert playout.wake_at_ms(0.0) is None
    sent = []
    for _ in range(15):
        segment.write(tone(25))
        sent += sizes(playout.pump(0.0))
    assert sent == [25.0] * 9
    # The rest waits for a full frame, but not until the caller runs dry.
    assert playout.wake_at_ms(0.0) == 25.0
    assert sizes(playout.pump(25.0)) == [150.0]


def test_a_segment_without_audio_holds_the_next_one_back() -> None:
    playout = Playout()
    first, second = playout.open("One"), playout.open("Two")
    second.write(tone(100))
    second.close()
    assert playout.pump(0.0) == []
    first.write(tone(50))
    first.close()
    assert sizes(playout.pump(10.0)) == [50, "mark", 100, "mark"]


def test_closing_late_sends_the_mark_that_tells_of_the_end() -> None:
    playout = Playout()
    segment = playout.open("One")
    segment.write(tone(50))
    assert sizes(playout.pump(0.0)) == [50]
    segment.close()
    assert playout.wake_at_ms(60.0) == 60.0
    commands = playout.pump(60.0)
    assert sizes(commands) == ["mark"]
    assert playout.wake_at_ms(60.0) is None
    assert not playout.idle
    assert playout.mark_echoed(name_of(commands[0]), 70.0).segments == (segment,)
    assert playout.idle


def test_a_mark_tells_of_the_segments_before_it_only() -> None:
    playout = Playout()
    first, second = playout.open("One"), playout.open("Two")
    for segment in (first, second):
        segment.write(tone(50))
        segment.close()
    commands = playout.pump(0.0)
    assert sizes(commands) == [50, "mark", 50, "mark"]
    assert playout.mark_echoed(name_of(commands[1]), 60.0).segments == (first,)
    assert not second.whole
    assert playout.mark_echoed(name_of(commands[3]), 110.0).segments == (second,)


def test_a_pending_mark_at_the_end_serves_for_the_end() -> None:
    playout = Playout()
    segment = playout.open("One")
    segment.write(tone(400))
    commands = playout.pump(0.0)
    assert sizes(commands) == [200, 200, "mark"]
    segment.close()
    assert playout.pump(1.0) == []
    assert playout.mark_echoed(name_of(commands[2]), 410.0).segments == (segment,)


def test_without_echoes_the_lead_ends_at_the_next_mark() -> None:
    playout = Playout()
    playout.open("Long").write(tone(5000))
    playout.pump(0.0)
    playout.pump(200.0)
    playout.pump(400.0)
    assert playout.sent_ms == 1400
    assert playout.wake_at_ms(400.0) is None
    assert playout.pump(10_000.0) == []
    assert playout.speaking(10_000.0)


def test_unknown_repeated_and_cleared_marks_mean_nothing() -> None:
    playout = Playout()
    playout.open("One").write(tone(800))
    commands = playout.pump(0.0)
    first, second = (name_of(commands[at]) for at in (2, 5))
    assert playout.mark_echoed("other", 1.0) == Echoed()
    assert len(playout.mark_echoed(first, 410.0).played) == 2
    assert playout.mark_echoed(first, 411.0) == Echoed()
    assert playout.clear(450.0).commands == (SendClear(),)
    assert playout.mark_echoed(second, 480.0) == Echoed()
    assert playout.played_ms == 440


def test_a_clear_drops_what_is_being_written_and_tells_what_was_heard() -> None:
    playout = Playout()
    first = playout.open("One two")
    first.write(tone(400), [At(0, 3, 0.0), At(4, 7, 200.0)])
    first.close()
    second = playout.open("Three four")
    second.write(tone(1500), [At(0, 5, 0.0), At(6, 10, 300.0)])
    third = playout.open("Five")
    playout.pump(100.0)
    cleared = playout.clear(400.0)
    assert cleared.commands == (SendClear(),)
    assert [(s.heard, s.heard_ms, s.dropped) for s in cleared.segments] == [
        ("One two", 300, True),
        ("", 0, True),
        ("", 0, True),
    ]
    assert [(part.start_ms, len(part.audio)) for part in cleared.played] == [
        (100, 1600),
        (300, 800),
    ]
    assert (first.heard_from_ms, first.heard_to_ms) == (100, 400)
    third.write(tone(100))
    assert (playout.queued_ms, playout.idle, playout.pump(401.0)) == (0, True, [])


def test_a_clear_with_nothing_on_its_way_sends_nothing() -> None:
    playout = Playout()
    assert playout.clear(0.0) == Cleared((), (), ())
    segment = playout.open("One")
    assert playout.clear(0.0) == Cleared((), (segment,), ())
    assert segment.dropped


def test_a_lost_stream_is_a_clear_that_sends_nothing() -> None:
    playout = Playout()
    segment = playout.open("One two three")
    segment.write(tone(900))
    segment.close()
    playout.pump(0.0)
    lost = playout.lost(300.0)
    assert lost.commands == ()
    assert lost.segments == (segment,)
    assert (segment.heard, segment.heard_ms) == ("One two", 300)
    assert playout.idle


def test_what_is_heard_now_decides_about_interruption() -> None:
    playout = Playout()
    assert playout.interruptible_now(0.0)
    first = playout.open("Read this notice", interruptible=False)
    assert not playout.interruptible_now(0.0)
    first.write(tone(200))
    first.close()
    playout.open("And now you").write(tone(200))
    commands = playout.pump(0.0)
    assert not playout.interruptible_now(199.0)
    assert playout.interruptible_now(200.0)
    playout.mark_echoed(name_of(commands[1]), 230.0)
    assert playout.interruptible_now(231.0)


def test_after_the_last_segment_there_is_nothing_to_protect() -> None:
    playout = Playout()
    segment = playout.open("Notice", interruptible=False)
    segment.write(tone(200))
    segment.close()
    playout.pump(0.0)
    assert playout.interruptible_now(200.0)


def test_the_bound_can_be_asked_before_it_is_met() -> None:
    playout = Playout(max_queued_ms=2000)
    segment = playout.open("Long")
    assert playout.room_ms == 2000
    segment.write(tone(2000))
    with pytest.raises(PlayoutFull):
        segment.write(b"x")
    playout.pump(0.0)
    assert playout.room_ms == 1000
    segment.write(tone(1000))


def test_segments_are_bounded_too() -> None:
    playout = Playout()
    for _ in range(MAX_SEGMENTS):
        playout.open("One")
    with pytest.raises(PlayoutFull, match="256 segments wait"):
        playout.open("One more")


@pytest.mark.parametrize(
    "sizes_ms",
    [{"frame_ms": 0}, {"frame_ms": 1001}, {"mark_ms": 0}, {"mark_ms": 501}, {"lead_ms": 100}],
)
def test_sizes_that_cannot_work_are_refused(sizes_ms: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="frame_ms <= lead_ms"):
        Playout(**sizes_ms)


def test_heard_audio_is_released() -> None:
    """An hour of speech, one minute after the other, leaves nothing behind."""
    playout = Playout(max_queued_ms=60_000)
    for minute in range(60):
        segment = playout.open("A minute")
        segment.write(tone(60_000))
        segment.close()
        now_ms = minute * 60_000.0
        while not playout.idle:
            for command in playout.pump(now_ms):
                if isinstance(command, SendMark):
                    playout.mark_echoed(command.name, now_ms)
            now_ms += 100
    assert playout.played_ms == 3_600_000
    assert (playout.queued_ms, playout.clear(now_ms)) == (0, Cleared((), (), ()))
