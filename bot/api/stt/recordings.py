"""Recognizers of whole recordings that sessions use as streams: `openai-files` and the like.

They are for vendors, and servers of one's own, that know no streams: audio goes to them piece by
piece, as long as each session asks for.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from bot.settings import Settings
from providers.catalog import FILES, SHARED, build_file_stt, build_files_beside, facts_of
from providers.configured import missing
from providers.errors import MissingKeyError
from providers.fallback import Candidate
from providers.metered import MeteredFiles
from providers.stt.buffered import BufferedStt
from providers.types import FileRecognizer, SttProvider
from providers.usage import Account

from .asked import SessionRequest

__all__ = ["NAMES", "Recordings"]

_SUFFIX = "-files"
NAMES = tuple(f"{name}{_SUFFIX}" for name in FILES)
"""What they are called; nobody gets one who does not ask for it by its name."""


class Recordings:
    """Those of one worker, each built when it is first asked for.

    Args:
        settings: the worker's.
        account: where their use is kept, and what may be spent.
        engine: the recognizer of streams of a name, whose engine is shared by recordings.
        build: makes the recognizer of recordings of a name from its settings.

    Attributes:
        candidates: those that were asked for, by name, with what is usual.
    """

    def __init__(
        self,
        settings: Settings,
        account: Account,
        engine: Callable[[str], SttProvider],
        build: Callable[..., FileRecognizer] = build_file_stt,
    ) -> None:
        self._settings = settings
        self._account = account
        self._engine = engine
        self._build = build
        self._doors: dict[str, FileRecognizer] = {}
        self._own: list[FileRecognizer] = []
        self.candidates: dict[str, Candidate[SttProvider]] = {}

    def candidate(self, name: str, request: SessionRequest) -> Candidate[SttProvider]:
        """The recognizer of that name as a session has it; how well it is is known to all of them.

        Raises:
            ProviderError: it is not configured.
        """
        if name not in self.candidates:
            self._doors[name] = self._door(name.removesuffix(_SUFFIX))
            self.candidates[name] = Candidate(name, BufferedStt(self._doors[name]))
        stt = BufferedStt(self._doors[name], request.buffer_ms, request.overlap_ms)
        return replace(self.candidates[name], provider=stt)

    def configured(self) -> list[str]:
        """The names of those that can be had."""
        return [name for name in NAMES if self._lack(name.removesuffix(_SUFFIX)) is None]

    async def aclose(self) -> None:
        """Release those whose engines are theirs alone."""
        own, self._own = self._own, []
        self._doors.clear()
        self.candidates.clear()
        for door in own:
            await door.aclose()

    def _door(self, name: str) -> FileRecognizer:
        settings = self._settings.vendor(name)
        if lack := self._lack(name):
            raise MissingKeyError(name, "it is not configured on this worker", hint=lack)
        if name in SHARED:
            door = build_files_beside(self._engine(name))
        else:
            door = self._build(name, **settings)
            self._own.append(door)
        return MeteredFiles(door, self._account, facts_of("files", name, settings))

    def _lack(self, name: str) -> str | None:
        return missing("files", name, self._settings.vendor(name))
