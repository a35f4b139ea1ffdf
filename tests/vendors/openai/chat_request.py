"""What `POST /v1/chat/completions` takes: requests are checked as the API checks them.

Source: https://platform.openai.com/docs/api-reference/chat/create. The wording of refusals is as
seen in answers of the API; only types, params and codes are to be relied on.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

__all__ = ["PARAMETERS", "Refused", "check_request"]

PARAMETERS = frozenset(
    {
        *("audio", "frequency_penalty", "function_call", "functions", "logit_bias", "logprobs"),
        *("max_completion_tokens", "max_tokens", "messages", "metadata", "modalities", "model"),
        *("moderation", "n", "parallel_tool_calls", "prediction", "presence_penalty"),
        *("prompt_cache_key", "prompt_cache_options", "prompt_cache_retention"),
        *("reasoning_effort", "response_format", "safety_identifier", "seed", "service_tier"),
        *("stop", "store", "stream", "stream_options", "temperature", "tool_choice", "tools"),
        *("top_logprobs", "top_p", "user", "verbosity", "web_search_options"),
    }
)
ROLES = ("system", "developer", "user", "assistant", "tool")
FUNCTION_NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}")
MAX_TOOLS = 128
# Messages and tools may hold more than these; what is not here nobody has use for yet.
MESSAGE_KEYS = {"role", "content", "name", "tool_calls", "tool_call_id", "refusal"}


class Refused(Exception):
    """A refusal: an HTTP status, and the fields of the `error` object."""

    def __init__(
        self,
        status: int,
        message: str,
        *,
        kind: str = "invalid_request_error",
        param: str | None = None,
        code: str | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.error = {"message": message, "type": kind, "param": param, "code": code}


def check_request(body: object, models: Mapping[str, bool]) -> dict[str, Any]:
    """The request, if the API would take it.

    Args:
        body: what was posted.
        models: every model's name, and whether it reasons.

    Raises:
        Refused: it would not.
    """
    if not isinstance(body, dict):
        raise Refused(400, "We could not parse the JSON body of your request.")
    for name in body:
        if name not in PARAMETERS:
            raise Refused(400, f"Unrecognized request argument supplied: {name}")
    model = body.get("model")
    if not isinstance(model, str):
        raise Refused(400, "you must provide a model parameter")
    if model not in models:
        raise Refused(
            404, f"The model `{model}` does not exist", param=None, code="model_not_found"
        )
    _check_sampling(body, reasons=models[model])
    _check_stream(body)
    _check_tools(body)
    _check_messages(body.get("messages"))
    return body


def _check_sampling(body: Mapping[str, Any], *, reasons: bool) -> None:
    if reasons and "max_tokens" in body:
        raise Refused(
            400,
            "Unsupported parameter: 'max_tokens' is not supported with this model."
            " Use 'max_completion_tokens' instead.",
            param="max_tokens",
            code="unsupported_parameter",
        )
    if "max_tokens" in body and "max_completion_tokens" in body:
        raise Refused(400, "Setting 'max_tokens' and 'max_completion_tokens' at the same time.")
    for name in ("max_tokens", "max_completion_tokens"):
        if name in body and not (isinstance(body[name], int) and body[name] >= 1):
            raise _wrong(name, "an integer of 1 or more")
    temperature = body.get("temperature", 1)
    if not isinstance(temperature, int | float) or not 0 <= temperature <= 2:
        raise _wrong("temperature", "a number from 0 to 2")
    if reasons and temperature != 1:
        raise Refused(
            400,
            "Unsupported value: 'temperature' does not support that with this model.",
            param="temperature",
            code="unsupported_value",
        )
    if not reasons and "reasoning_effort" in body:
        raise Refused(400, "Unrecognized request argument supplied: reasoning_effort")


def _check_stream(body: Mapping[str, Any]) -> None:
    if body.get("stream") is not True:
        raise Refused(400, "this stand-in only streams", param="stream")
    options = body.get("stream_options", {})
    if not isinstance(options, dict) or set(options) - {"include_usage", "include_obfuscation"}:
        raise _wrong("stream_options", "an object of its own options")


def _check_tools(body: Mapping[str, Any]) -> None:
    tools = body.get("tools")
    if tools is None:
        for name in ("tool_choice", "parallel_tool_calls"):
            if name in body:
                raise Refused(400, f"'{name}' is only allowed when 'tools' are specified.")
        return
    if not isinstance(tools, list) or not 1 <= len(tools) <= MAX_TOOLS:
        raise _wrong("tools", f"an array of 1 to {MAX_TOOLS}")
    for number, tool in enumerate(tools):
        _check_tool(tool, f"tools[{number}]")
    if body.get("tool_choice", "auto") not in ("none", "auto", "required"):
        raise _wrong("tool_choice", "none, auto or required")


def _check_tool(tool: object, place: str) -> None:
    match tool:
        case {"type": "function", "function": {"name": str(name), **function}}:
            _check_name(name, f"{place}.function.name")
        case _:
            raise _wrong(place, "a function with a name")
    if set(function) - {"description", "parameters", "strict"}:
        raise _wrong(f"{place}.function", "name, description, parameters and strict alone")
    parameters: Any = function.get("parameters", {"type": "object", "properties": {}})
    if parameters.get("type") != "object" or not isinstance(parameters.get("properties"), dict):
        raise Refused(
            400,
            f"Invalid schema for function '{name}': schema must be of type 'object' with"
            " properties.",
            param=f"{place}.function.parameters",
            code="invalid_function_parameters",
        )


def _check_messages(messages: object) -> None:
    if not isinstance(messages, list) or not messages:
        raise Refused(400, "Invalid 'messages': empty array.", param="messages", code="empty_array")
    due: list[str] = []
    for number, message in enumerate(messages):
        place = f"messages[{number}]"
        if not isinstance(message, dict) or message.get("role") not in ROLES:
            raise _wrong(f"{place}.role", f"one of {', '.join(ROLES)}")
        if unknown := set(message) - MESSAGE_KEYS:
            raise _wrong(place, f"a message without {', '.join(sorted(unknown))}")
        if message["role"] == "tool":
            _take_answer(message, due, place)
            continue
        _all_answered(due)
        due = _calls_of(message, place) if message["role"] == "assistant" else []
        if not due:
            _check_content(message, place)
    _all_answered(due)


def _take_answer(message: Mapping[str, Any], due: list[str], place: str) -> None:
    if message.get("tool_call_id") not in due:
        raise Refused(
            400,
            "Invalid parameter: messages with role 'tool' must be a response to a preceding"
            " message with 'tool_calls'.",
            param=f"{place}.role",
        )
    _check_content(message, place)
    due.remove(message["tool_call_id"])


def _all_answered(due: Sequence[str]) -> None:
    if due:
        raise Refused(
            400,
            "An assistant message with 'tool_calls' must be followed by tool messages responding"
            f" to each 'tool_call_id'. These did not have response messages: {', '.join(due)}",
            param="messages",
        )


def _calls_of(message: Mapping[str, Any], place: str) -> list[str]:
    calls = message.get("tool_calls")
    if calls is None:
        return []
    if not isinstance(calls, list) or not calls:
        raise _wrong(f"{place}.tool_calls", "an array of 1 or more")
    ids = []
    for call in calls:
        match call:
            case {"id": str(id_), "type": "function", "function": {"name": str(name), **rest}}:
                _check_name(name, f"{place}.tool_calls")
                if not isinstance(rest.get("arguments"), str) or len(rest) > 1:
                    raise _wrong(f"{place}.tool_calls", "a function with arguments as text")
                ids.append(id_)
            case _:
                raise _wrong(f"{place}.tool_calls", "calls with id, type and function")
    return ids


def _check_content(message: Mapping[str, Any], place: str) -> None:
    if not isinstance(message.get("content"), str):
        raise Refused(
            400,
            f"Invalid value for 'content': expected a string, got {message.get('content')!r}.",
            param=f"{place}.content",
        )


def _check_name(name: str, place: str) -> None:
    if not FUNCTION_NAME.fullmatch(name):
        raise Refused(
            400,
            f"Invalid '{place}': string does not match pattern.",
            param=place,
            code="invalid_value",
        )


def _wrong(param: str, wanted: str) -> Refused:
    return Refused(400, f"Invalid '{param}': it may be {wanted}.", param=param)
