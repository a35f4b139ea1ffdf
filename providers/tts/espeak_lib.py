"""The C library libespeak-ng through ctypes: load, list voices, speak, unload.

Nothing here may be called from two threads at once: the library keeps its state in globals, and
concurrent calls abort the process. `providers.tts.espeak_engine` owns the one thread that calls it.

Source: `speak_lib.h` of eSpeak NG 1.52, https://github.com/espeak-ng/espeak-ng
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

__all__ = ["SAMPLE_RATE_HZ", "EspeakVoice", "Library", "LibraryError", "WordEvent"]

SAMPLE_RATE_HZ = 22_050

_AUDIO_OUTPUT_SYNCHRONOUS = 2
_INITIALIZE_DONT_EXIT = 0x8000
_POS_CHARACTER = 1
# Without espeakSSML (0x10) and espeakPHONEMES (0x100) neither "<" nor "[[" has a meaning.
_CHARS_UTF8 = 1
_ENDPAUSE = 0x1000
_PARAMETER_RATE = 1
_EVENT_WORD = 1
_GENDERS = {1: "male", 2: "female"}
# How much audio one callback brings. Each callback takes the GIL, so they should be few; the
# first is there within a quarter of a millisecond even so.
_BUFFER_MS = 200


class LibraryError(Exception):
    """The library could not be loaded, or refused a call."""


@dataclass(frozen=True, slots=True)
class WordEvent:
    """A word begins: `start` counts characters of the text from 0, `sample` samples of audio."""

    start: int
    length: int
    sample: int


@dataclass(frozen=True, slots=True)
class EspeakVoice:
    """A voice file. `languages` are lower-case tags with the library's priority, lowest first."""

    identifier: str
    name: str
    gender: str | None
    languages: tuple[tuple[int, str], ...]


class _EventId(ctypes.Union):
    _fields_ = (
        ("number", ctypes.c_int),
        ("name", ctypes.c_char_p),
        ("string", ctypes.c_char * 8),
    )


class _Event(ctypes.Structure):
    _fields_ = (
        ("type", ctypes.c_int),
        ("unique_identifier", ctypes.c_uint),
        ("text_position", ctypes.c_int),
        ("length", ctypes.c_int),
        ("audio_position", ctypes.c_int),
        ("sample", ctypes.c_int),
        ("user_data", ctypes.c_void_p),
        ("id", _EventId),
    )


class _Voice(ctypes.Structure):
    _fields_ = (
        ("name", ctypes.c_char_p),
        ("languages", ctypes.c_void_p),
        ("identifier", ctypes.c_char_p),
        ("gender", ctypes.c_ubyte),
        ("age", ctypes.c_ubyte),
        ("variant", ctypes.c_ubyte),
        ("reserved", ctypes.c_ubyte),
        ("score", ctypes.c_int),
        ("spare", ctypes.c_void_p),
    )


_CALLBACK = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_int, ctypes.POINTER(_Event))

AudioSink = Callable[[bytes, list[WordEvent]], bool]
"""Takes audio (16-bit PCM) and the words that begin in it; returns whether to go on."""


class Library:
    """The loaded library.

    Raises:
        LibraryError: the library or its data cannot be loaded.
    """

    def __init__(self, library_path: str, data_path: str) -> None:
        try:
            self._c = ctypes.CDLL(library_path)
        except OSError as error:
            raise LibraryError(f"cannot load {library_path}: {error}") from error
        self._declare()
        # Without data the library would look in places of its own, and may exit the process.
        if not Path(data_path, "phontab").is_file():
            raise LibraryError(f"no voice data at {data_path}")
        rate_hz = self._c.espeak_Initialize(
            _AUDIO_OUTPUT_SYNCHRONOUS, _BUFFER_MS, data_path.encode(), _INITIALIZE_DONT_EXIT
        )
        if rate_hz != SAMPLE_RATE_HZ:
            raise LibraryError(
                f"no usable voice data at {data_path} (espeak_Initialize: {rate_hz})"
            )
        self._sink: AudioSink | None = None
        # The library keeps a bare pointer: the callback object must live as long as it does.
        self._callback = _CALLBACK(self._on_audio)
        self._c.espeak_SetSynthCallback(self._callback)
        self._selected = ""

    def _declare(self) -> None:
        c = self._c
        c.espeak_Initialize.argtypes = [
            ctypes.c_int,
            ctypes.c_int,
            ctypes.c_char_p,
            ctypes.c_int,
        ]
        c.espeak_SetSynthCallback.argtypes = [_CALLBACK]
        c.espeak_SetSynthCallback.restype = None
        c.espeak_SetVoiceByName.argtypes = [ctypes.c_char_p]
        c.espeak_SetParameter.argtypes = [ctypes.c_int, ctypes.c_int, ctypes.c_int]
        c.espeak_ListVoices.argtypes = [ctypes.POINTER(_Voice)]
        c.espeak_ListVoices.restype = ctypes.POINTER(ctypes.POINTER(_Voice))
        c.espeak_Synth.argtypes = [
            ctypes.c_char_p,
            ctypes.c_size_t,
            ctypes.c_uint,
            ctypes.c_int,
            ctypes.c_uint,
            ctypes.c_uint,
            ctypes.POINTER(ctypes.c_uint),
            ctypes.c_void_p,
        ]

    def voices(self) -> tuple[EspeakVoice, ...]:
        """The voices that need nothing else (mbrola's need its program and its data)."""
        return tuple(v for v in self._list(None) if not v.identifier.startswith("mb/"))

    def variants(self) -> tuple[str, ...]:
        """Names of voice variants, such as `f3`, that may follow a voice after a plus sign."""
        only = _Voice(languages=ctypes.cast(ctypes.c_char_p(b"variant"), ctypes.c_void_p))
        return tuple(v.identifier.removeprefix("!v/") for v in self._list(only))

    def speak(
        self, text: str, sink: AudioSink, *, voice: str, words_per_minute: int, end_pause: bool
    ) -> None:
        """Synthesize plain `text` and give it to `sink` piece by piece, until done or told to stop.

        Raises:
            LibraryError: the library does not know the voice, or failed.
        """
        self._select(voice)
        self._check(self._c.espeak_SetParameter(_PARAMETER_RATE, words_per_minute, 0), "rate")
        data = text.encode()
        flags = _CHARS_UTF8 | (_ENDPAUSE if end_pause else 0)
        self._sink = sink
        try:
            status = self._c.espeak_Synth(
                data, len(data) + 1, 0, _POS_CHARACTER, 0, flags, None, None
            )
        finally:
            self._sink = None
        self._check(status, "synthesis")

    def close(self) -> None:
        """Unload voices and data."""
        self._c.espeak_Terminate()

    def _select(self, voice: str) -> None:
        if voice != self._selected:
            self._selected = ""
            self._check(self._c.espeak_SetVoiceByName(voice.encode()), f"voice {voice}")
            self._selected = voice

    def _check(self, status: int, what: str) -> None:
        if status != 0:
            raise LibraryError(f"{what} refused (status {status})")

    def _on_audio(self, wave: int | None, samples: int, events: ctypes._Pointer[_Event]) -> int:
        if self._sink is None:
            return 1
        audio = ctypes.string_at(wave, 2 * samples) if wave and samples > 0 else b""
        words = list(_words(events))
        return 0 if self._sink(audio, words) else 1

    def _list(self, wanted: _Voice | None) -> Iterator[EspeakVoice]:
        table = self._c.espeak_ListVoices(None if wanted is None else ctypes.byref(wanted))
        index = 0
        while table[index]:
            voice = table[index].contents
            yield EspeakVoice(
                voice.identifier.decode(),
                voice.name.decode().strip(),
                _GENDERS.get(voice.gender),
                tuple(_languages(voice.languages)),
            )
            index += 1


def _words(events: ctypes._Pointer[_Event]) -> Iterator[WordEvent]:
    index = 0
    while (event := events[index]).type != 0:
        if event.type == _EVENT_WORD:
            # Positions count from 1 in the library.
            yield WordEvent(max(event.text_position - 1, 0), event.length, event.sample)
        index += 1


def _languages(address: int) -> Iterator[tuple[int, str]]:
    """Read the library's list: a priority byte and a C string for each, closed by a zero byte."""
    while priority := ctypes.string_at(address, 1)[0]:
        tag = ctypes.string_at(address + 1)
        yield priority, tag.decode()
        address += 2 + len(tag)
