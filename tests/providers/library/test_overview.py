"""What is known of every provider, configured or not."""

from __future__ import annotations

from providers.catalog import FILES, STT, TTS
from providers.config import read_config
from providers.errors import MissingKeyError
from providers.fallback import Candidate
from providers.library.chosen import Chosen
from providers.library.overview import overview
from providers.types import SttProvider


def test_all_of_the_catalogue_is_in_it() -> None:
    infos = overview(Chosen(read_config({"openai_api_key": "key"}, env={})))
    assert [(info.kind, info.name) for info in infos] == [
        *(("stt", name) for name in STT),
        *(("files", name) for name in FILES),
        *(("tts", name) for name in TTS),
    ]
    found = {(info.kind, info.name): info for info in infos}
    espeak, openai, soniox = (
        found["tts", "espeak"],
        found["files", "openai"],
        found["stt", "soniox"],
    )
    assert espeak.missing is openai.missing is None
    assert soniox.missing == "set SONIOX_API_KEY for soniox"
    assert soniox.capabilities is not None
    assert (soniox.facts.usd_per_minute, openai.capabilities is None) == (0.002, False)


def test_options_that_are_not_honoured_are_named() -> None:
    found = {(i.kind, i.name): i for i in overview(Chosen(read_config({}, env={})))}
    assert "ssml" in (found["tts", "espeak"].not_honoured or ())
    assert "speed" not in (found["tts", "espeak"].not_honoured or ())
    assert "diarization" in (found["stt", "pocketsphinx"].not_honoured or ())
    # Of a file nobody wants interim results.
    assert "interim_results" not in (found["files", "deepgram"].not_honoured or ())
    # What its class does not say is known when it can be built.
    assert found["stt", "openai"].not_honoured is None


def test_who_cannot_be_built_after_all_is_listed_too() -> None:
    class Broken(Chosen):
        def recognizer(self, name: str) -> Candidate[SttProvider]:
            raise MissingKeyError(name, "half of its package is missing")

    infos = overview(Broken(read_config({}, env={})))
    assert {info.name for info in infos if info.kind == "stt"} == set(STT)
