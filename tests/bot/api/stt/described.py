"""Whether what a WebSocket of the service says is what its AsyncAPI description has."""

from __future__ import annotations

from functools import cache
from typing import Any

import orjson
from jsonschema import Draft202012Validator, FormatChecker

from bot.api.stt.asyncapi import describe

__all__ = ["Described"]


@cache
def _document() -> dict[str, Any]:
    return describe("http://127.0.0.1:8080")


@cache
def _told(channel: str) -> dict[str, Draft202012Validator]:
    """What checks each message that a client gets, by its `type`."""
    document = _document()
    messages = document["components"]["messages"]
    operations = [
        operation
        for operation in document["operations"].values()
        if operation["action"] == "send" and operation["channel"]["$ref"] == f"#/channels/{channel}"
    ]
    told = {}
    for operation in operations:
        for reference in operation["messages"]:
            message = messages[reference["$ref"].rpartition("/")[2]]
            schema = {**message["payload"], "components": document["components"]}
            told[message["name"]] = Draft202012Validator(
                schema, format_checker=FormatChecker(["date-time", "uuid"])
            )
    return told


class Described:
    """The messages of a channel, `stream` or `asrStream`, as they are described."""

    def __init__(self, channel: str) -> None:
        self.told = _told(channel)

    def check(self, message: str | bytes) -> dict[str, Any]:
        """See that a message to a client is one of those described; it, read.

        Raises:
            KeyError, ValidationError: it is not.
        """
        values: dict[str, Any] = orjson.loads(message)
        self.told[values["type"]].validate(values)
        return values
