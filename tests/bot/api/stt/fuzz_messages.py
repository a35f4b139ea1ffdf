"""Messages that no client should send, and some that it may, by a seed."""

from __future__ import annotations

import base64
import json
import random
from collections.abc import Callable
from typing import Any

from bot.api.stt.controls import CONTROL_TYPES
from bot.api.stt.parameters import PARAMETERS

__all__ = ["FuzzMessages"]

_PIECES = ["\x00", "\U0001f600", "é", "\u202e", "\\ud800", "\\u0000", "'", '"', "{", "]", "%00"]


class FuzzMessages:
    """What a client might send to harm a session.

    Args:
        seed: of the random numbers.
        most_bytes: of one message; now and then one is longer.
    """

    def __init__(self, seed: int, most_bytes: int = 1 << 20) -> None:
        self._random = random.Random(seed)
        self._most_bytes = most_bytes

    def noise(self) -> str:
        """A text that is no message: a session answers it by an error, and goes on."""
        kinds = [self._broken, self._scalar, self._deep, self._unknown, self._bad_base64, self._cut]
        return self._random.choice(kinds)()

    def any(self) -> str | bytes:
        """Anything at all."""
        kinds: list[Callable[[], str | bytes]] = [
            self.noise,
            self.audio,
            self._control,
            self._config,
            self._asr_config,
        ]
        return self._random.choice(kinds)()

    def audio(self) -> bytes:
        """Bytes that are no speech, of any number, odd ones too."""
        size = self._random.choice([0, 1, 3, 320, 333, 640, 3200, 8192, 20_001])
        if self._random.random() < 0.002:
            size = self._most_bytes + 1
        return self._random.randbytes(size)

    def query(self) -> str:
        """A query: now and then one that is right."""
        pairs = [
            (name, self._random.choice(["", "1", "auto", "en", "x" * 300, "%FF%00", "-1", "1e9"]))
            for name in self._random.sample([*PARAMETERS, "nothing"], self._random.randint(0, 3))
        ]
        return "&".join(f"{name}={value}" for name, value in pairs)

    def chance(self, probability: float) -> bool:
        """Whether something is to happen that happens with a probability."""
        return self._random.random() < probability

    def choice(self, values: list[Any]) -> Any:
        """One of them."""
        return self._random.choice(values)

    def _broken(self) -> str:
        return "".join(self._random.choices(_PIECES, k=self._random.randint(0, 40)))

    def _scalar(self) -> str:
        return self._random.choice(
            ["null", "true", "7", "1e400", "-0", '"close"', "[]", '["close"]', "NaN", " ", "[{}]"]
        )

    def _deep(self) -> str:
        depth = self._random.choice([10, 1_000, 20_000])
        return self._random.choice(["[" * depth, '{"a":' * depth, "[" * depth + "]" * depth])

    def _unknown(self) -> str:
        kind = self._random.choice(["Close", "", "session_started", "transcription", "audio "])
        return json.dumps({"type": self._random.choice([kind, 7, None, ["close"], {}]), "a": 1})

    def _bad_base64(self) -> str:
        audio: Any = self._random.choice(["A", "AAE", "****", "AA==AA==", "A-_=", 7, None, [], {}])
        return json.dumps({"type": "audio", "audio": audio})

    def _cut(self) -> str:
        whole = json.dumps({"type": self._random.choice([*CONTROL_TYPES]), "audio": "AAAA"})
        return whole[: self._random.randrange(len(whole))]

    def _control(self) -> str:
        name = self._random.choice([name for name in CONTROL_TYPES if name not in ("close", "end")])
        if name == "audio":
            audio = base64.b64encode(self.audio()).decode()
            return json.dumps({"type": name, "audio": audio})
        if self._random.random() < 0.02:
            name = self._random.choice(["close", "end"])
        return json.dumps({"type": name, "more": self._value()})

    def _config(self) -> str:
        names = self._random.sample([*PARAMETERS, "nothing"], self._random.randint(0, 4))
        return json.dumps({"type": "config", **{name: self._value() for name in names}})

    def _asr_config(self) -> str:
        inner = {
            "language_code": self._value(),
            "sampleRateHertz": self._value(),
            "encoding": self._random.choice(["LINEAR16", "MULAW", "WEBM_OPUS", self._value()]),
        }
        keys = self._random.sample([*inner], self._random.randint(0, 3))
        config = {key: inner[key] for key in keys}
        wrappers = [config, {"config": config}, {"streaming_config": {"config": config}}]
        return json.dumps(self._random.choice(wrappers))

    def _value(self) -> Any:
        return self._random.choice(
            [
                *(None, True, False, 0, 1, 2, -1, 8000, 16_000, 10**30, 1.5, 1e308, "", "en"),
                *("auto", "ar-EG", "gibberish", "mulaw", "webm", "split", "x" * 5_000, "\x00"),
                *([], ["yes", "no"], [1], [["a"]], {}, {"a": {"b": []}}, "yes|no", "deepgram"),
            ]
        )
