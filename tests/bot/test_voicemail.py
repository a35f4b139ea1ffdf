from __future__ import annotations

import math
from typing import Literal

import pytest

from bot.voicemail import (
    AGAIN_MS,
    EARS_MS,
    GOES_ON_MS,
    PATIENCE_MS,
    SILENCE_MS,
    Hush,
    Leave,
    LeaveMessage,
    Stage,
    Voicemail,
    VoicemailCommand,
    VoicemailPolicy,
)
from media.audio import Samples
from tests.media.hearing import silence, sines, vowels

MESSAGE = "Please call us back."
FRAME_MS = 20
MACHINE = ["machine_start", "machine_end_beep", "machine_end_silence", "machine_end_other"]
GREETED = MACHINE[1:]
Policy = Literal["hang_up", "leave_message", "talk"]
After = Literal["stream", "twilio", "both"]
AT_ONCE: list[VoicemailCommand] = [Hush(), LeaveMessage()]


class Callee:
    """What answered, and the state machine that listens to it."""

    def __init__(
        self,
        policy: Policy = "leave_message",
        after: After = "both",
        *,
        stage: Stage | None = None,
    ) -> None:
        wanted = VoicemailPolicy(policy, after, message=MESSAGE)
        self.turns = 0
        self.now_ms = 0.0
        self.voicemail = Voicemail(wanted, lambda: self.turns, stage)

    def verdict(self, word: str) -> list[VoicemailCommand]:
        return self.voicemail.answered(word, self.now_ms)

    def quiet(self, ms: float) -> list[VoicemailCommand]:
        self.now_ms += ms
        return self.voicemail.tick(self.now_ms)

    def speak(self, ms: float) -> list[VoicemailCommand]:
        """As the VAD tells it; no sound."""
        self.voicemail.speech_started(self.now_ms)
        commands = self.quiet(ms)
        self.voicemail.speech_stopped(self.now_ms)
        return commands

    def beep(self, ms: int = 300, hz: float = 1000) -> list[VoicemailCommand]:
        """The sound, and the quarter of a second behind it in which it is told."""
        commands = self._sound(sines(ms / 1000, hz))
        return commands + self._sound(silence(0.25))

    def _sound(self, samples: Samples) -> list[VoicemailCommand]:
        commands = []
        for start in range(0, len(samples), FRAME_MS * 8):
            self.now_ms += FRAME_MS
            frame = samples[start : start + FRAME_MS * 8]
            commands += self.voicemail.hear(frame, self.now_ms)
        return commands

    def talk(self, seconds: float) -> list[VoicemailCommand]:
        """A voice, with its sound."""
        self.voicemail.speech_started(self.now_ms)
        commands = self._sound(vowels(seconds))
        self.voicemail.speech_stopped(self.now_ms)
        return commands


@pytest.mark.parametrize("word", [*MACHINE, "human", "fax", "unknown"])
def test_to_talk_is_to_talk_whatever_answers(word: str) -> None:
    callee = Callee("talk")
    assert callee.verdict(word) == callee.beep() == callee.quiet(EARS_MS) == []
    assert callee.voicemail.stage is None


@pytest.mark.parametrize("word", [*MACHINE, "human", "fax"])
def test_a_call_without_a_policy_is_the_dialogs(word: str) -> None:
    voicemail = Voicemail(None, lambda: 0)
    assert voicemail.begin(word, 0) == voicemail.answered(word, 10) == []
    assert voicemail.stage is None
    assert voicemail.deadline_ms() == math.inf


class TestHangUp:
    @pytest.mark.parametrize("word", MACHINE)
    def test_twilio_says_it_is_a_machine(self, word: str) -> None:
        callee = Callee("hang_up")
        assert callee.verdict(word) == [Hush(), Leave("voicemail")]
        assert callee.voicemail.stage == "over"

    def test_it_beeps(self) -> None:
        assert Callee("hang_up").beep() == [Hush(), Leave("voicemail")]

    @pytest.mark.parametrize("policy", ["hang_up", "leave_message"])
    def test_a_fax(self, policy: Policy) -> None:
        assert Callee(policy).verdict("fax") == [Hush(), Leave("fax")]

    def test_what_was_decided_stays(self) -> None:
        callee = Callee("hang_up")
        callee.verdict("machine_start")
        assert callee.verdict("human") == callee.beep() == callee.quiet(PATIENCE_MS) == []

    def test_it_is_left_in_the_next_stream_too(self) -> None:
        assert Callee("hang_up", stage="over").voicemail.begin(None, 0) == [
            Hush(),
            Leave("voicemail"),
        ]


class TestHumans:
    @pytest.mark.parametrize("word", ["human", "unknown"])
    def test_twilio_knows_of_no_machine(self, word: str) -> None:
        callee = Callee()
        assert callee.verdict(word) == []
        assert callee.talk(6) == []
        assert callee.quiet(EARS_MS) == []
        assert callee.voicemail.stage is None

    def test_twilios_word_for_a_human_is_not_doubted(self) -> None:
        callee = Callee()
        callee.verdict("human")
        assert callee.beep() == []

    def test_no_word_of_twilios_leaves_the_beep_to_tell(self) -> None:
        callee = Callee()
        callee.verdict("unknown")
        assert callee.beep() == AT_ONCE

    @pytest.mark.parametrize("word", [*MACHINE, "fax"])
    @pytest.mark.parametrize("policy", ["hang_up", "leave_message"])
    def test_a_late_verdict_does_not_end_a_conversation(self, policy: Policy, word: str) -> None:
        callee = Callee(policy)
        callee.turns = 2
        assert callee.verdict(word) == []
        assert callee.voicemail.stage is None

    def test_speech_alone_is_no_machine(self) -> None:
        callee = Callee()
        assert callee.talk(8) == callee.quiet(30_000) == []

    def test_a_beep_after_a_minute_is_something_else(self) -> None:
        callee = Callee()
        callee.now_ms = EARS_MS
        assert callee.beep() == callee.beep() == []

    def test_a_recorder_that_warns_them_is_no_machine(self) -> None:
        callee = Callee("hang_up")
        assert callee.talk(6) == callee.beep(500, 1400) == []
        assert callee.voicemail.stage is None

    @pytest.mark.parametrize("turns", [1, 2])
    def test_a_beep_in_a_conversation_is_something_else(self, turns: int) -> None:
        callee = Callee()
        callee.turns = turns
        assert callee.talk(2) == callee.beep() == []
        assert callee.talk(6) == callee.quiet(4_000) == callee.beep() == []

    @pytest.mark.parametrize(("turns", "commands"), [(1, AT_ONCE), (2, []), (5, [])])
    def test_a_greeting_that_the_dialog_has_answered_once_is_known_by_its_length(
        self, turns: int, commands: list[VoicemailCommand]
    ) -> None:
        callee = Callee()
        callee.turns = turns
        callee.speak(3_000)
        callee.quiet(500)
        callee.speak(3_000)
        callee.quiet(1_000)
        assert callee.beep() == commands


class TestLeaveMessage:
    def test_a_beep_alone_is_a_machine_that_takes_the_message(self) -> None:
        callee = Callee()
        assert callee.talk(3) == []
        assert callee.beep() == AT_ONCE
        assert callee.voicemail.stage == "message"

    @pytest.mark.parametrize("after", ["stream", "both"])
    def test_the_message_waits_for_the_beep(self, after: After) -> None:
        callee = Callee(after=after)
        callee.speak(2_000)
        assert callee.verdict("machine_start") == [Hush()]
        assert callee.speak(5_000) == callee.quiet(1_000) == []
        assert callee.beep() == [LeaveMessage()]

    @pytest.mark.parametrize("after", ["stream", "both"])
    def test_a_machine_that_does_not_beep_falls_silent(self, after: After) -> None:
        callee = Callee(after=after)
        callee.verdict("machine_start")
        assert callee.speak(5_000) == []
        assert callee.voicemail.deadline_ms() == 5_000 + SILENCE_MS
        assert callee.quiet(SILENCE_MS - 1) == []
        assert callee.quiet(1) == [LeaveMessage()]
        assert callee.voicemail.deadline_ms() == math.inf

    def test_silence_counts_from_the_verdict(self) -> None:
        callee = Callee()
        callee.speak(1_000)
        callee.quiet(4_000)
        callee.verdict("machine_start")
        assert callee.quiet(SILENCE_MS - 1) == []
        assert callee.quiet(1) == [LeaveMessage()]

    @pytest.mark.parametrize("after", ["twilio", "both"])
    @pytest.mark.parametrize("word", GREETED)
    def test_twilio_says_that_the_greeting_is_over(self, word: str, after: After) -> None:
        assert Callee(after=after).verdict(word) == AT_ONCE
        callee = Callee(after=after)
        callee.verdict("machine_start")
        callee.speak(1_000)
        assert callee.verdict(word) == [LeaveMessage()]
        assert callee.verdict(word) == []

    @pytest.mark.parametrize("word", GREETED)
    def test_our_ears_alone_wait_for_what_they_hear(self, word: str) -> None:
        callee = Callee(after="stream")
        assert callee.verdict(word) == [Hush()]
        assert callee.verdict(word) == []
        assert callee.beep() == [LeaveMessage()]

    def test_twilio_alone_hears_for_us(self) -> None:
        callee = Callee(after="twilio")
        assert callee.beep() == []
        callee.verdict("machine_start")
        assert callee.speak(3_000) == callee.beep() == callee.quiet(10_000) == []
        assert callee.quiet(PATIENCE_MS) == [LeaveMessage()]

    def test_a_machine_that_never_stops_is_left(self) -> None:
        callee = Callee()
        callee.verdict("machine_start")
        assert callee.speak(PATIENCE_MS - 1) == []
        callee.voicemail.speech_started(callee.now_ms)
        assert callee.quiet(1) == [Hush(), Leave("voicemail")]

    def test_a_beep_behind_a_pause_that_passed_for_the_end_begins_the_message_again(self) -> None:
        callee = Callee()
        callee.verdict("machine_end_silence")
        callee.quiet(1_000)
        assert callee.beep() == AT_ONCE
        assert callee.beep() == [], "once is enough"

    def test_a_beep_late_in_the_message_is_the_machines_own(self) -> None:
        callee = Callee()
        callee.verdict("machine_end_silence")
        callee.quiet(12_000)
        assert callee.beep() == []

    def test_a_machine_may_beep_as_recorders_do(self) -> None:
        callee = Callee()
        callee.verdict("machine_start")
        assert callee.beep(500, 1400) == [LeaveMessage()]

    def test_a_greeting_that_goes_on_is_waited_out(self) -> None:
        callee = Callee()
        callee.verdict("machine_start")
        assert callee.quiet(SILENCE_MS) == [LeaveMessage()]
        callee.voicemail.speech_started(callee.now_ms)
        assert callee.voicemail.deadline_ms() == callee.now_ms + GOES_ON_MS
        assert callee.quiet(GOES_ON_MS - 1) == []
        assert callee.quiet(1) == [Hush()]
        assert callee.voicemail.stage == "waiting"
        assert callee.quiet(12_000) == []
        callee.voicemail.speech_stopped(callee.now_ms)
        assert callee.beep() == [LeaveMessage()]
        assert callee.speak(GOES_ON_MS) == [], "after a beep nothing goes on"

    def test_its_silence_is_counted_anew(self) -> None:
        callee = Callee()
        callee.verdict("machine_end_silence")
        assert callee.speak(GOES_ON_MS) == [Hush()]
        assert callee.quiet(SILENCE_MS - 1) == []
        assert callee.quiet(1) == [LeaveMessage()]

    def test_a_word_in_the_message_is_no_greeting(self) -> None:
        callee = Callee()
        callee.verdict("machine_end_silence")
        callee.quiet(1_000)
        assert callee.speak(GOES_ON_MS - 100) == callee.quiet(3_000) == []

    def test_speech_late_in_the_message_is_no_greeting(self) -> None:
        callee = Callee()
        callee.verdict("machine_end_silence")
        callee.quiet(AGAIN_MS)
        assert callee.speak(5_000) == []

    def test_a_greeting_goes_on_only_so_long(self) -> None:
        callee = Callee()
        callee.verdict("machine_start")
        left = 0
        while callee.now_ms < PATIENCE_MS * 2:
            left += LeaveMessage() in callee.quiet(SILENCE_MS)
            callee.speak(GOES_ON_MS)
        assert left == PATIENCE_MS // (SILENCE_MS + GOES_ON_MS)
        assert callee.voicemail.stage == "message"

    def test_nothing_is_listened_to_for_nothing(self) -> None:
        callee = Callee()
        assert callee.voicemail.listens
        callee.verdict("machine_end_silence")
        assert callee.voicemail.listens
        callee.now_ms += AGAIN_MS
        callee.beep(20)
        assert not callee.voicemail.listens
        for word in ("machine_end_beep", "human"):
            callee = Callee()
            callee.verdict(word)
            assert not callee.voicemail.listens
        assert not Callee(after="twilio").voicemail.listens

    def test_a_second_beep_is_not_waited_for(self) -> None:
        callee = Callee()
        callee.verdict("machine_end_beep")
        assert callee.beep() == []


class TestTheNextStream:
    def test_what_twilio_has_said_before(self) -> None:
        assert Callee().voicemail.begin("machine_end_beep", 0) == AT_ONCE
        assert Callee().voicemail.begin("machine_start", 0) == [Hush()]
        assert Callee().voicemail.begin("human", 0) == Callee().voicemail.begin(None, 0) == []

    def test_it_still_waits(self) -> None:
        callee = Callee(stage="waiting")
        assert callee.voicemail.begin("machine_start", 0) == [Hush()]
        assert callee.quiet(SILENCE_MS) == [LeaveMessage()]

    @pytest.mark.parametrize("word", GREETED)
    def test_twilio_has_said_meanwhile_that_the_greeting_is_over(self, word: str) -> None:
        callee = Callee(after="twilio", stage="waiting")
        assert callee.voicemail.begin(word, 0) == AT_ONCE

    @pytest.mark.parametrize("stage", ["waiting", "message"])
    def test_nobody_knows_what_to_leave(self, stage: Stage) -> None:
        voicemail = Voicemail(None, lambda: 0, stage)
        assert voicemail.begin("machine_end_beep", 0) == [Hush(), Leave("voicemail")]

    def test_it_goes_on_with_the_message(self) -> None:
        callee = Callee(stage="message")
        assert callee.voicemail.begin("machine_start", 0) == [Hush(), LeaveMessage(resumed=True)]
