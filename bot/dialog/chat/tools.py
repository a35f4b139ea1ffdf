"""Python functions as tools of a model: their JSON schema, their arguments, their results.

A function's type hints say what it takes, its docstring what it is for: the text before `Args:` of
it, and each parameter's description there. A parameter annotated `Call`, or `Call | None`, is the
call itself, of which the model knows nothing.
"""

from __future__ import annotations

import asyncio
import dataclasses
import inspect
import json
import re
import types
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any

import pydantic_core
from pydantic import ConfigDict, Field, PydanticUserError, TypeAdapter, ValidationError

from bot.dialog.lookup import find
from bot.dialog.text import whole_characters
from bot.dialog.types import Call, DialogError

__all__ = ["MAX_RESULT", "BadArguments", "Tool", "load_tool", "make_tool"]

MAX_RESULT = 8_000
"""So many characters of a result are told to the model."""

NAME = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]{0,63}")
_PARAMETER = re.compile(r"^(\w+)\s*(?:\([^)]*\))?:\s*(.*)$")


class BadArguments(Exception):
    """The model has called a tool with arguments that it does not take; says which and why."""


@dataclass(frozen=True, slots=True)
class Tool:
    """A tool.

    Attributes:
        schema: what the API is told of it.
        arguments: what checks and converts what the model gives.
        call_parameter: the name of the parameter that is the call; None when there is none.
        leaves: it ends the conversation: the function gives the replies with which the bot leaves.
    """

    name: str
    schema: dict[str, Any]
    function: Callable[..., Any]
    arguments: TypeAdapter[Any]
    call_parameter: str | None
    leaves: bool = False

    def parse(self, arguments: str) -> dict[str, Any]:
        """The arguments by name, as the function's hints want them.

        Raises:
            BadArguments: they are no JSON object, or not what the hints say.
        """
        try:
            checked = self.arguments.validate_json(arguments or "{}")
        except ValidationError as error:
            faults = error.errors(include_input=False, include_url=False, include_context=False)
            said = [f"{'.'.join(map(str, f['loc'])) or 'arguments'}: {f['msg']}" for f in faults]
            raise BadArguments("; ".join(said)) from None
        return {field.name: getattr(checked, field.name) for field in dataclasses.fields(checked)}

    async def run(
        self, arguments: Mapping[str, Any], call: Call, done: Callable[[object], None]
    ) -> None:
        """Run the function and give `done` what it returns; one that is synchronous in a thread.

        When this is cancelled, the thread goes on, and `done` is called from it.

        Raises:
            Exception: what the function raises.
        """
        given = {**arguments}
        if self.call_parameter is not None:
            given[self.call_parameter] = call
        if inspect.iscoroutinefunction(self.function):
            done(await self.function(**given))
            return

        def work() -> object:
            result = self.function(**given)
            if not inspect.isawaitable(result):
                done(result)
            return result

        # A decorator may hide that the function is asynchronous.
        result = await asyncio.to_thread(work)
        if inspect.isawaitable(result):
            done(await result)


def result_text(result: object) -> str:
    """What a tool has returned, as the model is told it: text, or JSON."""
    if result is None:
        return "done"
    if not isinstance(result, str):
        result = _as_json(result)
    result = whole_characters(result)
    cut = " … (cut)" if len(result) > MAX_RESULT else ""
    return result[:MAX_RESULT] + cut


def _as_json(value: object) -> str:
    try:
        return pydantic_core.to_json(value, fallback=str).decode()
    except pydantic_core.PydanticSerializationError:
        # Halves of characters, of which JSON has none.
        return json.dumps(pydantic_core.to_jsonable_python(value, fallback=str))


def load_tool(spec: str) -> Tool:
    """The tool that `module:function` names, on the Python path or in the working directory.

    Raises:
        DialogError: there is none, or no tool can be made of it.
    """
    module, _, name = spec.partition(":")
    if not module or not name:
        raise DialogError(f"tool {spec!r}: write module:function")
    return make_tool(find(spec, "tool"), spec)


def make_tool(function: Callable[..., Any], spec: str, *, leaves: bool = False) -> Tool:
    """A tool from a function; `leaves` is the tool's.

    Raises:
        DialogError: it is no function, or lacks a type hint that JSON can be checked with.
    """
    if not inspect.isroutine(function):
        raise DialogError(f"tool {spec!r} is no function")
    if inspect.isasyncgenfunction(function):
        raise DialogError(f"tool {spec!r} yields: let it return all that the model is to be told")
    name = function.__name__
    if not NAME.fullmatch(name):
        raise DialogError(f"tool {spec!r}: give the function a name of letters, digits and _")
    text, described = _described(inspect.getdoc(function) or "")
    if not text:
        raise DialogError(f"tool {spec!r} has no docstring: the model would not know what it is")
    try:
        hints = typing.get_type_hints(function, include_extras=True)
        call_parameter, arguments = _arguments(function, hints, described, spec)
        parameters = arguments.json_schema()
    except (NameError, TypeError, PydanticUserError) as error:
        raise DialogError(f"tool {spec!r}: its hints cannot be used: {error}") from error
    parameters.pop("title", None)
    schema = {
        "type": "function",
        "function": {
            "name": name,
            "description": text,
            "parameters": {"properties": {}, **parameters},
        },
    }
    return Tool(name, schema, function, arguments, call_parameter, leaves)


def _arguments(
    function: Callable[..., Any], hints: Mapping[str, Any], described: Mapping[str, str], spec: str
) -> tuple[str | None, TypeAdapter[Any]]:
    call_parameter = None
    fields: list[tuple[str, Any, Any]] = []
    for parameter in inspect.signature(function).parameters.values():
        name = parameter.name
        if parameter.kind not in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY):
            raise DialogError(f"tool {spec!r}: {parameter} is not for a model: name each argument")
        if name not in hints:
            raise DialogError(f"tool {spec!r}: {name} has no type hint")
        if _is_call(hints[name]):
            call_parameter = name
            continue
        hint = hints[name]
        if name in described:
            hint = Annotated[hint, Field(description=described[name])]
        fields.append((name, hint, _field(parameter.default)))
    namespace = {"__pydantic_config__": ConfigDict(extra="forbid")}
    made = dataclasses.make_dataclass("Arguments", fields, namespace=namespace, kw_only=True)
    return call_parameter, TypeAdapter(made)


def _is_call(hint: Any) -> bool:
    if typing.get_origin(hint) is Annotated:
        hint = typing.get_args(hint)[0]
    if typing.get_origin(hint) in (typing.Union, types.UnionType):
        return any(map(_is_call, typing.get_args(hint)))
    return hint is Call


def _field(default: Any) -> Any:
    if default is inspect.Parameter.empty:
        return dataclasses.field()
    return dataclasses.field(default_factory=lambda: default)


def _described(doc: str) -> tuple[str, dict[str, str]]:
    """What a docstring says of the function, and of each parameter below `Args:`."""
    text, _, rest = doc.partition("\nArgs:\n")
    described: dict[str, str] = {}
    name, margin = "", None
    for line in rest.splitlines():
        indent = len(line) - len(line.lstrip())
        if not line.strip() or indent == 0:
            break
        margin = indent if margin is None else margin
        if indent == margin and (match := _PARAMETER.match(line.strip())):
            name = match[1]
            described[name] = match[2]
        elif name:
            described[name] += " " + line.strip()
    text = re.split(r"\n(?:Returns|Raises|Yields|Examples?):\n", text)[0]
    return text.strip(), described
