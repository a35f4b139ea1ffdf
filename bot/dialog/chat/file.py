"""The file of a `chat` dialog: what may stand in it, read and checked as a whole."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    TypeAdapter,
    ValidationError,
    model_validator,
)

from bot.dialog.script_file import Text, Texts
from bot.dialog.toml_file import read_file
from bot.dialog.types import DialogError, Transfer
from providers.setting_types import BaseUrl

from .prompt import unknown_names

__all__ = ["ChatFile", "read_chat"]

# What the dialog itself decides in a request.
OWN_PARAMETERS = frozenset(
    {
        *("max_completion_tokens", "messages", "model", "n", "stream", "stream_options"),
        *("temperature", "tool_choice", "tools"),
    }
)


def _destination(to: str) -> str:
    try:
        return Transfer(to).to
    except DialogError as error:
        raise ValueError(str(error)) from None


def _address(url: str) -> str:
    try:
        return _BASE_URL.validate_python(url)
    except ValidationError:
        raise ValueError(
            "write the https:// address of an API, up to its /v1; http:// for loopback alone"
        ) from None


_BASE_URL: TypeAdapter[str] = TypeAdapter(BaseUrl)
Address = Annotated[str, AfterValidator(_address)]
Destination = Annotated[str, AfterValidator(_destination)]
Seconds = Annotated[float, Field(gt=0, le=300)]


class ChatFile(BaseModel):
    """The whole file; `bot.dialog.chat` says what each key means."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    prompt: Text
    greeting: Text | None = None
    idle: Texts = []
    model: Text
    fallback_model: Text | None = None
    base_url: Address | None = None
    temperature: Annotated[float, Field(ge=0, le=2)] | None = None
    max_completion_tokens: Annotated[int, Field(ge=1)] | None = None
    first_token_s: Seconds = 3.0
    timeout_s: Seconds = 30.0
    tool_timeout_s: Seconds = 5.0
    tools: list[Text] = []
    hang_up: bool = True
    do_not_call: bool = False
    call_back: bool = False
    transfer: dict[Text, Destination] = {}
    parameters: dict[str, str] = {}
    request: dict[str, Any] = {}

    @model_validator(mode="after")
    def _right_together(self) -> Self:
        for key, texts in (
            ("prompt", [self.prompt]),
            ("greeting", [self.greeting or ""]),
            ("idle", self.idle),
        ):
            for text in texts:
                for name in unknown_names(text, self.parameters):
                    raise ValueError(
                        f"{key} holds {{{name}}}, which stands for nothing: give it a default in"
                        f" [parameters], or write {{{{{name}}}}} for the text itself"
                    )
        if taken := sorted(OWN_PARAMETERS & set(self.request)):
            raise ValueError(
                f"[request] may not hold {', '.join(taken)}: the dialog decides it, or has a key"
                " of its own for it"
            )
        try:
            json.dumps(self.request, allow_nan=False)
        except (TypeError, ValueError):
            raise ValueError("[request] holds what JSON cannot, such as a date or nan") from None
        if self.timeout_s < self.first_token_s:
            raise ValueError("timeout_s is shorter than first_token_s")
        return self


def read_chat(path: Path) -> ChatFile:
    """The chat in the TOML file `path`.

    Raises:
        DialogError: the file cannot be read, is no TOML, or holds something that does not belong
            there; the message has the file, the key and what to change.
    """
    return read_file(path, ChatFile, "chat")
