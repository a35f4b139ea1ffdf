"""Streaming recognition for every vendor with a WebSocket: a vendor is a pure object that makes
codecs, and everything else is here and in `.recognition`, once."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import structlog

from ..errors import ProviderError, UnavailableError
from ..honoured import Honoured
from ..session import Deadlines
from ..types import SttOptions
from .recognition import Recognition
from .trial import try_out
from .vendor import SttVendor

__all__ = ["StreamingStt"]

log = structlog.get_logger(__name__)


class StreamingStt:
    """The `SttProvider` of a vendor with a WebSocket.

    Args:
        vendor: which one.
        deadlines: how long it may take.
    """

    capacity: int | None = None

    def __init__(self, vendor: SttVendor, deadlines: Deadlines | None = None) -> None:
        self._vendor = vendor
        self._deadlines = deadlines or Deadlines()
        self._streams: set[Recognition] = set()
        self._closed = False
        self._honoured = Honoured(vendor.name, vendor.capabilities, vendor.honours)
        self.name = vendor.name
        self.capabilities = vendor.capabilities

    async def start(self) -> None:
        """See that the vendor takes the key and the model, by a stream that ends at once.

        Raises:
            ProviderError: the vendor refuses. One that cannot be reached now may be later.
        """
        self._closed = False
        capabilities = self.capabilities
        options = SttOptions(language=capabilities.languages[0], audio=capabilities.audio[0])
        try:
            await try_out(self, options)
        except ProviderError as error:
            if not error.retryable:
                raise
            log.warning("recognizer not reached yet", error=str(error))

    @asynccontextmanager
    async def stream(self, options: SttOptions) -> AsyncIterator[Recognition]:
        """Open a stream. Leaving the context ends it at once.

        Raises (on entering):
            ProviderError: the vendor refuses, cannot be reached within 3 s, or does not offer
                what is asked.
        """
        if self._closed:
            raise self._over()
        self._honoured.note(options)
        stream = Recognition(self._vendor, options, self._deadlines)
        self._streams.add(stream)
        try:
            await stream.open()
            yield stream
        finally:
            self._streams.discard(stream)
            stream.abandon()

    async def aclose(self) -> None:
        """Nothing more is recognized until `start`: streams fail with `UnavailableError`."""
        self._closed = True
        for stream in list(self._streams):
            stream.fail(self._over())

    def _over(self) -> ProviderError:
        return UnavailableError(self.name, "the provider was closed", retryable=False)
