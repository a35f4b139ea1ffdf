from __future__ import annotations

import asyncio
import functools
import threading
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Any, Literal

import pytest
from pydantic import Field

from bot.dialog import Call, CallBack, DialogError, DoNotCall, Hangup, Say, Transfer
from bot.dialog.chat.builtin import (
    call_back_tool,
    do_not_call_tool,
    hang_up_tool,
    transfer_tool,
)
from bot.dialog.chat.tools import MAX_RESULT, BadArguments, load_tool, make_tool, result_text
from tests.vendors.openai.chat import MODEL
from tests.vendors.openai.chat_request import check_request

CALL = Call("CA1", "+15550100001", "+15550100002", "inbound")


@dataclass
class Guest:
    name: str
    age: int | None = None


async def reserve(
    call: Call,
    guests: int,
    day: Literal["friday", "saturday"] = "friday",
    *,
    on: date | None = None,
    names: Annotated[list[str], Field(max_length=2)] = [],  # noqa: B006  # as users write it
    who: Guest | None = None,
) -> dict[str, Any]:
    """Reserve a table.

    It may take a while.

    Args:
        guests: for how many people,
            children included.
        day (str): of the week.
        nobody: is there.

    Returns:
        What was reserved.
    """
    return {"guests": guests, "day": day, "on": on, "names": names, "who": who, "sid": call.sid}


def test_the_schema_says_what_the_function_says() -> None:
    tool = make_tool(reserve, "spec")
    schema = tool.schema["function"]
    assert (tool.name, schema["name"]) == ("reserve", "reserve")
    assert schema["description"] == "Reserve a table.\n\nIt may take a while."
    properties = schema["parameters"]["properties"]
    assert list(properties) == ["guests", "day", "on", "names", "who"]
    assert properties["guests"]["type"] == "integer"
    assert properties["guests"]["description"] == "for how many people, children included."
    assert properties["day"]["enum"] == ["friday", "saturday"]
    assert properties["day"]["description"] == "of the week."
    assert schema["parameters"]["required"] == ["guests"]
    assert schema["parameters"]["additionalProperties"] is False
    tools = [tool.schema, hang_up_tool().schema, transfer_tool({"cook": "+15551234567"}).schema]
    messages = [{"role": "user", "content": "hi"}]
    asked = {"model": MODEL, "messages": messages, "stream": True, "tools": tools}
    assert check_request(asked, {MODEL: False})


def test_arguments_are_what_the_hints_say() -> None:
    tool = make_tool(reserve, "spec")
    assert tool.parse('{"guests": "4"}') == {
        "guests": 4, "day": "friday", "on": None, "names": [], "who": None,
    }  # fmt: skip
    given = tool.parse('{"guests": 2, "on": "2026-11-21", "who": {"name": "Ada"}, "names": ["a"]}')
    assert (given["on"], given["who"], given["names"]) == (date(2026, 11, 21), Guest("Ada"), ["a"])


def test_a_function_without_parameters_takes_no_arguments() -> None:
    def nothing() -> None:
        """Do nothing."""

    assert make_tool(nothing, "spec").parse("") == {}


def test_the_call_is_never_the_models_to_give() -> None:
    def book(
        day: str, call: Call | None = None, *, same: Annotated[Call | None, "the call"] = None
    ) -> None:
        """Book."""

    tool = make_tool(book, "spec")
    assert list(tool.schema["function"]["parameters"]["properties"]) == ["day"]


@pytest.mark.parametrize(
    ("arguments", "fault"),
    [
        ("{}", "guests: Field required"),
        ('{"guests": "many"}', "guests: Input should be a valid integer"),
        ('{"guests": 1, "day": "monday"}', "day: Input should be 'friday' or 'saturday'"),
        ('{"guests": 1, "cost": 2}', "cost: Unexpected keyword argument"),
        ('{"guests": 1, "names": ["a", "b", "c"]}', "names: List should have at most 2"),
        ('{"guests": 1, "who": {"name": 1}}', "who.name: Input should be a valid string"),
        ("[1]", "arguments: Input should be an object"),
        ('{"guests":', "arguments: Invalid JSON"),
    ],
)
def test_wrong_arguments_say_which_and_why(arguments: str, fault: str) -> None:
    with pytest.raises(BadArguments) as error:
        make_tool(reserve, "spec").parse(arguments)
    assert fault in str(error.value)


async def test_a_function_is_run_in_the_loop_or_in_a_thread() -> None:
    def here(call: Call) -> bool:
        """Say whether this is the loop's thread."""
        return threading.current_thread() is threading.main_thread()

    async def there(caller: Call) -> str:
        """Say who calls."""
        await asyncio.sleep(0)
        return caller.from_number

    @functools.wraps(there)
    def decorated(caller: Call) -> Any:
        return there(caller)

    async def perhaps(call: Call | None = None) -> bool:
        """Say whether there is a call."""
        return call is CALL

    results: list[object] = []
    for function in (here, there, decorated, perhaps):
        await make_tool(function, "spec").run({}, CALL, results.append)
    assert results == [False, CALL.from_number, CALL.from_number, True]
    assert make_tool(here, "spec").schema["function"]["parameters"]["properties"] == {}


@pytest.mark.parametrize(
    ("result", "text"),
    [
        (None, "done"),
        ("as it is", "as it is"),
        ({"on": date(2026, 1, 2), "who": Guest("Ada")}, '{"on":"2026-01-02",'),
        (CALL.__class__, '"<class'),
        ("x" * (MAX_RESULT + 1), "x" * MAX_RESULT + " … (cut)"),
        # As Python has names of files that are not UTF-8.
        ("caf\udce9", "caf\ufffd"),
        (["caf\udce9", date(2026, 1, 2)], '["caf\\udce9", "2026-01-02"]'),
    ],
)
def test_what_the_model_is_told_of_a_result(result: object, text: str) -> None:
    assert result_text(result).startswith(text)
    assert len(result_text(result)) < MAX_RESULT + 20
    assert result_text(result).encode()


def no_docstring(day: str) -> None: ...


def no_hint(day) -> None:  # type: ignore[no-untyped-def]
    """Book."""


def many(*days: str) -> None:
    """Book."""


def unknown_hint(day: Nowhere) -> None:  # type: ignore[name-defined]  # noqa: F821
    """Book."""


async def yields(day: str) -> AsyncIterator[str]:
    """Book."""
    yield day


def no_json(work: Callable[[], None]) -> None:
    """Book."""


def no_schema(loop: asyncio.AbstractEventLoop) -> None:
    """Book."""


@pytest.mark.parametrize(
    ("name", "fault"),
    [
        ("no_docstring", "has no docstring"),
        ("no_hint", "day has no type hint"),
        ("many", r"\*days: str is not for a model|\*days: 'str' is not for a model"),
        ("unknown_hint", "its hints cannot be used: name 'Nowhere'"),
        ("no_json", "its hints cannot be used"),
        ("no_schema", "its hints cannot be used"),
        ("yields", "let it return all"),
        ("CALL", "is no function"),
        ("make_tool.__name__", "is no function"),
    ],
)
def test_a_function_of_which_no_tool_can_be_made(name: str, fault: str) -> None:
    with pytest.raises(DialogError, match=fault):
        load_tool(f"{__name__}:{name}")


def test_a_name_that_the_api_does_not_take() -> None:
    with pytest.raises(DialogError, match="give the function a name"):
        make_tool(lambda: None, "spec")


def test_what_somebody_asks_for_who_does_not_want_this_call() -> None:
    never = do_not_call_tool()
    given = never.parse('{"last_words": "Sorry."}')
    assert never.function(**given) == [DoNotCall(), Say("Sorry."), Hangup("do not call")]
    later = call_back_tool()
    assert later.function(**later.parse('{"after_min": 90}')) == [
        CallBack(5400), Hangup("call back"),
    ]  # fmt: skip
    for minutes in ("0", "10081", '"soon"'):
        with pytest.raises(BadArguments, match="after_min"):
            later.parse(f'{{"after_min": {minutes}}}')


def test_what_ends_a_call() -> None:
    hang_up = hang_up_tool()
    assert hang_up.function(**hang_up.parse("{}")) == [Hangup("chat")]
    assert hang_up.function(**hang_up.parse('{"last_words": "Bye."}')) == [
        Say("Bye."), Hangup("chat"),
    ]  # fmt: skip
    transfer = transfer_tool({"cook": "+15551234567", "desk": "sip:desk@example.com"})
    for to in ("cook", "+15551234567"):
        given = transfer.parse(f'{{"to": "{to}", "last_words": " "}}')
        assert transfer.function(**given) == [Transfer("+15551234567")]
    assert transfer.schema["function"]["parameters"]["properties"]["to"]["enum"] == ["cook", "desk"]
    for to in ('"+15550000000"', '"Cook"', "null", "[]"):
        with pytest.raises(BadArguments):
            transfer.parse(f'{{"to": {to}}}')
