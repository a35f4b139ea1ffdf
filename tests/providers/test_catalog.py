from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import pytest

from providers.catalog import build_stt, build_tts
from providers.config import read_config
from providers.errors import MissingKeyError
from providers.library.chosen import Chosen
from providers.library.overview import overview


@pytest.fixture
def without_google(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if the extra were not installed: none of it can be imported, nor has been."""
    for module in [name for name in sys.modules if "google" in name or "call_synth" in name]:
        if module.startswith(("google", "providers.")):
            monkeypatch.delitem(sys.modules, module)
    monkeypatch.delitem(sys.modules, "providers.grpc_call", raising=False)
    monkeypatch.setitem(sys.modules, "google", None)
    monkeypatch.setitem(sys.modules, "grpc", None)


@pytest.mark.usefixtures("without_google")
@pytest.mark.parametrize("build", [build_stt, build_tts])
def test_an_extra_that_is_missing_is_told(build: Callable[..., Any]) -> None:
    with pytest.raises(MissingKeyError, match=r"install parley\[google\]") as raised:
        build("google", api_key="k")
    assert raised.value.provider == "google"


@pytest.mark.usefixtures("without_google")
def test_without_an_extra_the_others_are_listed() -> None:
    infos = overview(Chosen(read_config({"google_api_key": "k"}, env={})))
    told = {(info.kind, info.name): info for info in infos}
    assert told["stt", "google"].missing == "install parley[google] for google"
    assert told["stt", "google"].capabilities is None
    assert told["tts", "google"].capabilities is not None
