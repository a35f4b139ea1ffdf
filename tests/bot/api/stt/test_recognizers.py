from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bot.api.stt.asked import SessionRequest
from bot.api.stt.faults import Fault
from bot.api.stt.recognizers import Recognizers
from bot.engines import Engines
from bot.settings import Settings
from providers.errors import MissingKeyError, NetworkError
from providers.library.lazy import LazyStt
from providers.metered import MeteredStt
from providers.types import SttCapabilities, SttProvider
from providers.usage import Account
from tests.bot.engines import Recognizer

VENDORS = {"DEEPGRAM_API_KEY": "a-deepgram-key", "SONIOX_API_KEY": "a-soniox-key"}
LANGUAGES = {"deepgram": ("en", "de"), "soniox": ("en", "ar", "auto")}


class Built:
    """Remembers who was built, and with what."""

    def __init__(self) -> None:
        self.settings: dict[str, dict[str, Any]] = {}

    def __call__(self, name: str, **settings: Any) -> SttProvider:
        self.settings[name] = settings
        recognizer = Recognizer()
        recognizer.name = name
        recognizer.capabilities = SttCapabilities(languages=LANGUAGES.get(name, ("en",)))
        return recognizer


@pytest.fixture
def built() -> Built:
    return Built()


@pytest.fixture
async def recognizers(built: Built, tmp_path: Path) -> AsyncIterator[Recognizers]:
    env = {"PARLEY_STATE_DIR": str(tmp_path), "PARLEY_STT_PROVIDER": "pocketsphinx", **VENDORS}
    env |= {"PARLEY_TTS_PROVIDER": "espeak"}
    settings = Settings.load(env=env, dev=True)
    engines = Engines(settings.bots(), "Sorry.", "Goodbye.")
    yield Recognizers(settings, engines, Account(), built)
    await engines.aclose()


def names(recognizers: Recognizers, **asked: Any) -> list[str]:
    return [one.name for one in recognizers.of(SessionRequest(**asked)).candidates]


async def test_the_workers_own_is_the_default(recognizers: Recognizers, built: Built) -> None:
    assert names(recognizers) == ["pocketsphinx"]
    assert built.settings == {}  # it is there for calls


async def test_a_language_that_the_default_does_not_know_is_left_to_who_does(
    recognizers: Recognizers,
) -> None:
    assert names(recognizers, language="ar-EG") == ["soniox"]
    assert names(recognizers, language="auto") == ["soniox"]


async def test_the_best_for_the_goal(recognizers: Recognizers) -> None:
    # By facts: Soniox is cheap; PocketSphinx, which costs nothing, is for phrases alone.
    assert names(recognizers, provider=("auto",)) == ["soniox", "deepgram-flux", "deepgram"]


async def test_those_that_are_named_in_their_order(recognizers: Recognizers, built: Built) -> None:
    fallback = recognizers.of(SessionRequest(provider=("deepgram", "soniox")))
    assert [one.name for one in fallback.candidates] == ["deepgram", "soniox"]
    assert built.settings["deepgram"]["api_key"] == "a-deepgram-key"
    # Once: another session has the same, and knows how well they are.
    again = recognizers.of(SessionRequest(provider=("soniox",)))
    assert again.candidates[0] is fallback.candidates[1]


async def test_of_those_that_are_named_who_knows_the_language(recognizers: Recognizers) -> None:
    fallback = recognizers.of(SessionRequest(provider=("deepgram", "soniox"), language="ar"))
    assert [one.name for one in fallback.candidates] == ["soniox"]
    assert fallback.place(fallback.candidates[0]) == 1  # a model asked for is Deepgram's


@pytest.mark.parametrize(
    ("asked", "code", "allowed"),
    [
        ({"provider": ("nobody",)}, "unknown_provider", "deepgram"),
        ({"provider": ("openai",)}, "provider_not_configured", "deepgram-files"),
        ({"provider": ("openai-files",)}, "provider_not_configured", "auto"),
        ({"provider": ("deepgram",), "language": "ar"}, "unsupported_language", "deepgram"),
        ({"language": "tlh"}, "unsupported_language", "soniox"),
    ],
)
async def test_what_cannot_be_had(
    recognizers: Recognizers, asked: dict[str, Any], code: str, allowed: str
) -> None:
    with pytest.raises(Fault) as caught:
        recognizers.of(SessionRequest(**asked))
    assert caught.value.code == code
    assert allowed in caught.value.allowed
    # Whoever is not set up helps nobody, and how to do that is none of a client's business.
    assert "openai" not in caught.value.allowed
    assert "_API_KEY" not in caught.value.text
    assert "-key" not in f"{caught.value} {caught.value.allowed}"


async def test_how_well_they_are(recognizers: Recognizers) -> None:
    assert recognizers.states() == {}
    fallback = recognizers.of(SessionRequest(provider=("deepgram",)))
    assert recognizers.states() == {"deepgram": "well"}
    fallback.candidates[0].failed(NetworkError("deepgram", "gone"))
    fallback.candidates[0].failed(NetworkError("deepgram", "gone"))
    assert recognizers.states() == {"deepgram": "NetworkError"}
    await recognizers.aclose()
    assert recognizers.states() == {}


async def test_one_that_is_full_takes_no_more(recognizers: Recognizers) -> None:
    both = SessionRequest(provider=("deepgram", "soniox"))
    first, second = recognizers.of(both).candidates
    for candidate in (first, second):
        assert isinstance(candidate.provider, MeteredStt)
        assert isinstance(candidate.provider.provider, LazyStt)
        engine = candidate.provider.provider._provider
        assert isinstance(engine, Recognizer)
        engine.capacity = 2
    taken = {"deepgram": 1}
    assert [one.name for one in recognizers.of(both, taken).candidates] == ["deepgram", "soniox"]
    # Two speakers need two streams.
    split = replace(both, channels=2, stereo="split")
    fallback = recognizers.of(split, taken)
    assert [one.name for one in fallback.candidates] == ["soniox"]
    assert fallback.place(fallback.candidates[0]) == 1
    with pytest.raises(Fault) as refused:
        recognizers.of(both, {"deepgram": 2, "soniox": 2})
    assert (refused.value.code, refused.value.retry_after_s) == ("too_many_sessions", 10.0)


async def test_what_is_configured_is_loaded_before_the_first_session(
    recognizers: Recognizers, monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded = []

    def load(kind: str, name: str) -> None:
        loaded.append(name)
        if name == "soniox":
            raise MissingKeyError(name, "its package is not there")

    monkeypatch.setattr("bot.api.stt.recognizers.class_of", load)
    recognizers.load()
    assert {"soniox", "deepgram", "pocketsphinx"} <= set(loaded)
    assert "elevenlabs" not in loaded
