from __future__ import annotations

import json
from pathlib import Path

import pytest

from providers.config import read_config
from providers.configured import missing
from providers.errors import FileError, ProviderError, UnsupportedError
from providers.select import Wish

CONFIG = {
    "stt_provider": ["soniox", "pocketsphinx"],
    "auto_select": True,
    "optimize_for": "latency",
    "soniox": {"api_key": "secret-key", "region": "eu"},
    "deepgram": {"model": "nova-2-phonecall"},
}
TOML = """
stt_provider = "soniox, pocketsphinx"
auto_select = true
optimize_for = "latency"

[soniox]
api_key = "secret-key"
region = "eu"

[deepgram]
model = "nova-2-phonecall"
"""


@pytest.mark.parametrize("form", ["dictionary", "toml", "yaml", "environment"])
def test_every_form_says_the_same(form: str, tmp_path: Path) -> None:
    env = {}
    config: dict[str, object] | Path | None = None
    if form == "dictionary":
        config = CONFIG
    elif form == "environment":
        env = {
            "PARLEY_STT_PROVIDER": "soniox,pocketsphinx",
            "PARLEY_AUTO_SELECT": "true",
            "PARLEY_OPTIMIZE_FOR": "latency",
            "SONIOX_API_KEY": "secret-key",
            "SONIOX_REGION": "eu",
            "DEEPGRAM_MODEL": "nova-2-phonecall",
            "DEEPGRAM_API_KEY": "",
        }
    else:
        config = tmp_path / f"speech.{form}"
        # JSON is YAML.
        config.write_text(TOML if form == "toml" else json.dumps(CONFIG), "utf-8")
    settings = read_config(config, env)
    assert settings.stt_provider == ("soniox", "pocketsphinx")
    assert settings.tts_provider == ()
    assert settings.wish(settings.stt_provider, ()) == Wish(
        explicit=("soniox", "pocketsphinx"), goal="latency"
    )
    assert settings.vendor("soniox") == {"api_key": "secret-key", "region": "eu"}
    assert settings.vendor("deepgram-flux") == {"model": "nova-2-phonecall"}
    assert "secret-key" not in repr(settings)


def test_what_is_written_wins_over_the_environment() -> None:
    env = {"SONIOX_REGION": "jp", "SONIOX_API_KEY": "other"}
    settings = read_config({"soniox": {"region": "eu"}}, env)
    assert settings.vendor("soniox") == {"api_key": "other", "region": "eu"}


@pytest.mark.parametrize(
    ("config", "said"),
    [
        (
            {"stt_provider": "nobody"},
            r"stt_provider \(or PARLEY_STT_PROVIDER\): it may hold one of: .*deepgram, ",
        ),
        ({"stt_provider": "soniox, soniox"}, "each once"),
        (
            {"deepgram": {"modell": "nova"}},
            "deepgram_modell: there is no such setting, but deepgram_model; correct it",
        ),
        (
            {"soniox": {"api_key": "with a\nline"}},
            r"soniox_api_key \(or SONIOX_API_KEY\): it may hold the key",
        ),
        ({"monthly_budget_usd": -1}, "PARLEY_MONTHLY_BUDGET_USD.*: it may hold US dollars"),
    ],
)
def test_a_wrong_setting_is_named_and_never_shown(config: dict[str, object], said: str) -> None:
    with pytest.raises(UnsupportedError, match=said) as caught:
        read_config(config, {})
    assert "with a" not in f"{caught.value!s} {caught.value!r}"


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("none.toml", None, "No such file"),
        ("bad.toml", "stt_provider = ", "cannot be read: Invalid value"),
        ("bad.yaml", "a: [", "no YAML in line"),
        ("list.yaml", "- a\n- b", "holds no settings"),
    ],
)
def test_a_file_that_cannot_be_read(name: str, text: str | None, said: str, tmp_path: Path) -> None:
    if text is not None:
        (tmp_path / name).write_text(text, "utf-8")
    with pytest.raises(FileError, match=said):
        read_config(tmp_path / name, {})


def test_what_a_provider_lacks() -> None:
    assert missing("stt", "soniox", {"api_key": "k"}) is None
    assert missing("stt", "soniox", {}) == "set SONIOX_API_KEY for soniox"
    assert missing("stt", "deepgram-flux", {}) == "set DEEPGRAM_API_KEY for deepgram-flux"
    assert missing("tts", "openai", {"tts_base_url": "http://localhost:8880/v1"}) is None
    assert missing("stt", "openai", {"tts_base_url": "http://localhost:8880/v1"}) is not None
    assert missing("files", "openai", {"base_url": "http://localhost:8880/v1"}) is None
    assert missing("tts", "openai", {}) == "set OPENAI_API_KEY or OPENAI_TTS_BASE_URL for openai"
    assert missing("stt", "pocketsphinx", {}) is None


def test_an_error_of_the_configuration_is_one_of_the_library() -> None:
    with pytest.raises(ProviderError, match="config: "):
        read_config({"nonsense": 1}, {})
