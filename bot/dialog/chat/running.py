"""Running the tools that a model has called: at the same time, for so long and no longer."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence

import structlog

from bot.dialog.types import Call
from bot.tasks import stop

from .memory import ToolCall
from .tools import BadArguments, Tool, result_text

__all__ = ["MAX_AT_ONCE", "run_tools"]

log = structlog.get_logger(__name__)

MAX_AT_ONCE = 8
"""So many calls of one round are run; the others are told to the model as refused."""


async def run_tools(
    calls: Sequence[ToolCall],
    tools: Mapping[str, Tool],
    call: Call,
    deadline_s: float,
    done: Callable[[], None],
) -> None:
    """Run what was called; each call's `result` is then what the model is told of it.

    A tool that raises, takes too long or does not take its arguments has an error for a result.
    When this is cancelled, asynchronous tools are cancelled too. Synchronous ones go on in their
    threads, and their results are there when they are done. What has none by then stays None.

    Args:
        deadline_s: how long each may take.
        done: called whenever one of them is done.
    """
    for made in calls[MAX_AT_ONCE:]:
        made["result"] = f"error: not run: {MAX_AT_ONCE} calls at a time at most"
    running = [
        asyncio.create_task(_run(made, tools.get(made["name"]), call, done))
        for made in calls[:MAX_AT_ONCE]
    ]
    try:
        if running:
            await asyncio.wait(running, timeout=deadline_s)
        for made in calls:
            if made["result"] is None:
                log.warning("tool took too long", tool=made["name"], deadline_s=deadline_s)
                made["result"] = "error: it took too long; whether it was done is not known"
    finally:
        # At once: when we are cancelled again, as at a call's end, nothing below is reached.
        for task in running:
            task.cancel()
        await asyncio.gather(*(stop(task) for task in running if not task.done()))


async def _run(made: ToolCall, tool: Tool | None, call: Call, done: Callable[[], None]) -> None:
    if tool is None:
        made["result"] = "error: there is no such tool"
        return

    def note(result: object) -> None:
        if made["result"] is None:
            made["result"] = result_text(result)

    try:
        arguments = tool.parse(made["arguments"])
    except BadArguments as error:
        log.warning("tool called with wrong arguments", tool=tool.name)
        made["result"] = f"error: {error}"
        return
    try:
        await tool.run(arguments, call, note)
    except (Exception, SystemExit, asyncio.CancelledError) as error:
        task = asyncio.current_task()
        if isinstance(error, asyncio.CancelledError) and task is not None and task.cancelling():
            raise  # it is we who cancel it
        # The user's code. Its words are for the log: the model might repeat them to the caller.
        log.error("tool failed", tool=tool.name, exc_info=error)
        note(f"error: the tool failed ({type(error).__name__})")
    done()
