"""Dialogs that campaigns name are loaded once; without one nobody is left in silence."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path

import pytest

from bot.campaign.loading import MAX_DIALOGS, CampaignDialogs, Speechless
from bot.campaign.outcome import NO_DIALOG
from bot.dialog import Call, DialogError, Hangup, Say, Turn
from bot.dialog.echo import Echo
from bot.dialog.hook import Dialog, DialogFactory

CALL = Call("CA1", "", "", "outbound")


class Loader:
    """Notes what is loaded, and where."""

    def __init__(self) -> None:
        self.loaded: list[str] = []
        self.threads: set[int] = set()
        self.stuck = threading.Event()

    def __call__(self, name: str) -> DialogFactory:
        self.loaded.append(name)
        self.threads.add(threading.get_ident())
        if name == "stuck":
            self.stuck.wait()
        if name == "exits":
            raise SystemExit(1)
        if name == "broken":
            raise DialogError("no dialog called 'broken'")
        if name == "unreadable":
            Path("a\0b").read_bytes()
        return lambda: Dialog(Echo())


async def test_a_dialog_is_loaded_once_and_not_in_the_loop() -> None:
    loader = Loader()
    dialogs = CampaignDialogs({"echo": lambda: Dialog(Echo())}, loader)
    await asyncio.gather(*(dialogs.load("survey") for _ in range(5)), dialogs.load("echo"))
    assert loader.loaded == ["survey"]
    assert threading.get_ident() not in loader.threads
    assert dialogs.get("survey") is not None
    assert dialogs.get("echo") is not None
    assert dialogs.get("other") is None


async def test_one_that_cannot_be_loaded_says_so_each_time() -> None:
    loader = Loader()
    dialogs = CampaignDialogs({}, loader)
    for _ in range(2):
        with pytest.raises(DialogError, match="broken"):
            await dialogs.load("broken")
    assert dialogs.get("broken") is None


async def test_one_whose_file_can_have_no_such_name() -> None:
    with pytest.raises(DialogError, match="'unreadable' cannot be read: embedded null byte"):
        await CampaignDialogs({}, Loader()).load("unreadable")


async def test_one_that_wants_to_end_the_process_does_not() -> None:
    with pytest.raises(DialogError, match=r"'exits': importing it raised SystemExit\(1\)"):
        await CampaignDialogs({}, Loader()).load("exits")


async def test_one_that_takes_too_long_is_not_waited_for() -> None:
    loader = Loader()
    dialogs = CampaignDialogs({}, loader, deadline_s=0.02)
    with pytest.raises(DialogError, match=r"'stuck' is not loaded within 0\.02 s"):
        await dialogs.load("stuck")
    loader.stuck.set()


async def test_the_least_wanted_are_forgotten() -> None:
    loader = Loader()
    dialogs = CampaignDialogs({}, loader)
    await dialogs.load("first")
    for number in range(MAX_DIALOGS):
        await dialogs.load("first")
        await dialogs.load(f"dialog {number}")
    assert dialogs.get("first") is not None
    assert dialogs.get("dialog 0") is None


async def test_without_a_dialog_the_call_says_so_and_ends() -> None:
    dialog = Speechless("This cannot go on.").dialog()
    said = [Say("This cannot go on.", interruptible=False), Hangup(NO_DIALOG)]
    for replies in (
        dialog.greet(CALL),
        dialog.on_turn(CALL, Turn("t1", "hello")),
        dialog.on_resume(CALL, "Hello."),
    ):
        assert [reply async for reply in replies] == said
