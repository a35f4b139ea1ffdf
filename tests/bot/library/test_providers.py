"""`parley providers` and `parley voices`."""

from __future__ import annotations

import asyncio
from typing import Any

import orjson
import pytest

from providers.catalog import FILES, STT, TTS
from tests.bot.commands import Run
from tests.vendors.soniox.standin import SonioxStandIn
from tests.vendors.speech.oracle import OracleHearing
from tests.vendors.speech.recordings import computed_script

SCRIPT = computed_script(["Hello."])


def reports(out: str) -> dict[tuple[str, str], dict[str, Any]]:
    return {(report["kind"], report["provider"]): report for report in orjson.loads(out)}


def test_every_provider_is_listed(run: Run) -> None:
    ran = run("providers")
    assert (ran.code, ran.err) == (0, "")
    lines = ran.out.splitlines()
    for title, table in (("streams", STT), ("files", FILES), ("Synthesis", TTS)):
        begin = next(n for n, line in enumerate(lines) if title in line)
        shown = [line.split()[0] for line in lines[begin + 2 : begin + 2 + len(table)]]
        assert shown == list(table)
    assert any("set SONIOX_API_KEY" in line and "$0.002 per minute" in line for line in lines)
    assert any(line.startswith("espeak: cannot honour model, pitch") for line in lines)


def test_programs_get_all_that_is_known(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "a-secret-key")
    ran = run("providers", "--json")
    found = reports(ran.out)
    assert set(found) == {
        (kind, name)
        for kind, table in (("stt", STT), ("files", FILES), ("tts", TTS))
        for name in table
    }
    soniox = found["stt", "soniox"]
    assert (soniox["configured"], soniox["missing"]) == (False, "set SONIOX_API_KEY for soniox")
    assert (soniox["vendor"], soniox["documentation"]) == ("Soniox", "https://soniox.com/docs")
    assert soniox["usd_per_minute"] == 0.002
    assert "2026" in soniox["priced"]
    openai = found["files", "openai"]
    assert (openai["configured"], openai["missing"]) == (True, None)
    assert "key_terms" in openai["capabilities"]["options"]
    assert "interim_results" not in openai["not_honoured"]
    assert "healthy" not in openai
    assert "a-secret-key" not in ran.out


@pytest.mark.parametrize(("key", "code"), [("stand-in-key", 0), ("a-wrong-key", 1)])
async def test_a_check_asks_all_that_are_configured(
    run: Run, monkeypatch: pytest.MonkeyPatch, key: str, code: int
) -> None:
    async with SonioxStandIn(OracleHearing(SCRIPT)) as standin:
        monkeypatch.setenv("SONIOX_API_KEY", key)
        monkeypatch.setenv("SONIOX_STT_URL", standin.stt_url)
        monkeypatch.setenv("SONIOX_TTS_URL", standin.tts_url)
        monkeypatch.setitem(__import__("sys").modules, "pocketsphinx", None)
        ran = await asyncio.to_thread(run, "providers", "--check", "--json")
        table = await asyncio.to_thread(run, "providers", "--check")
    assert (ran.code, table.code) == (code, code)
    found = reports(ran.out)
    assert found["tts", "espeak"]["healthy"]
    for kind in ("stt", "tts"):
        soniox = found[kind, "soniox"]
        assert soniox["healthy"] is (code == 0)
        assert (soniox["measured_ms"] is None) is (code == 1)
        assert ("SONIOX_API_KEY" in soniox["hint"]) is (code == 1)
    assert "healthy" not in found["stt", "deepgram"]
    states = [line for line in table.out.splitlines() if line.startswith("soniox  ")]
    assert all(("failed: " in line) is (code == 1) for line in states)
    assert ("well" in states[0], " ms " in states[0]) == (code == 0, code == 0)
    assert key not in ran.out + ran.err + table.out + table.err


def test_voices_are_listed(run: Run) -> None:
    ran = run("voices", "--language", "de")
    assert (ran.code, ran.err) == (0, "")
    assert [line.split()[:4] for line in ran.out.splitlines()] == [
        ["id", "name", "language", "gender"],
        ["gmw/de", "German", "de", "male"],
    ]
    voices = orjson.loads(run("voices", "--json", "--provider", "espeak").out)
    assert len(voices) > 50
    assert {voice["provider"] for voice in voices} == {"espeak"}
    ran = run("voices", "--provider", "openai")
    assert (ran.code, ran.out) == (2, "")
    assert "set OPENAI_API_KEY" in ran.err


def test_help_has_examples(run: Run) -> None:
    assert "parley providers --check" in run("providers", "--help").out
    assert "parley voices --language" in run("voices", "--help").out
