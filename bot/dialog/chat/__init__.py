"""The built-in `chat` dialog: a language model behind an OpenAI-compatible endpoint answers.

A file in short (`PARLEY_DIALOG=chat:FILE`); only `prompt` and `model` must be there::

    prompt = "You take reservations for Luigi's. The caller's number is {from}."
    greeting = "Luigi's, good evening. What can I do for you?"   # else the caller speaks first
    idle = ["Are you still there?"]             # to a silent caller
    model = "gpt-6-luna"
    fallback_model = "gpt-5.4-mini"             # asked when the model has failed twice
    base_url = "http://127.0.0.1:11434/v1"      # else OPENAI_BASE_URL, else OpenAI's own
    temperature = 0.4                           # not sent unless written, as the next one
    max_completion_tokens = 300
    first_token_s = 3.0                         # so long may the first word of an answer take,
    timeout_s = 30.0                            # so long the whole answer,
    tool_timeout_s = 5.0                        # and so long a tool
    tools = ["bookings:find_table"]             # Python functions: see below
    hang_up = true                              # the model may end the call
    do_not_call = false                         # may see to it that somebody is never called again
    call_back = false                           # may have a campaign call again later

    [transfer]                                  # and pass it on: to these, and nobody else
    kitchen = "+15551234567"

    [parameters]                                # of the call (<Parameter>, a campaign's contact),
    name = "guest"                              # for {name} in the texts, with their defaults

    [request]                                   # goes into each request as it is
    reasoning_effort = "low"

The key is `OPENAI_API_KEY`; servers on this machine need none. Beside `{from}` and `{to}` texts may
hold `{direction}`, `{language}` and what `[parameters]` names; `{{name}}` is the text `{name}`.

**What the model is told** is the conversation as it was heard: of an answer that was interrupted
only its beginning, and that it was interrupted; and the keys that were pressed. Answers are spoken
sentence by sentence while they come.

**Tools** are functions with type hints and a docstring, asynchronous or not (then in a thread). A
parameter annotated `Call` (or `Call | None`) is the call::

    async def find_table(call: Call, guests: int, day: Literal["friday", "saturday"]) -> str:
        \"\"\"Look for a free table.

        Args:
            guests: for how many people.
        \"\"\"

The model is told what a tool returns, as text or JSON. Wrong arguments go back to it; of a tool
that raises it learns the exception's type, and the log the rest. Five rounds of tools in a turn and
eight tools at a time are the most.

When the caller speaks while tools run, asynchronous ones are cancelled (`CancelledError`), and
synchronous ones go on in their threads. Whatever had been done by then is remembered with its
result and with what the tools had put into `call.state`; of the rest the model is told that nobody
knows whether it was done, until a thread is at its end. A synchronous tool should put into
`call.state` what it has done when it is done: what it puts there before and does not end in time is
taken back with the turn. Only a worker's death lets it forget: a tool that must not act twice
needs a key of its own for what it does, such as `call.sid` and its arguments.

**Failures.** A request that is refused for the moment, or fails, is made again once, after what the
server says or 0.2 s; if it wants more than 2 s of patience, the fallback is asked at once. A key
that is refused and a used-up quota are final. When nothing helps, or an answer breaks off in the
middle, the caller hears `PARLEY_APOLOGY`. All this has to fit into `PARLEY_HOOK_TIMEOUT_S`.

`call.state["chat"]` holds the tools' rounds (the last thirty) and, as `tokens`, what each model has
read and written in the call, without answers that were broken off: of these nobody says.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bot.dialog.resources import Resources
from bot.dialog.types import DialogError

from .builtin import call_back_tool, do_not_call_tool, hang_up_tool, transfer_tool
from .dialog import Chat
from .file import ChatFile, read_chat
from .tools import Tool, load_tool

if TYPE_CHECKING:
    from .model import Models

__all__ = ["ChatBot", "load_chat"]


@dataclass(frozen=True, slots=True)
class ChatBot:
    """What the calls of one file share."""

    file: ChatFile
    models: Models
    tools: dict[str, Tool]

    def dialog(self) -> Chat:
        """The dialog of a new call."""
        return Chat(self.file, self.models, self.tools)


def load_chat(path: Path, resources: Resources) -> ChatBot:
    """The dialog written in the TOML file `path`.

    Raises:
        DialogError: what is wrong, with file and key; or the extra `openai` is not installed.
    """
    file = read_chat(path)
    try:
        from .model import Models
    except ModuleNotFoundError as error:
        raise DialogError(
            f"chat {path}: {error.name!r} is not installed: pip install 'parley[openai]'"
        ) from error
    for key in ("first_token_s", "tool_timeout_s"):
        if (value := getattr(file, key)) > resources.hook_timeout_s:
            raise DialogError(
                f"chat {path}: {key} is {value:g}, but PARLEY_HOOK_TIMEOUT_S ends the answer after"
                f" {resources.hook_timeout_s:g} s: make the one shorter, or the other longer"
            )
    tools = [load_tool(spec) for spec in file.tools]
    if file.hang_up:
        tools.append(hang_up_tool())
    if file.do_not_call:
        tools.append(do_not_call_tool())
    if file.call_back:
        tools.append(call_back_tool())
    if file.transfer:
        tools.append(transfer_tool(file.transfer))
    names = [tool.name for tool in tools]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise DialogError(f"chat {path}: two tools are called {', '.join(twice)}")
    return ChatBot(file, Models(file, resources), {tool.name: tool for tool in tools})
