"""Steps files."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

import pytest

from bot.phone.clip import Clip
from bot.phone.steps import (
    HangUp,
    Lose,
    LossKind,
    Play,
    Press,
    SpeakOver,
    StepsError,
    Wait,
    WaitForBot,
    default_steps,
    load_steps,
)

from .sounds import tone

CLIP = Clip("a.ulaw", tone(40))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "a.ulaw").write_bytes(CLIP.audio)
    return tmp_path


def load(folder: Path, text: str) -> object:
    file = folder / "steps.toml"
    file.write_text(text)
    return load_steps(file)


def test_every_step(folder: Path) -> None:
    text = """
    steps = [
      { wait_for_bot = true },
      { wait_for_bot = 700 },
      { play = "a.ulaw" },
      { wait_ms = 500 },
      { speak_over = "a.ulaw" },
      { speak_over = "a.ulaw", after_ms = 300, timeout_ms = 4000 },
      { press = "1A#" },
      { lose = "close" },
      { lose = "reset" },
      { lose = "silence" },
      { lose = "silence", for_ms = 900 },
      { lose = "refused" },
      { lose = "timeout", for_ms = 1500 },
      { hang_up = true },
    ]
    """
    assert load(folder, text) == (
        WaitForBot(),
        WaitForBot(700),
        Play(CLIP),
        Wait(500),
        SpeakOver(CLIP),
        SpeakOver(CLIP, 300, 4000),
        Press("1A#"),
        Lose("close"),
        Lose("reset"),
        Lose("silence"),
        Lose("silence", 900),
        Lose("refused"),
        Lose("timeout", 1500),
        HangUp(),
    )


@pytest.mark.parametrize(
    ("step", "fault"),
    [
        ("wait_ms = -1", "step 1: wait_ms held -1; it must be milliseconds"),
        ("wait_ms = 1.5", "wait_ms held 1.5"),
        ("wait_for_bot = false", "wait_for_bot held False"),
        ("play = 3", "play held 3; it must be a string"),
        ("play = 'none.ulaw'", "none.ulaw: No such file"),
        ("press = 'x'", "0-9 * # A-D"),
        ("lose = 'hope'", "lose held 'hope'; it must be one of close, reset, silence, refused"),
        ("lose = 'reset'\nfor_ms = 3", "lose takes no 'for_ms'"),
        ("lose = 'refused'\nfor_ms = 3", "lose takes no 'for_ms'"),
        ("hang_up = false", "hang_up must be true"),
        ("say = 'hello'", "exactly one of play, wait_for_bot"),
        ("wait_ms = 1\nhang_up = true", "exactly one of"),
        ("wait_ms = 1\nafter_ms = 2", "wait_ms takes no 'after_ms'"),
    ],
)
def test_a_wrong_step_is_named(folder: Path, step: str, fault: str) -> None:
    with pytest.raises(StepsError) as caught:
        load(folder, f"[[steps]]\n{step}\n")
    assert fault in str(caught.value)
    assert "steps.toml: step 1: " in str(caught.value)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("[[steps", "not TOML"),
        ("", "must hold [[steps]]"),
        ("steps = 3", "must hold [[steps]]"),
        ("steps = [3]", "step 1: it must be a table"),
        ("more = 1\n[[steps]]\nhang_up = true", "nothing else"),
    ],
)
def test_a_file_of_something_else(folder: Path, text: str, fault: str) -> None:
    with pytest.raises(StepsError) as caught:
        load(folder, text)
    assert fault in str(caught.value)


def test_how_long_a_loss_lasts() -> None:
    lasting = {how: Lose(how).lasts_ms for how in get_args(LossKind)}
    assert lasting == {"close": 0, "reset": 0, "silence": 5_000, "refused": 0, "timeout": 2_000}
    assert Lose("timeout", 1_500).lasts_ms == 1_500


def test_no_file(tmp_path: Path) -> None:
    with pytest.raises(StepsError, match="No such file"):
        load_steps(tmp_path / "steps.toml")


def test_without_a_file_each_clip_waits_for_its_reply() -> None:
    other = Clip("b.ulaw", b"b")
    assert default_steps([CLIP, other]) == (
        WaitForBot(5_000),
        Play(CLIP),
        WaitForBot(),
        Play(other),
        WaitForBot(),
        HangUp(),
    )
