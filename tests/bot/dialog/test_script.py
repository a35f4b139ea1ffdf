"""The `script` dialog, driven turn by turn, as a call would drive it."""

from __future__ import annotations

import asyncio
import importlib.resources
import json
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.dialog.hook import Dialog, load_dialog
from bot.dialog.script import Script, load_script
from bot.dialog.types import (
    Call,
    CallBack,
    DoNotCall,
    Expect,
    Gap,
    Hangup,
    Reply,
    Say,
    Transfer,
    Turn,
)

BOOKING = load_script(Path("booking"))
REMINDER = load_script(Path("reminder"))

SMALL = """
start = "ask"
fallback = ["Pardon?", "Pardon again?"]
idle = ["Hello?", "Still there?"]
max_tries = 2
give_up = { say = "I give up.", transfer = "+15550001111" }
dtmf = { 0 = "operator" }

[slots]
time = { type = "time", first = "9:00", last = "16:30" }
name = { type = "list", values = { "Ann Lee" = ["ann", "ann lee"], "Bob" = "bob" } }

[[everywhere]]
phrases = ["operator"]
go = "operator"

[[everywhere]]
phrases = ["help"]
say = "There is no help, {name}."

[[everywhere]]
phrases = ["repeat"]

[states.ask]
say = ["Good morning.", "Who is it?"]
dtmf = { 1 = "time", 2 = { set = { name = "Bob" }, say = "Hello {name}.", go = "time" } }
[[states.ask.expect]]
phrases = ["[it is] {name}"]
go = "time"
[[states.ask.expect]]
phrases = ["never mind"]
say = "As you like."
hangup = true

[states.time]
say = "When, {name}?"
retry = ["At what time?", "Nine, or ten?"]
fallback = "Eh?"
idle = "Tick, tock."
max_tries = 1
give_up = "ask"
[[states.time.expect]]
phrases = ["[at] {time}"]
set = { done = "yes" }
say = "Splendid."
go = "bye"
[[states.time.expect]]
phrases = ["call me"]
transfer = "+15550002222"

[states.bye]
say = "See you at {time}, {name}."
hangup = true

[states.operator]
say = "One moment."
transfer = "+15550003333"
"""


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Script:
    path = tmp_path_factory.mktemp("script") / "small.toml"
    path.write_text(SMALL, encoding="utf-8")
    return load_script(path)


class Conversation:
    """A call with a script. Its state goes through JSON at every turn, as through Redis."""

    def __init__(self, script: Script) -> None:
        self.script = script
        self.call = Call("CA1", "+15550000001", "+15550000002", "inbound")
        self.count = 0

    async def greet(self) -> list[Reply]:
        return self.kept(await self.script.greet(self.call))

    async def say(self, text: str, *, rejected: bool = False) -> list[Reply]:
        self.count += 1
        turn = Turn(f"t{self.count}", text, rejected=rejected)
        return self.kept(await self.script.on_turn(self.call, turn))

    async def press(self, digits: str) -> list[Reply]:
        return self.kept(await self.script.on_dtmf(self.call, digits))

    def kept(self, replies: list[Reply]) -> list[Reply]:
        self.call.state = json.loads(json.dumps(self.call.state))
        return replies

    @property
    def state(self) -> str:
        return str(self.call.state["script"]["state"])

    @property
    def result(self) -> dict[str, str]:
        result: dict[str, str] = self.call.state["result"]
        return result


def spoken(replies: Sequence[Reply]) -> str:
    return " / ".join(reply.text for reply in replies if isinstance(reply, Say))


def actions(replies: Sequence[Reply]) -> list[Reply]:
    return [reply for reply in replies if not isinstance(reply, Say | Expect)]


def expected(replies: Sequence[Reply]) -> tuple[str, ...]:
    phrases = [reply.phrases for reply in replies if isinstance(reply, Expect)]
    assert len(phrases) == 1
    assert isinstance(replies[-2], Expect), "before the question, which may be interrupted"
    return phrases[0]


@pytest.mark.parametrize(
    "turns",
    [
        ("i would like to book an appointment", "on friday", "ten o'clock", "yes"),
        ("I'd like to book, please.", "Friday works best for me.", "10 AM.", "Yeah, that's right."),
        ("book", "next friday", "at ten", "that's correct"),
        ("An appointment?", "Um, Friday?", "Let's say 10:00.", "Yes!"),
    ],
)
async def test_a_booking(turns: tuple[str, str, str, str]) -> None:
    talk = Conversation(BOOKING)
    greeting = await talk.greet()
    assert spoken(greeting).count(". ") == 1, "two sentences, so that it can be interrupted"
    assert "book an appointment" in expected(greeting)
    days = await talk.say(turns[0])
    assert "friday" in expected(days)
    times = await talk.say(turns[1])
    assert "ten o'clock" in expected(times)
    confirm = await talk.say(turns[2])
    assert spoken(confirm) == "Your appointment is Friday at ten o'clock. Is that right?"
    assert "yes" in expected(confirm)
    done = await talk.say(turns[3])
    assert "Friday at ten o'clock" in spoken(done)
    assert done[-1] == Hangup("script")
    assert talk.result == {
        "intent": "book",
        "day": "friday",
        "time": "10:00",
        "confirmed": "yes",
    }


async def test_a_booking_that_is_corrected() -> None:
    talk = Conversation(BOOKING)
    await talk.greet()
    for text in ("book", "monday", "three", "no", "tomorrow", "noon"):
        last = await talk.say(text)
    assert spoken(last) == "Your appointment is tomorrow at twelve o'clock. Is that right?"
    assert talk.result["confirmed"] == "no"
    assert actions(await talk.say("yes")) == [Hangup("script")]
    assert talk.result == {
        "intent": "book",
        "day": "tomorrow",
        "time": "12:00",
        "confirmed": "yes",
    }


async def test_a_booking_by_keys_and_a_question_on_the_way() -> None:
    talk = Conversation(BOOKING)
    await talk.greet()
    assert "nine to five" in spoken(await talk.say("What are your opening hours?"))
    assert talk.state == "welcome"
    await talk.press("1")
    await talk.say("friday")
    await talk.say("nine")
    assert actions(await talk.press("1")) == [Hangup("script")]
    assert talk.result == {
        "intent": "book",
        "day": "friday",
        "time": "09:00",
        "confirmed": "yes",
    }


@pytest.mark.parametrize("state", ["welcome", "day", "time", "confirm"])
async def test_booking_hears_something_else(state: str) -> None:
    """What is said in recording austen_0930 is the fallback in every state, never a change."""
    for rejected in (True, False):
        talk = Conversation(BOOKING)
        await talk.greet()
        for text in {
            "welcome": (),
            "day": ("book",),
            "time": ("book", "friday"),
            "confirm": ("book", "friday", "ten"),
        }[state]:
            await talk.say(text)
        before = dict(talk.result)
        replies = await talk.say("he might even have been made amiable himself", rejected=rejected)
        assert spoken(replies).startswith("Sorry, I did not understand that. ")
        assert [type(reply) for reply in replies] == [Say]
        assert (talk.state, talk.result) == (state, before)


async def test_booking_gives_up_and_goodbye() -> None:
    talk = Conversation(BOOKING)
    await talk.greet()
    for _ in range(3):
        assert actions(await talk.say("blah")) == []
    assert (await talk.say("blah"))[-1] == Hangup("script")
    assert (await Conversation(BOOKING).say("okay, goodbye then"))[-1] == Hangup("script")


async def test_a_reminder_knows_whom_it_has_called() -> None:
    talk = Conversation(REMINDER)
    talk.call.parameters = {"name": "Ann", "day": "on Friday", "other": "{name}"}
    greeting = spoken(await talk.greet())
    assert greeting.startswith("Hello Ann, this is")
    assert "on Friday at the usual time." in greeting
    assert spoken(await talk.say("Yes.")) == "Thank you, we will see you on Friday. Goodbye."
    assert talk.result == {"coming": "yes"}


async def test_a_reminder_that_comes_at_a_bad_time() -> None:
    talk = Conversation(REMINDER)
    assert "Hello there," in spoken(await talk.greet())
    later = await talk.say("please call me back later")
    assert actions(later) == [CallBack(3600), Hangup("script")]
    assert talk.result == {"coming": "unknown"}
    assert CallBack(3600) in await Conversation(REMINDER).say("Maybe later.")


@pytest.mark.parametrize("goodbye", ["ok see you later", "yes see you later", "no, see you later"])
async def test_who_says_see_you_later_wants_no_other_reminder(goodbye: str) -> None:
    talk = Conversation(REMINDER)
    await talk.greet()
    assert CallBack(3600) not in await talk.say(goodbye)


@pytest.mark.parametrize(("script", "least"), [(BOOKING, 4), (REMINDER, 1)])
def test_a_built_in_is_modest_and_its_words_are_in_the_dictionary(
    script: Script, least: int
) -> None:
    pocketsphinx = pytest.importorskip("pocketsphinx")
    dictionary = Path(pocketsphinx.__file__).parent / "model" / "en-us" / "cmudict-en-us.dict"
    known = {line.partition(" ")[0] for line in dictionary.read_text("utf-8").splitlines()}
    states = [state for state in script._states.values() if not state.state.ends]
    assert len(states) >= least
    for state in states:
        assert 0 < len(state.phrases) <= 60
        assert {word for phrase in state.phrases for word in phrase.split()} <= known


@pytest.mark.parametrize("name", ["booking", "reminder"])
def test_a_built_in_is_found_by_name_and_shipped_with_the_package(name: str) -> None:
    assert isinstance(load_dialog(f"script:{name}")(), Dialog)
    assert importlib.resources.files("bot.dialog").joinpath(f"{name}.toml").is_file()


@given(
    st.lists(
        # No letters of words: what Hypothesis finds in modules, it tries, and "open" is a keyword.
        st.text(st.characters(exclude_categories=["L"]), max_size=60)
        | st.lists(st.sampled_from(["i", "have", "even", "the", "ten", "of", "clubs", "?"])).map(
            " ".join
        ),
        max_size=5,
    )
)
def test_what_matches_nothing_changes_nothing(texts: list[str]) -> None:
    async def run() -> None:
        talk = Conversation(BOOKING)
        await talk.greet()
        for tries, text in enumerate(texts[:3], 1):
            replies = await talk.say(text)
            assert [type(reply) for reply in replies] == [Say]
            assert talk.call.state == {"script": {"state": "welcome", "tries": tries}, "result": {}}

    asyncio.run(run())


@given(st.lists(st.text(max_size=40) | st.sampled_from(["book", "friday", "ten", "yes", "no"])))
def test_no_text_raises_in_any_state(texts: list[str]) -> None:
    async def run() -> None:
        talk = Conversation(BOOKING)
        await talk.greet()
        for text in texts:
            assert await talk.say(text)

    asyncio.run(run())


async def test_a_rejected_turn_never_matches(small: Script) -> None:
    talk = Conversation(small)
    await talk.greet()
    assert spoken(await talk.say("ann", rejected=True)) == "Pardon? Who is it?"
    assert talk.state == "ask"
    assert spoken(await talk.say("ann")) == "When, Ann Lee?"


async def test_fallbacks_then_giving_up(small: Script) -> None:
    talk = Conversation(small)
    await talk.greet()
    assert spoken(await talk.say("what")) == "Pardon? Who is it?"
    assert spoken(await talk.press("9")) == "Pardon again? Who is it?"
    gone = await talk.say("what")
    assert (spoken(gone), gone[-1]) == ("I give up.", Transfer("+15550001111"))


async def test_a_states_own_prompts_and_tries_count(small: Script) -> None:
    talk = Conversation(small)
    await talk.greet()
    await talk.say("bob")
    assert spoken(await talk.say("what")) == "Eh? At what time?"
    assert spoken(await talk.say("what")) == "Good morning. Who is it?"
    assert talk.state == "ask"
    assert spoken(await talk.say("what")) == "Pardon? Who is it?", "tries count anew"
    assert spoken(await talk.say("help")) == "There is no help, Bob."
    assert talk.call.state["script"] == {"state": "ask", "tries": 0}


async def test_options_of_every_state(small: Script) -> None:
    talk = Conversation(small)
    assert {"operator", "help", "repeat", "ann", "it is bob"} <= set(expected(await talk.greet()))
    assert spoken(await talk.say("help")) == "There is no help, ."
    assert spoken(await talk.say("repeat")) == "Who is it?"
    moved = await talk.say("operator please")
    assert (spoken(moved), actions(moved)) == ("One moment.", [Transfer("+15550003333")])


async def test_ways_out(small: Script) -> None:
    assert actions(await Conversation(small).say("never mind")) == [Hangup("script")]
    talk = Conversation(small)
    await talk.say("ann")
    assert await talk.say("call me") == [Transfer("+15550002222")]
    replies = await talk.say("at half past ten")
    assert spoken(replies) == "Splendid. / See you at ten thirty, Ann Lee."
    assert talk.result == {"name": "Ann Lee", "time": "10:30", "done": "yes"}
    assert await talk.say("thank you") == [Hangup("script")]
    assert await talk.press("1") == [Hangup("script")]
    assert await small.on_idle(talk.call, 1) == [Hangup("script")]


async def test_keys(small: Script) -> None:
    talk = Conversation(small)
    await talk.greet()
    assert spoken(await talk.press("2")) == "Hello Bob. / When, Bob?"
    assert spoken(await talk.press("1")) == "Eh? At what time?", "a key of another state"
    assert actions(await talk.press("0")) == [Transfer("+15550003333")]


async def test_a_silent_caller(small: Script) -> None:
    talk = Conversation(small)
    await talk.greet()
    prompts = [spoken(await small.on_idle(talk.call, count)) for count in (1, 2, 3)]
    assert prompts == ["Hello?", "Still there?", "Still there?"]
    await talk.say("ann")
    assert spoken(await small.on_idle(talk.call, 1)) == "Tick, tock."


async def test_idle_without_a_prompt_asks_again(tmp_path: Path) -> None:
    path = tmp_path / "short.toml"
    path.write_text(
        'start = "a"\n[states.a]\nsay = "Well?"\n'
        '[[states.a.expect]]\nphrases = "x"\nhangup = true\n'
    )
    script = load_script(path)
    talk = Conversation(script)
    await talk.greet()
    assert spoken(await script.on_idle(talk.call, 1)) == "Well?"
    assert spoken(await talk.say("y")) == "Well?"
    for _ in range(9):
        assert spoken(await talk.say("y")) == "Well?", "without max_tries it never gives up"


async def test_resuming_on_another_worker(small: Script) -> None:
    talk = Conversation(small)
    await talk.greet()
    await talk.say("ann")
    resumed = await small.on_resume(talk.call, "When, Ann Lee?")
    assert spoken(resumed) == "When, Ann Lee?"
    assert "at ten" in expected(resumed)
    assert spoken(await small.on_resume(talk.call, "")) == "At what time?"
    talk.call.gap = Gap(500, speech_lost=False, turn_open=True)
    (expects,) = await small.on_resume(talk.call, "")
    assert isinstance(expects, Expect), "nothing is said: the answer to the open turn follows"
    talk.call.gap = None
    await talk.say("ten")
    assert await small.on_resume(talk.call, "See you.") == [Say("See you."), Hangup("script")]


async def test_a_state_that_the_script_no_longer_has(small: Script) -> None:
    talk = Conversation(small)
    talk.call.state = {"script": {"state": "gone", "tries": 9}}
    assert spoken(await talk.say("ann")) == "When, Ann Lee?"
    talk.call.state = {"script": "nonsense"}
    assert spoken(await talk.say("what")) == "Pardon? Who is it?"


async def test_two_calls_share_a_script_and_nothing_else(small: Script) -> None:
    one, two = Conversation(small), Conversation(small)
    await one.greet()
    await two.greet()
    await one.say("ann")
    assert (one.state, two.state) == ("time", "ask")
    assert two.result == {}


async def test_what_is_noted_of_the_person(tmp_path: Path) -> None:
    path = tmp_path / "survey.toml"
    path.write_text("""
    start = "ask"
    [states.ask]
    say = "Do you have a minute?"
    dtmf = { 1 = { call_back_s = 600, say = "Later, then.", hangup = true } }
    [[states.ask.expect]]
    phrases = ["never again"]
    do_not_call = true
    say = "As you like."
    hangup = true
    """)
    script, call = load_script(path), Call("CA1", "+15550100001", "+15550100002", "outbound")
    await script.greet(call)
    said = [DoNotCall(), Say("As you like."), Hangup("script")]
    assert await script.on_turn(call, Turn("CA1-1", "never again")) == said
    later = [CallBack(600), Say("Later, then."), Hangup("script")]
    assert await script.on_dtmf(call, "1") == later
