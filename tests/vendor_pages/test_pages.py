"""The pages are not stale, and what they tell people to write works."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from media.audio import PCM16_16K, bytes_to_pcm
from media.files import write_wav
from providers.catalog import VENDORS
from tests.providers.conformance.caller import said_in, words_of
from tests.providers.conformance.reach import LOCAL, SCRIPT, access_to
from tests.vendors.speech.oracle import OracleHearing
from tests.virtual_time import virtual_time_on_sockets

from .page import example
from .tables import table
from .writing import README, TABLE, stale


def test_no_page_is_stale() -> None:
    found = [str(path) for path in stale()]
    assert found == [], "python -m tests.vendor_pages writes them"


def test_the_readme_has_its_place_for_the_table() -> None:
    assert len(TABLE.findall(README.read_text("utf-8"))) == 1


def test_a_cell_may_hold_anything() -> None:
    assert table(("a", ""), [("x|y", "")]) == "| a | |\n| --- | --- |\n| x\\|y | |\n"


@pytest.mark.parametrize("account", sorted(VENDORS.keys() - LOCAL))
def test_an_example_runs(account: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """As it stands on the page, with a stand-in in place of the vendor."""
    vendor = VENDORS[account]
    printed: list[str] = []
    program: dict[str, Any] = {"__name__": "example", "print": printed.append}
    exec(example(vendor), program)
    with (tmp_path / "question.wav").open("wb") as file:
        write_wav(file, bytes_to_pcm(SCRIPT.audio_in(PCM16_16K)), PCM16_16K.sample_rate_hz)
    monkeypatch.chdir(tmp_path)

    @virtual_time_on_sockets
    async def run() -> None:
        access = access_to(account)
        async with access.standin(OracleHearing(SCRIPT)) as standin:
            for key, value in access.settings(standin).items():
                monkeypatch.setenv(vendor.variable(key), str(value))
            await program["main"]()

    run()
    if vendor.offers["stt"] or vendor.offers["files"]:
        assert words_of(" ".join(printed)) == said_in(SCRIPT)
    if vendor.offers["tts"]:
        assert (tmp_path / "answer.wav").stat().st_size > 1_000
