from __future__ import annotations

from typing import Any

import pytest

from bot.api.stt.asked import (
    SessionRequest,
    changed,
    chunk_from_form,
    from_asr_config,
    from_config,
    from_form,
    from_query,
)
from bot.api.stt.faults import Fault
from bot.api.stt.parameters import PARAMETERS
from media.audio import AudioFormat, Encoding

DEFAULTS = SessionRequest()
ID = "6f1c2c0e-9f55-4d3a-8b58-0d3f0a0a0a0a"


def query(*pairs: tuple[str, str]) -> SessionRequest:
    return from_query(pairs, DEFAULTS)


def test_who_asks_for_nothing_gets_the_defaults() -> None:
    assert query() == DEFAULTS
    assert query(("language", ""), ("provider", "")) == DEFAULTS
    assert from_config({"type": "config", "language": None}, DEFAULTS) == DEFAULTS


def test_all_of_a_query() -> None:
    assert query(
        ("language", "french (canada)"),
        ("provider", "Deepgram,soniox"),
        ("sample_rate", "48000"),
        ("encoding", "pcm"),
        ("channels", "2"),
        ("stereo", "split"),
        ("chunk_size", "19200"),
        ("interim_results", "false"),
        ("punctuation", "true"),
        ("profanity_filter", "1"),
        ("diarization", "yes"),
        ("key_terms", "Parley|Twilio"),
        ("key_terms", "Soniox"),
        ("phrases", "yes"),
        ("phrases", "no"),
        ("silence_ms", "500"),
        ("buffer_ms", "2000"),
        ("overlap_ms", "300"),
        ("model", "nova-3"),
        ("session_id", ID),
        ("after", "3"),
    ) == SessionRequest(
        language="fr-CA",
        provider=("deepgram", "soniox"),
        sample_rate_hz=48_000,
        channels=2,
        stereo="split",
        chunk_bytes=19_200,
        interim_results=False,
        punctuation=True,
        profanity_filter=True,
        diarization=True,
        key_terms=("Parley", "Twilio", "Soniox"),
        phrases=("yes", "no"),
        silence_ms=500,
        buffer_ms=2000,
        overlap_ms=300,
        model="nova-3",
        session_id=ID,
        after=3,
    )


def test_every_parameter_is_a_field_of_the_request() -> None:
    for parameter in PARAMETERS.values():
        assert hasattr(DEFAULTS, parameter.field)


def test_what_means_nothing_is_told_and_not_refused() -> None:
    request = query(("lang", "en"), ("vad", "on"), ("language", "en"))
    assert request.ignored == ("lang", "vad")


def test_default_names_no_provider() -> None:
    assert query(("provider", "default")).provider == ()


def test_telephones_have_8_khz_unless_somebody_says_otherwise() -> None:
    assert query(("encoding", "mulaw")).format == AudioFormat(Encoding.ULAW, 8_000)
    wide = query(("encoding", "alaw"), ("sample_rate", "16000"))
    assert wide.format == AudioFormat(Encoding.ALAW, 16_000)
    assert from_config({"interim_results": False}, wide).sample_rate_hz == 16_000


def test_containers_know_their_format() -> None:
    request = query(("encoding", "audio/webm;codecs=opus"), ("chunk_size", "1000"))
    assert (request.format, request.container, request.piece_ms) == (None, "webm", None)
    assert DEFAULTS.container is None
    # How many channels it has need not be said.
    assert query(("encoding", "wav"), ("stereo", "split")).streams == 2


@pytest.mark.parametrize(
    ("chunk_size", "piece_ms"), [("640", 20), ("8192", 256), ("10", 20), ("1000000", 1000)]
)
def test_pieces_are_as_large_as_what_is_sent_within_bounds(chunk_size: str, piece_ms: int) -> None:
    assert query(("chunk_size", chunk_size)).piece_ms == piece_ms


@pytest.mark.parametrize("name", ["api_key", "API-Key", "token", "access_token", "Authorization"])
def test_a_key_in_an_address_is_refused_and_not_repeated(name: str) -> None:
    with pytest.raises(Fault) as caught:
        query((name, "pk_1_secret"))
    assert caught.value.code == "key_in_url"
    assert "pk_1" not in str(caught.value.values(0.0))


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"language": "gibberish"}, "bad_language"),
    ({"language": 7}, "bad_language"),
    ({"sample_rate": "fast"}, "bad_sample_rate"),
    ({"sample_rate": 3999}, "bad_sample_rate"),
    ({"sample_rate": 192_001}, "bad_sample_rate"),
    ({"encoding": "amr"}, "bad_encoding"),
    ({"encoding": 1}, "bad_encoding"),
    ({"channels": 3}, "bad_channels"),
    ({"channels": "two"}, "bad_channels"),
    ({"stereo": "left"}, "unknown_parameter_value"),
    ({"stereo": "split"}, "bad_config"),
    ({"chunk_size": 0}, "unknown_parameter_value"),
    ({"interim_results": "perhaps"}, "unknown_parameter_value"),
    ({"key_terms": {"a": 1}}, "unknown_parameter_value"),
    ({"silence_ms": 99}, "unknown_parameter_value"),
    ({"buffer_ms": 30_001}, "unknown_parameter_value"),
    ({"buffer_ms": 400, "overlap_ms": 200}, "bad_config"),
    ({"overlap_ms": 600}, "bad_config"),
    ({"provider": "auto,deepgram"}, "bad_config"),
    ({"model": ""}, "unknown_parameter_value"),
    ({"session_id": "mine"}, "unknown_parameter_value"),
    ({"after": 5}, "bad_config"),
]


@pytest.mark.parametrize(("config", "code"), WRONG)
def test_what_is_wrong_is_answered_with_what_is_allowed(config: dict[str, Any], code: str) -> None:
    with pytest.raises(Fault) as caught:
        from_config(config, DEFAULTS)
    assert caught.value.code == code
    assert caught.value.allowed is not None
    assert next(iter(config)).partition("_")[0] in caught.value.text or code == "bad_config"


def test_two_values_where_one_belongs_are_refused() -> None:
    with pytest.raises(Fault) as caught:
        query(("language", "en"), ("language", "fr"))
    assert (caught.value.code, caught.value.allowed) == ("bad_config", {"maxItems": 1})
    assert query(("language", "fr"), ("language", "fr")).language == "fr"


def test_a_chunk_says_which_one_it_is() -> None:
    fields = [("language", "en"), ("chunk_index", "4"), ("is_final_chunk", "true")]
    chunk = chunk_from_form(fields, DEFAULTS)
    assert (chunk.request.language, chunk.index, chunk.last) == ("en", 4, True)
    assert chunk.request.ignored == ()
    bare = chunk_from_form([], DEFAULTS)
    assert (bare.request, bare.index, bare.last) == (DEFAULTS, None, False)
    with pytest.raises(Fault):
        chunk_from_form([("chunk_index", "-1")], DEFAULTS)


def test_a_form_may_have_any_field() -> None:
    assert from_form([("token", "mine")], DEFAULTS).ignored == ("token",)


def test_what_may_change_in_a_session() -> None:
    config = {"type": "config", "language": "fr", "phrases": ["oui"], "sample_rate": 16_000}
    wanted = changed(config, DEFAULTS, begun=True)
    assert (wanted.language, wanted.phrases) == ("fr", ("oui",))
    assert changed({"encoding": "webm"}, DEFAULTS, begun=False).container == "webm"


@pytest.mark.parametrize(
    ("config", "begun"),
    [
        ({"encoding": "mulaw"}, True),
        ({"channels": 2}, True),
        ({"provider": "soniox"}, False),
        ({"buffer_ms": 500}, False),
        ({"session_id": ID}, False),
    ],
)
def test_what_may_not(config: dict[str, Any], begun: bool) -> None:
    with pytest.raises(Fault) as caught:
        changed(config, DEFAULTS, begun=begun)
    assert caught.value.code == "bad_config"
    assert "language" in caught.value.allowed
    assert ("encoding" in caught.value.allowed) is not begun


ASR = SessionRequest(language="ar-EG", punctuation=True)
PLAIN = {"language_code": "en-US", "sample_rate_hertz": 8000, "encoding": "LINEAR16"}


@pytest.mark.parametrize(
    "config",
    [
        PLAIN,
        {"type": "config", **PLAIN},
        {"config": PLAIN},
        {"type": "start", "config": PLAIN},
        {"streaming_config": {"config": PLAIN}},
        {"streamingConfig": {"config": {"languageCode": "en-US", "sampleRateHertz": 8000}}},
    ],
)
def test_configurations_of_other_services_clients(config: dict[str, Any]) -> None:
    request = from_asr_config(config, ASR)
    assert (request.language, request.sample_rate_hz) == ("en-US", 8000)
    assert request.encoding == "pcm_s16le"
    assert request.ignored == ()


def test_options_stand_beside_the_configuration_or_in_it() -> None:
    config = {
        "streamingConfig": {
            "config": {"enableAutomaticPunctuation": False, "audioChannelCount": 2},
            "interimResults": False,
            "singleUtterance": True,
        }
    }
    request = from_asr_config(config, ASR)
    assert (request.punctuation, request.channels, request.interim_results) == (False, 2, False)
    assert request.ignored == ("single_utterance",)


def test_a_configuration_may_be_empty() -> None:
    assert from_asr_config({}, ASR) == ASR
    assert from_asr_config({"encoding": "MULAW"}, ASR).sample_rate_hz == 16_000


def test_models_of_another_vendor_are_not_asked_for() -> None:
    request = from_asr_config({"model": "latest_long"}, ASR)
    assert (request.model, request.ignored) == (None, ("model",))


@pytest.mark.parametrize(
    ("config", "code"),
    [
        ({"language_code": "xx-YY"}, "bad_language"),
        ({"sample_rate_hertz": "high"}, "bad_sample_rate"),
        ({"encoding": "AMR"}, "bad_encoding"),
        ({"config": {"audio_channel_count": 8}}, "bad_channels"),
        ({"streamingConfig": {"enableAutomaticPunctuation": 7}}, "unknown_parameter_value"),
        ({"silenceMs": 1}, "unknown_parameter_value"),
    ],
)
def test_wrong_configurations_of_them(config: dict[str, Any], code: str) -> None:
    with pytest.raises(Fault) as caught:
        from_asr_config(config, ASR)
    assert caught.value.code == code
    assert caught.value.allowed is not None
    while isinstance(config, dict):
        name, config = next(iter(config.items()))
    assert caught.value.text.startswith(f"{name}: ")  # as its client calls it


def test_deep_wrapping_ends() -> None:
    config: dict[str, Any] = dict(PLAIN)
    for _ in range(500):
        config = {"config": config}
    assert from_asr_config(config, ASR).ignored == ("config",)
