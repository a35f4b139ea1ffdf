"""A model is loaded and decodes, in this process."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

os.environ["HF_HUB_OFFLINE"] = os.environ["ORT_DISABLE_TELEMETRY"] = "1"  # read at import
pytest.importorskip("faster_whisper")

from providers.stt import whisper_decoder
from providers.stt.local_worker import LoadError
from providers.stt.whisper_decoder import WhisperDecoder
from providers.stt.whisper_task import CODES
from tests.providers.stt.whisper_model import make_model, pcm

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_model(tmp_path_factory.mktemp("whisper"))


@pytest.fixture(scope="module")
def decoder(model: Path) -> WhisperDecoder:
    return load(str(model))


def load(model: str, compute_type: str = "auto") -> WhisperDecoder:
    return WhisperDecoder(model, "cpu", compute_type, threads=1)


def heard(decoder: WhisperDecoder, audio: bytes, **task: Any) -> dict[str, Any]:
    """What is said of an utterance, as the parent gets it."""
    decoder.open(task)
    decoder.hear(audio[:1000])
    decoder.hear(audio[1000:])
    result: dict[str, Any] = json.loads(decoder.finalize().to_json())
    decoder.close()
    return result


def test_it_knows_every_language_that_it_is_said_to_know(decoder: WhisperDecoder) -> None:
    assert sorted(decoder.abilities["languages"]) == sorted(CODES)


def test_a_model_of_english_says_so(tmp_path: Path) -> None:
    english = load(str(make_model(tmp_path / "small.en", multilingual=False)))
    assert english.abilities["languages"] == ["en"]


def test_the_same_audio_is_the_same_words_and_other_audio_others(
    decoder: WhisperDecoder, recordings: Path
) -> None:
    ten, go = pcm(recordings, "card_ten_of_clubs"), pcm(recordings, "go_somewhere")
    first = heard(decoder, ten, languages=["en"])
    assert first["text"]
    assert " ".join(word[0] for word in first["words"]) == first["text"]
    assert heard(decoder, go, languages=["en"])["text"] not in ("", first["text"])
    assert heard(decoder, ten, languages=["en"]) == first


def test_words_have_times_in_the_utterance(decoder: WhisperDecoder, recordings: Path) -> None:
    audio = pcm(recordings, "card_ten_of_clubs")
    result = heard(decoder, audio, languages=["en"])
    starts = [word[1] for word in result["words"]]
    assert starts == sorted(starts)
    assert 0 <= result["start_ms"] <= result["end_ms"] <= len(audio) // 32
    assert (result["start_ms"], result["end_ms"]) == (starts[0], result["words"][-1][2])
    assert all(0 <= word[3] <= 1 for word in result["words"])


def test_a_draft_has_no_words_of_its_own(decoder: WhisperDecoder, recordings: Path) -> None:
    draft = heard(decoder, pcm(recordings, "go_somewhere"), languages=["en"], draft=True)
    assert draft["text"]
    assert (draft["words"], draft["confidence"]) == ([], None)


def test_the_language_is_found_out_among_those_that_may_be_spoken(
    decoder: WhisperDecoder, recordings: Path
) -> None:
    audio = pcm(recordings, "card_ten_of_clubs")
    likeliest = heard(decoder, audio)["language"]
    assert likeliest in CODES
    others = [code for code in CODES if code != likeliest]
    assert heard(decoder, audio, languages=[*others, likeliest])["language"] == likeliest
    assert heard(decoder, audio, languages=others[:2])["language"] in others[:2]
    assert heard(decoder, audio, languages=["cy"])["language"] == "cy"


def test_terms_are_leant_to(decoder: WhisperDecoder, recordings: Path) -> None:
    audio = pcm(recordings, "card_ten_of_clubs")
    plain = heard(decoder, audio, languages=["en"])
    leaning = heard(decoder, audio, languages=["en"], terms=["bagu", "dafe"])
    assert leaning["text"] != plain["text"]
    assert heard(decoder, audio, languages=["en"], terms=["bagu"] * 1_000)["text"]


def test_pauses_are_left_out_where_there_are_some(
    decoder: WhisperDecoder, recordings: Path
) -> None:
    silence = bytes(320_000)
    assert heard(decoder, silence, languages=["en"], recording=True)["text"] == ""
    speech = pcm(recordings, "go_somewhere")
    result = heard(decoder, silence + speech, languages=["en"], recording=True)
    assert result["text"]
    assert result["start_ms"] > 9_000


def test_nothing_is_understood_of_nothing(decoder: WhisperDecoder) -> None:
    assert heard(decoder, b"")["text"] == ""


def test_what_is_said_again_and_again_is_not_believed(
    tmp_path: Path, recordings: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stuck = load(str(make_model(tmp_path, bias={"Ġbaba": 30.0})))
    audio = pcm(recordings, "austen_0890") * 5
    assert heard(stuck, audio, languages=["en"])["text"] == ""
    monkeypatch.setattr(whisper_decoder, "REPETITIVE", 1_000.0)
    assert "baba baba baba" in heard(stuck, audio, languages=["en"])["text"]


def test_more_than_can_be_said_in_the_time_is_not_believed(
    tmp_path: Path, recordings: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    times = [f"<|{step * 0.02:.2f}|>" for step in range(1, 1_501)]
    never = dict.fromkeys(["<|endoftext|>", *times], -100.0)
    endless = load(str(make_model(tmp_path, bias=never)))
    monkeypatch.setattr(whisper_decoder, "REPETITIVE", 1_000.0)
    short, long = pcm(recordings, "card_ten_of_clubs"), pcm(recordings, "austen_0890") * 5
    for draft in (True, False):
        assert heard(endless, short, languages=["en"], draft=draft)["text"] == ""
    for terms in ([], ["bagu"] * 20, ["bagu"] * 1_000):
        said = heard(endless, long, languages=["en"], draft=True, terms=terms)["text"].split()
        # What a model says at most; of half a minute's speech it may well be as much.
        assert 200 < len(said) <= 224


def test_what_is_made_up_of_noise_is_not_believed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    noise = np.random.default_rng(1).normal(0, 900, 32_000).astype(np.int16).tobytes()
    bias = {"<|nospeech|>": 30.0, "<|endoftext|>": 0.0}
    unsure = load(str(make_model(tmp_path, bias=bias, certainty=0.2)))
    assert heard(unsure, noise, languages=["en"])["text"] == ""
    monkeypatch.setattr(whisper_decoder, "NO_SPEECH", 1.0)
    assert heard(unsure, noise, languages=["en"])["text"] != ""


def test_a_model_is_looked_for_on_this_machine_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("socket.socket.connect", pytest.fail)
    with pytest.raises(LoadError, match="'small' is not on this machine") as refusal:
        load("small")
    assert refusal.value.failure.lasting
    assert "download_model('small')" in refusal.value.failure.hint


def test_nothing_is_told_about_its_use(model: Path, tmp_path: Path) -> None:
    program = """
import os, sys
from providers.stt.whisper_worker import load
decoder = load()
decoder.open({"recording": True})
decoder.hear(bytes(32_000))
decoder.finalize()
from huggingface_hub import constants
sys.exit(not (constants.HF_HUB_OFFLINE and constants.HF_HUB_DISABLE_TELEMETRY))
"""
    told = {"model": str(model), "device": "cpu", "compute_type": "auto", "threads": 1}
    kept = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
    home = tmp_path / "home"
    home.mkdir()
    subprocess.run(
        [sys.executable, "-c", program, json.dumps(told)],
        env={**kept, "HOME": str(home), "TMPDIR": str(home), "PYTHONPATH": str(ROOT)},
        check=True,
        timeout=30,
    )
    assert list(home.rglob("*")) == []  # what onnxruntime would tell, it would keep there


def test_a_model_of_the_cache_is_found_by_its_name(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    repository = tmp_path / "models--Systran--faster-whisper-tiny"
    shutil.copytree(model, repository / "snapshots" / "0123abcd")
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text("0123abcd")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    assert load("tiny").abilities["languages"]
    assert load("Systran/faster-whisper-tiny").abilities["languages"]


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("/nowhere/model", "there is no directory '/nowhere/model'"),
        ("~/nowhere", "there is no directory '~/nowhere'"),
        ("smal", "there is no model 'smal'"),
        ("a/b/c", "there is no model 'a/b/c'"),
    ],
)
def test_a_wrong_name_of_a_model_is_told(name: str, reason: str) -> None:
    with pytest.raises(LoadError, match=reason):
        load(name)


def test_half_a_model_is_none(model: Path, tmp_path: Path) -> None:
    half = shutil.copytree(model, tmp_path / "half")
    (half / "tokenizer.json").unlink()
    with pytest.raises(LoadError, match=r"lacks tokenizer\.json"):
        load(str(half))
    (half / "model.bin").unlink()
    with pytest.raises(LoadError, match=r"lacks model\.bin and tokenizer\.json"):
        load(str(half))


def test_what_is_no_model_is_refused(model: Path, tmp_path: Path) -> None:
    spoilt = shutil.copytree(model, tmp_path / "spoilt")
    (spoilt / "model.bin").write_bytes(b"not what you expect" * 10)
    with pytest.raises(LoadError) as refusal:
        load(str(spoilt))
    assert "WHISPER_MODEL" in refusal.value.failure.hint


def test_a_damaged_tokenizer_is_refused(model: Path, tmp_path: Path) -> None:
    spoilt = shutil.copytree(model, tmp_path / "spoilt")
    (spoilt / "tokenizer.json").write_text('{"x": 1}')
    with pytest.raises(LoadError) as refusal:
        load(str(spoilt))
    assert "WHISPER_MODEL" in refusal.value.failure.hint


def test_numbers_that_the_machine_cannot_compute_with_are_refused(model: Path) -> None:
    with pytest.raises(LoadError, match="int9") as refusal:
        load(str(model), "int9")
    assert "WHISPER_COMPUTE_TYPE" in refusal.value.failure.hint
