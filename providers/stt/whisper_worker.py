"""The process that decodes one utterance at a time: ``python -m providers.stt.whisper_worker``.

Its one argument is a JSON object with the arguments of `WhisperDecoder`.
"""

from __future__ import annotations

import json
import os
import sys

from .local_worker import Recognizer, serve

__all__ = ["load"]

# Models are never downloaded unasked, nothing is told about their use to Hugging Face or, by the
# onnxruntime that comes along, to Microsoft; and a library that would take all cores takes one.
_ENVIRONMENT = {
    "HF_HUB_OFFLINE": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "ORT_DISABLE_TELEMETRY": "1",
    "OPENBLAS_NUM_THREADS": "1",
}


def load() -> Recognizer:
    """Whisper with its model.

    Raises:
        LoadError: there is no such model on this machine, or it cannot be used.
    """
    os.environ.update(_ENVIRONMENT)
    from . import whisper_decoder

    return whisper_decoder.WhisperDecoder(**json.loads(sys.argv[1]))


if __name__ == "__main__":
    serve(load)
