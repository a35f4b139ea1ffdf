"""Bytes that are pushed, for a decoder that pulls: it runs in a thread, which waits for more."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future
from dataclasses import dataclass, field
from functools import partial
from queue import SimpleQueue
from threading import Thread
from typing import Any, TypeVar

from media.audio import Samples

__all__ = ["Pull", "Pulled"]

_Result = TypeVar("_Result")


@dataclass(slots=True)
class Pull:
    """What came of one push.

    Attributes:
        samples: pieces, in order.
        more: whether there is more of the same, before anything else is pushed.
        over: whether the decoder has ended.
    """

    samples: list[Samples] = field(default_factory=list)
    more: bool = False
    over: bool = False


class Pulled(Executor):
    """A decoder's thread, which takes turns with who pushes: one of the two stands still.

    So what comes of some bytes depends on them and those before alone, and no more is held than
    one push, and what came of it until there was enough. It is an executor, since event loops can
    wait for such: they push by a call of `push`, which is done when the decoder waits again.

    Args:
        decode: decodes what it reads from this, a file that can only be read.
        enough: how many samples are given at a time, about.

    Attributes:
        ended: whether all bytes were pushed.
    """

    def __init__(self, decode: Callable[[Pulled], Iterator[Samples]], enough: int) -> None:
        self.ended = False
        self._decode = decode
        self._enough = enough
        self._calls: SimpleQueue[tuple[Future[Any], Callable[[], Any]] | None] = SimpleQueue()
        self._left = False  # nobody wants what is decoded
        self._future: Future[Any] = Future()  # of the call under way
        self._result: Any = None  # that it will have
        self._data = memoryview(b"")
        self._pull = Pull()
        # A daemon: nobody who ends in a hurry has to wait for it.
        self._thread = Thread(target=self._run, name="parley-decoder", daemon=True)
        self._thread.start()

    # The side that pushes

    def push(self, data: bytes | None) -> Pull:
        """Let the decoder read more; None is the end. Only as a call of this executor."""
        self.ended = self.ended or data is None
        if data:
            self._data = memoryview(bytes(self._data) + data)
        self._pull = Pull()
        return self._pull

    def submit(self, fn: Callable[..., _Result], /, *args: Any, **kwargs: Any) -> Future[_Result]:
        """Have the thread make a call, and go on decoding until it has to wait.

        What the future gives then is the call's result, or it raises what the decoder raised.
        After that error, and after a `Pull` that is over, there is no thread to make calls.
        """
        future: Future[_Result] = Future()
        # What nobody waits for any longer is pushed all the same.
        future.set_running_or_notify_cancel()
        self._calls.put((future, partial(fn, *args, **kwargs)))
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Have the thread end: at once if it waits, else when the decoder reads again."""
        self._calls.put(None)
        if wait:
            self._thread.join()

    # The decoder's thread

    def read(self, size: int) -> bytes:
        """What was pushed, `size` bytes at most; waits for some. Nothing is the end."""
        while not self._data and not self.ended:
            self._take_turns()
        data, self._data = self._data[:size], self._data[size:]
        return bytes(data)

    def _run(self) -> None:
        self._await_call()
        try:
            self._decode_all()
        except BaseException as error:
            if not self._left:
                self._future.set_exception(error)
            return
        self._pull.over = True
        if not self._left:
            self._future.set_result(self._result)

    def _decode_all(self) -> None:
        count = 0
        for samples in self._decode(self):
            if self._left:
                return
            self._pull.samples.append(samples)
            count += len(samples)
            if count >= self._enough:
                self._pull.more = True
                self._take_turns()
                count = 0

    def _take_turns(self) -> None:
        """Give what there is, and wait for the next call."""
        self._future.set_result(self._result)
        self._await_call()

    def _await_call(self) -> None:
        call = self._calls.get()
        if call is None:
            # Raised from here, an error would not pass through every decoder.
            self._left = self.ended = True
            self._data = memoryview(b"")
            return
        self._future, make = call
        self._result = make()
