"""Whether a campaign's dialogs can be had is found out without harm to whoever asks."""

from __future__ import annotations

import sys
import threading
from pathlib import Path
from types import SimpleNamespace

import pytest

from bot.campaign.dialogs import check_loads
from bot.campaign.spec import CampaignSpec
from bot.dialog.types import DialogError
from bot.settings import Settings

from .campaigns import FROM

SETTINGS = Settings(public_url="https://bot.example.com", state_dir=Path("unused"))


def naming(dialog: str) -> CampaignSpec:
    return CampaignSpec(name="Test", from_numbers=(FROM,), dialog=dialog)


@pytest.mark.parametrize(
    ("dialog", "fault"),
    [
        ("parley_test_exits:Dialog", r"importing it raised SystemExit\(1\)"),
        ("script:a\0b", "cannot be read: embedded null byte"),
    ],
)
async def test_a_dialog_that_cannot_be_loaded_ends_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, dialog: str, fault: str
) -> None:
    (tmp_path / "parley_test_exits.py").write_text("raise SystemExit(1)")
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(DialogError, match=fault):
        await check_loads(SETTINGS, naming(dialog))


async def test_a_dialog_that_hangs_is_not_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = threading.Event()
    monkeypatch.setitem(sys.modules, "parley_test_gate", SimpleNamespace(wait=gate.wait))
    text = "import parley_test_gate\nparley_test_gate.wait(60)\n"
    (tmp_path / "parley_test_hangs.py").write_text(text)
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(DialogError, match=r"not loaded within 0\.02 s"):
        await check_loads(SETTINGS, naming("parley_test_hangs:Dialog"), deadline_s=0.02)
    gate.set()
