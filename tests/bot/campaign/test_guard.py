"""A dialog whose person may ask never to be called again."""

from __future__ import annotations

from typing import Any, Literal

import pytest

from bot.campaign.guard import DO_NOT_CALL, GuardedDialog, refusals_of
from bot.dialog import (
    Call,
    CallBack,
    DoNotCall,
    Ended,
    Expect,
    Gather,
    Hangup,
    HistoryEntry,
    Interruption,
    Say,
    Turn,
)
from bot.dialog.hook import Dialog, Replies
from bot.record import Record

ENGLISH = refusals_of("en")


class Bot:
    """Says what it was asked."""

    async def greet(self, call: Call) -> list[Any]:
        return ["Hello.", CallBack(60)]

    async def on_turn(self, call: Call, turn: Turn) -> Any:
        if turn.text == "later":
            return [CallBack(3600), "I call you in an hour."]
        return DoNotCall() if turn.text == "spam" else f"You said {turn.text}"

    async def on_dtmf(self, call: Call, digits: str) -> Any:
        return [f"You pressed {digits}", *([Gather(1)] if digits == "1" else [])]

    async def on_idle(self, call: Call, count: int) -> Expect:
        return Expect(("yes",) if count == 1 else ())

    async def on_interrupted(self, call: Call, interruption: Interruption) -> DoNotCall:
        return DoNotCall()

    async def on_end(self, call: Call, ended: Ended) -> None:
        call.state["ended"] = ended.reason


class Scene:
    """A call, and who was put on the list."""

    def __init__(
        self,
        direction: Literal["inbound", "outbound"] = "outbound",
        attempt: str | None = "a1",
        *,
        hears: bool = True,
        digit: str | None = "9",
        language: str = "en-US",
    ) -> None:
        self.record = Record("CA1", direction=direction, attempt=attempt)
        self.call = Call("CA1", "+15550100001", "+15550100002", direction, language=language)
        self.refused: list[Record] = []
        self.known = True
        self.dialog = GuardedDialog(
            Dialog(Bot()), self.record, self._refuse, hears=hears, digit=digit
        )

    async def _refuse(self, record: Record) -> bool:
        assert record.do_not_call, "whoever reads the record is to know"
        self.refused.append(record)
        return self.known

    async def says(self, text: str, start_ms: int = 0) -> list[Any]:
        return await given(self.dialog.on_turn(self.call, Turn("t1", text, start_ms=start_ms)))

    async def presses(self, digits: str) -> list[Any]:
        return await given(self.dialog.on_dtmf(self.call, digits))

    def hears(self, text: str) -> None:
        self.call.history.append(HistoryEntry("bot", text, text, 0, 1))


async def given(replies: Replies) -> list[Any]:
    return [reply async for reply in replies]


async def test_a_request_in_words_ends_a_campaigns_call() -> None:
    scene = Scene()
    said = [Say(ENGLISH.goodbye, interruptible=False), Hangup(DO_NOT_CALL)]
    assert await scene.says("Please take me off your list.") == said
    assert scene.refused == [scene.record]


@pytest.mark.parametrize(("direction", "attempt"), [("inbound", None), ("outbound", None)])
async def test_other_calls_go_on(
    direction: Literal["inbound", "outbound"], attempt: str | None
) -> None:
    scene = Scene(direction, attempt)
    noted = Say(ENGLISH.noted, interruptible=False)
    # It may have meant something else: the dialog hears it too.
    assert await scene.says("Stop calling me.") == [noted, "You said Stop calling me."]
    assert await scene.says("My order, please") == ["You said My order, please"]
    assert scene.refused == [scene.record]


async def test_who_calls_by_themselves_may_have_their_number_changed() -> None:
    scene = Scene("inbound", None)
    text = "Cancel my appointment and delete my number."
    assert await scene.says(text) == [f"You said {text}"]
    assert not scene.refused


async def test_who_calls_back_is_on_a_list() -> None:
    scene = Scene("inbound")
    noted = Say(ENGLISH.noted, interruptible=False)
    assert await scene.says("Delete my number.") == [noted]


async def test_nothing_is_promised_to_a_number_that_nobody_knows() -> None:
    scene = Scene("inbound", None)
    scene.known = False
    assert await scene.says("Stop calling me.") == ["You said Stop calling me."]


async def test_what_nobody_answered_counts() -> None:
    async def left(**asked: Any) -> bool:
        scene = Scene()
        await scene.dialog.hear_out(scene.call, **asked)
        await scene.dialog.hear_out(scene.call, **asked)
        assert len(scene.refused) == scene.record.do_not_call, "once is enough"
        return scene.record.do_not_call

    assert await left(said="yes stop calling me")
    assert await left(pressed=["1", "9"])
    assert not await left(said="call me again", pressed=["1"])


async def test_keys_that_the_dialog_collects_are_its_own_to_the_end() -> None:
    scene = Scene()
    await scene.presses("1")
    await scene.dialog.hear_out(scene.call, pressed=["9"])
    assert not scene.refused


async def test_the_confirmation_is_in_the_calls_language() -> None:
    scene = Scene(language="de-AT")
    german = refusals_of("de")
    assert (await scene.says("Rufen Sie mich nicht mehr an."))[0].text == german.goodbye
    # English is understood everywhere.
    assert (await scene.says("Do not call me again."))[0].text == german.goodbye


async def test_words_that_mean_something_else_are_the_dialogs() -> None:
    scene = Scene()
    assert await scene.says("don't call me Bob") == ["You said don't call me Bob"]
    assert not scene.refused
    assert not scene.record.do_not_call


async def test_nobody_hears_it_when_it_is_off() -> None:
    scene = Scene(hears=False)
    assert await scene.says("stop calling me") == ["You said stop calling me"]
    assert not scene.refused
    # Whoever was offered a key may press it.
    assert (await scene.presses("9"))[-1] == Hangup(DO_NOT_CALL)


async def test_the_key_ends_the_call() -> None:
    scene = Scene()
    assert await scene.presses("2") == [Say("You pressed 2")]
    assert (await scene.presses("9"))[-1] == Hangup(DO_NOT_CALL)
    assert scene.refused == [scene.record]


async def test_without_a_key_all_keys_are_the_dialogs() -> None:
    scene = Scene("inbound", None, digit=None)
    assert await scene.presses("9") == [Say("You pressed 9")]


async def test_the_key_of_calls_that_are_no_campaigns_is_the_dialogs_too() -> None:
    scene = Scene("inbound", None)
    noted = Say(ENGLISH.noted, interruptible=False)
    assert await scene.presses("9") == [noted, Say("You pressed 9")]
    assert scene.refused == [scene.record]


async def test_keys_that_the_dialog_collects_are_its_own() -> None:
    scene = Scene()
    assert (await scene.presses("1"))[-1] == Gather(1)
    assert await scene.presses("9") == [Say("You pressed 9")]
    # Nothing was heard of the answer: the same is asked again.
    assert await scene.presses("9") == [Say("You pressed 9")]
    scene.hears("You pressed 9")
    assert (await scene.presses("9"))[-1] == Hangup(DO_NOT_CALL)


async def test_what_is_pressed_before_the_dialog_collects_is_its_own_too() -> None:
    scene = Scene()
    await scene.presses("1")
    scene.record.gathering = {"digits": 1}  # as long as it does
    assert await scene.presses("9") == [Say("You pressed 9")]
    scene.hears("You pressed 9")
    scene.record.gathering = None
    assert await scene.presses("9") == [Say("You pressed 9")]


async def test_a_collection_that_another_worker_began_goes_on() -> None:
    scene = Scene()
    scene.record.gathering = {"digits": 1}
    scene.dialog = GuardedDialog(Dialog(Bot()), scene.record, scene._refuse, hears=True, digit="9")
    scene.record.gathering = None
    assert await scene.presses("9") == [Say("You pressed 9")]
    assert await scene.presses("99") == [Say("You pressed 99")]


async def test_what_the_dialog_wants_noted_is_noted_and_not_said() -> None:
    scene = Scene(hears=False)
    assert await given(scene.dialog.greet(scene.call)) == [Say("Hello.")]
    assert scene.record.call_back_s == 60
    assert await scene.says("spam") == []
    assert await given(scene.dialog.on_interrupted(scene.call, Interruption("a", "b"))) == []
    assert scene.refused == [scene.record, scene.record]


async def test_a_turn_that_is_asked_again_forgets_when_to_call_back() -> None:
    scene = Scene()
    await scene.says("my name is Ann", start_ms=500)
    await scene.says("later", start_ms=1000)
    assert scene.record.call_back_s == 3600
    # Nothing was heard of the answer: the turn went on.
    await scene.says("later no wait i can talk now", start_ms=1000)
    assert scene.record.call_back_s is None
    await scene.says("later", start_ms=1000)
    await scene.says("thank you", start_ms=2000)
    await scene.says("thank you bye", start_ms=2000)
    assert scene.record.call_back_s == 3600


async def test_recognizers_that_choose_among_phrases_are_told_of_it() -> None:
    async def expects(scene: Scene, count: int = 1) -> list[Any]:
        return await given(scene.dialog.on_idle(scene.call, count))

    assert await expects(Scene()) == [Expect(("yes", *ENGLISH.usual))]
    # Nothing is expected any more: they hear everything.
    assert await expects(Scene(), 2) == [Expect(())]
    for scene in (Scene(hears=False), Scene("inbound", None)):
        assert await expects(scene) == [Expect(("yes",))]


async def test_all_else_is_the_dialogs() -> None:
    scene = Scene()
    assert not scene.dialog.has("on_resume")
    assert await given(scene.dialog.on_resume(scene.call, "Hello.")) == ["Hello."]
    await scene.dialog.on_end(scene.call, Ended("caller", "hung up"))
    assert scene.call.state == {"ended": "hung up"}
