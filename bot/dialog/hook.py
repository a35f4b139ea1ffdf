"""Any shape a dialog hook may have, behind one face: `Dialog`, whose replies are iterators."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncGenerator, Callable, Iterable, Sequence
from contextlib import aclosing
from pathlib import Path
from typing import Any, get_args

from .lookup import find
from .resources import Resources
from .types import Action, Call, DialogError, Ended, Interruption, Reply, Say, Turn

__all__ = ["Dialog", "DialogFactory", "Replies", "load_dialog", "load_dialogs"]

METHODS = ("greet", "on_turn", "on_interrupted", "on_dtmf", "on_idle", "on_resume", "on_end")
IDLE_PROMPT = "Are you still there?"
SPOKEN = (str, *get_args(Action))

Replies = AsyncGenerator[Reply, None]
"""What a dialog says, piece by piece. Closing it stops the hook."""

DialogFactory = Callable[[], "Dialog"]
"""Makes the dialog of one call."""


class Dialog:
    """The dialog of one call.

    Wraps a function `(call, turn)`, an async generator function, or an object with any of the
    methods `greet`, `on_turn`, `on_interrupted`, `on_dtmf`, `on_idle`, `on_resume`, `on_end`. Each
    method here gives an iterator of replies; what the hook lacks has a sensible default.
    Synchronous hooks run in a thread, so that they cannot stop the other calls.
    """

    def __init__(self, target: Any) -> None:
        self._target = target
        self._is_function = inspect.isroutine(target)

    @property
    def target(self) -> Any:
        """What is wrapped."""
        return self._target

    def greet(self, call: Call) -> Replies:
        """The first words of the call; none by default."""
        return self._replies("greet", call)

    def on_turn(self, call: Call, turn: Turn) -> Replies:
        """The answer to a finished turn."""
        return self._replies("on_turn", call, turn)

    def on_interrupted(self, call: Call, interruption: Interruption) -> Replies:
        """The caller spoke over the bot; what is returned is not spoken, only acted on."""
        return self._replies("on_interrupted", call, interruption)

    def on_dtmf(self, call: Call, digits: str) -> Replies:
        """The answer to a key, or to the keys that a `Gather` collected."""
        return self._replies("on_dtmf", call, digits)

    def on_idle(self, call: Call, count: int) -> Replies:
        """The `count`-th prompt to a silent caller."""
        return self._replies("on_idle", call, count, default=IDLE_PROMPT)

    def on_resume(self, call: Call, unheard: str) -> Replies:
        """Going on after a break, `call.gap`: by default with what was not heard.

        A turn that was not answered whole follows (`turn.retried`); nothing is `unheard` then.
        """
        return self._replies("on_resume", call, unheard, default=unheard)

    @property
    def refused(self) -> bool:
        """Whether the person has asked never to be called again; nobody listens for that here."""
        return False

    def refusal(self, call: Call, *, said: str = "", pressed: str = "") -> Replies | None:
        """What is answered if these words, or this key, ask for that; None when they do not.

        The dialog itself is not asked.
        """
        return None

    async def hear_out(self, call: Call, *, said: str = "", pressed: Sequence[str] = ()) -> None:
        """The stream or the call has ended, and nobody answered this: it may ask for that too."""

    def has(self, name: str) -> bool:
        """Whether the hook has a method of that name itself."""
        return self._method(name) is not None

    async def on_end(self, call: Call, ended: Ended) -> None:
        """The call is over."""
        async for _ in self._replies("on_end", call, ended):
            pass

    async def _replies(self, name: str, *args: Any, default: str = "") -> Replies:
        method = self._method(name)
        if method is None:
            if default:
                yield default
            return
        try:
            async with aclosing(_answers(method, name, args)) as replies:
                async for reply in replies:
                    yield reply
        except (SystemExit, asyncio.CancelledError) as error:
            task = asyncio.current_task()
            if isinstance(error, asyncio.CancelledError) and task is not None and task.cancelling():
                raise  # it is we who cancel it
            # The one would end the worker with all its calls, the other the reply without a word.
            raise DialogError(f"{name} raised {error!r}") from error

    def _method(self, name: str) -> Callable[..., Any] | None:
        if self._is_function:
            return self._target if name == "on_turn" else None
        return getattr(self._target, name, None)


async def _answers(method: Callable[..., Any], name: str, args: tuple[Any, ...]) -> Replies:
    """What a hook's method answers, whatever its shape."""
    if inspect.isasyncgenfunction(method):
        answer = method(*args)
    elif inspect.iscoroutinefunction(method):
        answer = await method(*args)
    else:
        answer = await asyncio.to_thread(_call_in_thread, method, args)
        if inspect.isawaitable(answer):
            answer = await answer
    if inspect.isasyncgen(answer):
        try:
            async for piece in answer:
                for reply in _as_replies(piece, name):
                    yield reply
        finally:
            await answer.aclose()
        return
    for piece in answer if isinstance(answer, _Pieces) else (answer,):
        for reply in _as_replies(piece, name):
            yield reply


def _call_in_thread(method: Callable[..., Any], args: tuple[Any, ...]) -> Any:
    answer = method(*args)
    return _Pieces(answer) if inspect.isgenerator(answer) else answer


class _Pieces(list[Any]):
    """What a synchronous generator gave: pieces of text, not utterances."""


def _as_replies(answer: Any, name: str) -> list[Reply]:
    if answer is None:
        return []
    if isinstance(answer, SPOKEN):
        return [answer]
    if isinstance(answer, list | tuple):
        # Unlike the pieces of a generator, the texts of a list are utterances of their own.
        parts = (Say(part) if isinstance(part, str) else part for part in answer)
        return [reply for part in parts for reply in _as_replies(part, name)]
    raise DialogError(
        f"{name} answered a {type(answer).__name__}; it may answer text, an action such as "
        "Hangup(), a list of them, or None"
    )


def load_dialogs(specs: Iterable[str], resources: Resources) -> dict[str, DialogFactory]:
    """The dialogs that are named, each loaded once, however many numbers share it.

    Raises:
        DialogError: as `load_dialog`.
    """
    return {spec: load_dialog(spec, resources) for spec in dict.fromkeys(specs)}


def load_dialog(spec: str, resources: Resources | None = None) -> DialogFactory:
    """Find the dialog that `PARLEY_DIALOG` names.

    `spec` is `echo`, `script:FILE`, `chat:FILE`, `http:URL`, or `package.module:name`, looked up on
    the Python path and in the working directory. A class gives a new instance to every call; a
    function or an object is shared by all.

    Args:
        resources: what `chat` and `http` have of the process; None is nothing.

    Raises:
        DialogError: there is no such dialog, or it has none of the methods; or its module has the
            name of one of Parley's own packages.
    """
    resources = resources or Resources()
    kind, _, rest = spec.partition(":")
    if kind == "echo" and not rest:
        from .echo import Echo

        return _factory(Echo, spec)
    if kind == "script":
        from .script import load_script

        return _factory(load_script(Path(rest)), spec)
    if kind == "chat":
        from .chat import load_chat

        chat = load_chat(Path(rest), resources)
        return lambda: Dialog(chat.dialog())
    if kind == "http":
        from .http import load_http

        http = load_http(rest, resources)
        return lambda: Dialog(http)
    if not kind or not rest:
        raise DialogError(
            f"no dialog called {spec!r}: write echo, script:FILE, chat:FILE,"
            " http:URL or package.module:name"
        )
    return _factory(find(spec), spec)


def _factory(target: Any, spec: str) -> DialogFactory:
    if inspect.isroutine(target):
        if len(_positional(target)) < 2:
            raise DialogError(f"dialog {spec!r} is a function: it must take (call, turn)")
        return lambda: Dialog(target)
    if not any(callable(getattr(target, name, None)) for name in METHODS):
        raise DialogError(f"dialog {spec!r} has none of the methods {', '.join(METHODS)}")
    return (lambda: Dialog(target())) if inspect.isclass(target) else (lambda: Dialog(target))


def _positional(function: Callable[..., Any]) -> list[inspect.Parameter]:
    kinds = {inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD}
    parameters = inspect.signature(function).parameters.values()
    if any(p.kind is inspect.Parameter.VAR_POSITIONAL for p in parameters):
        return [*parameters] * 2
    return [p for p in parameters if p.kind in kinds]
