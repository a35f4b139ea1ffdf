"""PURE: what the user's server may answer, as JSON: its schema, and what it means.

An answer is a text to be spoken, an action, or an object with both (`Both`). A stream of lines has
such an answer in each.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from bot.dialog import types
from bot.dialog.types import Action, DialogError, Reply

__all__ = ["InvalidAnswerError", "Read", "read_answer", "schema"]


class InvalidAnswerError(Exception):
    """The server's answer is none; says where and why, without a word of it."""


def _printable(text: str) -> str:
    if not text.isprintable():
        raise ValueError("it holds what cannot be printed")
    return text


class _Form(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Say(_Form):
    """Speak a text."""

    action: Literal["say"]
    text: str
    interruptible: bool = True

    def reply(self) -> Action:
        return types.Say(self.text, self.interruptible)


class Play(_Form):
    """Play a `.wav` or `.ulaw` file of the worker's machine."""

    action: Literal["play"]
    path: Annotated[str, AfterValidator(_printable)]
    interruptible: bool = True

    def reply(self) -> Action:
        return types.Play(self.path, self.interruptible)


class Hangup(_Form):
    """Hang up when everything said so far was heard."""

    action: Literal["hangup"]
    reason: str = "dialog"

    def reply(self) -> Action:
        return types.Hangup(self.reason)


class Transfer(_Form):
    """Connect the caller to a number in E.164 form, `sip:…` or `client:…`."""

    action: Literal["transfer"]
    to: str
    caller_id: str | None = None

    def reply(self) -> Action:
        try:
            return types.Transfer(self.to, self.caller_id)
        except DialogError:
            # Its text has what cannot be dialled, and that may be the caller's words.
            raise InvalidAnswerError(
                "transfer.to: write a number as +15551234567, or sip:… or client:…"
            ) from None


class SendDigits(_Form):
    """Send touch tones: `0-9 * #`, and `w` and `W` for pauses."""

    action: Literal["send_digits"]
    digits: str

    def reply(self) -> Action:
        return types.SendDigits(self.digits)


class Gather(_Form):
    """Collect keys into one `dtmf` event."""

    action: Literal["gather"]
    digits: Annotated[int, Field(ge=1)] | None = None
    finish_on: str = "#"
    timeout_s: Annotated[float, Field(gt=0)] = 5.0

    def reply(self) -> Action:
        return types.Gather(self.digits, self.finish_on, self.timeout_s)


class SetLanguage(_Form):
    """Recognize and speak another language from now on."""

    action: Literal["set_language"]
    language: str
    voice: str | None = None

    def reply(self) -> Action:
        return types.SetLanguage(self.language, self.voice)


class Expect(_Form):
    """Tell the recognizer what is likely to be said next."""

    action: Literal["expect"]
    phrases: list[str]

    def reply(self) -> Action:
        return types.Expect(tuple(self.phrases))


class DoNotCall(_Form):
    """Never call this person again; the call goes on."""

    action: Literal["do_not_call"]

    def reply(self) -> Action:
        return types.DoNotCall()


class CallBack(_Form):
    """Have the campaign call this person again later; the call goes on."""

    action: Literal["call_back"]
    after_s: Annotated[int, Field(ge=1, le=types.MAX_CALL_BACK_S)]

    def reply(self) -> Action:
        return types.CallBack(self.after_s)


AnyAction = Annotated[
    Say
    | Play
    | Hangup
    | Transfer
    | SendDigits
    | Gather
    | SetLanguage
    | Expect
    | DoNotCall
    | CallBack,
    Field(discriminator="action"),
]


class Both(_Form):
    """Speech, then actions. What is in `state` goes into `call.state`, key by key."""

    say: str | list[str] = []
    actions: list[AnyAction] = []
    state: dict[str, Any] = {}


Read = tuple[list[Reply], dict[str, Any]]
"""What is said and done, and what goes into `call.state`."""

_ACTION: TypeAdapter[Any] = TypeAdapter(AnyAction)
_BOTH = TypeAdapter(Both)
_ANSWER: TypeAdapter[Any] = TypeAdapter(str | AnyAction | Both)


def read_answer(value: object) -> Read:
    """What one answer, as JSON values, means.

    Raises:
        InvalidAnswerError: it is none.
    """
    try:
        if isinstance(value, str):
            return [types.Say(value)], {}
        if isinstance(value, dict) and "action" in value:
            return [_ACTION.validate_python(value).reply()], {}
        both = _BOTH.validate_python(value)
        texts = [both.say] if isinstance(both.say, str) else both.say
        actions = [action.reply() for action in both.actions]
    except ValidationError as error:
        raise InvalidAnswerError("; ".join(map(_fault, error.errors()))) from None
    except DialogError as error:
        raise InvalidAnswerError(str(error)) from None
    return [*map(types.Say, texts), *actions], both.state


def schema() -> dict[str, Any]:
    """The JSON schema of an answer."""
    return {"title": "An answer to Parley", **_ANSWER.json_schema()}


def _fault(fault: Any) -> str:
    place, message = fault["loc"], fault["msg"]
    if fault["type"] == "union_tag_invalid":
        message = f"there is no such action; it may be {fault['ctx']['expected_tags']}"
    elif fault["type"] == "extra_forbidden":
        # The key itself may be anybody's words.
        place, message = place[:-1], "there is a key that does not belong there"
    place = ".".join(map(str, place)) or "the answer"
    return f"{place}: {message}"
