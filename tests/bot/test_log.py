"""Logs: one JSON line an event, with the call's SID, uvicorn's among them."""

from __future__ import annotations

import asyncio
import inspect
import io
import logging

import orjson
import pytest
import structlog
from uvicorn.protocols.websockets import websockets_sansio_impl

from bot.log import NO_TEXT, REFUSED_UPGRADE, bind_call, configure

pytestmark = pytest.mark.usefixtures("own_logging")


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def lines(stream: io.StringIO) -> list[dict[str, object]]:
    return [orjson.loads(line) for line in stream.getvalue().splitlines()]


def test_an_event_is_one_json_line() -> None:
    configure(stream=(stream := io.StringIO()))
    structlog.get_logger().info("call_started", stt="pocketsphinx", frames=3)
    [line] = lines(stream)
    assert (line["event"], line["level"], line["frames"]) == ("call_started", "info", 3)
    assert str(line["timestamp"]).endswith("Z")


def test_the_level_holds_for_everything() -> None:
    configure("warning", stream=(stream := io.StringIO()))
    structlog.get_logger().info("quiet")
    logging.getLogger("uvicorn.error").info("quiet")
    structlog.get_logger().warning("loud")
    assert [line["event"] for line in lines(stream)] == ["loud"]


def test_uvicorn_logs_the_same_way_but_not_every_connection() -> None:
    logging.getLogger("uvicorn").addHandler(logging.StreamHandler(io.StringIO()))
    configure(stream=(stream := io.StringIO()))
    logging.getLogger("uvicorn.error").info("connection open")
    logging.getLogger("uvicorn.error").error(REFUSED_UPGRADE)
    logging.getLogger("uvicorn.error").exception(NO_TEXT)
    logging.getLogger("uvicorn.error").warning("Exceeded %d requests", 7)
    logging.getLogger("uvicorn.access").info("GET /health")
    [line] = lines(stream)
    assert line["event"] == "Exceeded 7 requests"


@pytest.mark.parametrize("said", [REFUSED_UPGRADE, NO_TEXT])
def test_what_uvicorn_says_of_its_peers_is_known(said: str) -> None:
    assert f'"{said}"' in inspect.getsource(websockets_sansio_impl)


def test_an_exception_is_part_of_its_line() -> None:
    configure(stream=(stream := io.StringIO()))
    try:
        raise ValueError("wrong")
    except ValueError:
        structlog.get_logger().exception("hook_failed")
    [line] = lines(stream)
    assert "ValueError: wrong" in str(line["exception"])


@pytest.mark.parametrize("kind", [io.StringIO, Terminal])
def test_an_exception_does_not_tell_what_variables_held(kind: type[io.StringIO]) -> None:
    configure(stream=(stream := kind()))

    def fail(digits: str) -> None:
        raise ValueError("wrong" if digits else "")

    try:
        fail(str(2 * 2464))
    except ValueError:
        structlog.get_logger().exception("hook_failed")
    assert "ValueError: wrong" in stream.getvalue()
    assert "4928" not in stream.getvalue()


def test_what_json_has_no_word_for_is_written_as_text() -> None:
    configure(stream=(stream := io.StringIO()))
    structlog.get_logger().info("odd", value={1})
    assert lines(stream)[0]["value"] == "{1}"


async def test_each_calls_lines_carry_its_sid_its_tasks_lines_too() -> None:
    configure(stream=(stream := io.StringIO()))

    async def speak() -> None:
        await asyncio.sleep(0)
        structlog.get_logger().info("spoke")

    async def call(sid: str) -> None:
        with bind_call(sid):
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(speak())

    await asyncio.gather(call("CA1"), call("CA2"))
    structlog.get_logger().info("outside")
    assert [line.get("call_sid") for line in lines(stream)] == ["CA1", "CA2", None]


def test_a_terminal_gets_readable_lines() -> None:
    configure(stream=(stream := Terminal()))
    structlog.get_logger().info("call_started", stt="pocketsphinx")
    assert "call_started" in stream.getvalue()
    assert not stream.getvalue().startswith("{")
