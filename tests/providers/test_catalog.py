from __future__ import annotations

import sys

import pytest

from providers.catalog import build_tts
from providers.errors import MissingKeyError


def test_an_extra_that_is_missing_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "providers.tts.call_synthesis", raising=False)
    monkeypatch.setitem(sys.modules, "grpc", None)
    monkeypatch.setitem(sys.modules, "google.cloud.texttospeech_v1", None)
    with pytest.raises(MissingKeyError, match=r"install parley\[google\]") as raised:
        build_tts("google-once", api_key="k")
    assert raised.value.provider == "google-once"
