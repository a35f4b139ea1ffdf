"""A form with a chunk of audio (`multipart/form-data`), read within bounds."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator

from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import ClientDisconnect, Request

from .faults import Fault

__all__ = ["AUDIO", "read_chunk_form"]

AUDIO = "audio_chunk"
FORM_TYPE = "multipart/form-data"
MOST_FIELDS = 64
MOST_FIELD_BYTES = 64 * 1024
OVERHEAD_BYTES = 128 * 1024
"""So much a body may have beside its audio."""
READ_DEADLINE_S = 30.0


async def read_chunk_form(request: Request, most_bytes: int) -> tuple[list[tuple[str, str]], bytes]:
    """The fields of the form that a request brings, and its audio, empty when there is none.

    Args:
        request: not read yet.
        most_bytes: how much audio one may bring.

    Raises:
        Fault: it is no such form, is too large, or does not come in time.
    """
    _check_head(request, most_bytes)
    try:
        async with asyncio.timeout(READ_DEADLINE_S):
            form = await _Parser(request, most_bytes).parse()
            try:
                return await _read(form.multi_items(), most_bytes)
            finally:
                await form.close()
    except MultiPartException as error:
        raise Fault(
            "bad_message",
            f"the form cannot be read ({error.message.rstrip('.')}): send {FORM_TYPE} with the"
            f" file {AUDIO} and fields of at most {MOST_FIELD_BYTES} bytes, {MOST_FIELDS} of them",
            allowed={
                "type": FORM_TYPE,
                "files": [AUDIO],
                "fields": MOST_FIELDS,
                "field_bytes": MOST_FIELD_BYTES,
            },
        ) from None
    except ClientDisconnect:
        raise Fault("bad_message", "the body was not sent to its end") from None
    except TimeoutError:
        raise Fault(
            "idle", f"the body did not come within {READ_DEADLINE_S:g} s: send smaller chunks"
        ) from None


class _Parser(MultiPartParser):
    """Starlette's, with a bound for all of the body, and its end asked for.

    What it raises while it reads the body, it raises from `parse`, which then closes the files.
    """

    def __init__(self, request: Request, most_bytes: int) -> None:
        super().__init__(
            request.headers,
            self._body(request, most_bytes),
            max_files=1,
            max_fields=MOST_FIELDS,
            max_part_size=MOST_FIELD_BYTES,
        )
        self._ended = False

    def on_end(self) -> None:
        self._ended = True

    async def _body(self, request: Request, most_bytes: int) -> AsyncGenerator[bytes]:
        size = 0
        async for part in request.stream():
            size += len(part)
            if size > most_bytes + OVERHEAD_BYTES:
                raise _too_large(most_bytes)
            yield part
        if not self._ended:
            raise MultiPartException("the closing boundary is missing")


def _check_head(request: Request, most_bytes: int) -> None:
    """See by its head that a request may be read. Raises `Fault`."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != FORM_TYPE:
        raise Fault("bad_message", f"the body must be {FORM_TYPE}", allowed=[FORM_TYPE])
    if request.headers.get("content-encoding", "identity").strip().lower() != "identity":
        raise Fault(
            "bad_message", "the body must be sent as it is, not compressed", allowed=["identity"]
        )
    length = request.headers.get("content-length", "")
    if length.isdecimal() and int(length[:20]) > most_bytes + OVERHEAD_BYTES:
        raise _too_large(most_bytes)


async def _read(
    items: list[tuple[str, str | UploadFile]], most_bytes: int
) -> tuple[list[tuple[str, str]], bytes]:
    pairs, audio = [], b""
    for name, value in items:
        if isinstance(value, str):
            if name == AUDIO:
                raise Fault(
                    "bad_message",
                    f"{AUDIO} is a field: send it as a file, with a name",
                    allowed={"files": [AUDIO]},
                )
            pairs.append((name, value))
        elif name != AUDIO:
            raise Fault("bad_message", f"the file must be called {AUDIO}", allowed=[AUDIO])
        else:
            audio = await value.read()
    if len(audio) > most_bytes:
        raise _too_large(most_bytes)
    return pairs, audio


def _too_large(most_bytes: int) -> Fault:
    return Fault(
        "message_too_large",
        f"that is too much audio at a time: send chunks of at most {most_bytes} bytes",
        allowed={"maximum": most_bytes},
    )
