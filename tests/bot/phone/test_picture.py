"""The picture of a call."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from bot.phone.measure import Sound
from bot.phone.picture import PictureUnavailable, draw_call
from bot.phone.tape import Tape

from .results import finished_call

SIGNATURE = b"\x89PNG\r\n\x1a\n"


def size(png: bytes) -> tuple[int, int]:
    return int.from_bytes(png[16:20], "big"), int.from_bytes(png[20:24], "big")


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> object:
    image_module = pytest.importorskip("matplotlib.image")
    file = tmp_path_factory.mktemp("picture") / "call.png"
    draw_call(finished_call(), file)
    return image_module.imread(file)


def test_a_png_of_a_readable_size(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    file = tmp_path / "call.png"
    draw_call(finished_call(), file)
    png = file.read_bytes()
    assert png.startswith(SIGNATURE)
    assert size(png) == (1600, 640)


@pytest.mark.parametrize("colour", ["#0072B2", "#009E73", "#D55E00"])
def test_both_sides_and_the_clear_are_in_it(image: object, colour: str) -> None:
    import numpy as np

    wanted = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    pixels = np.asarray(image)[:, :, :3]
    assert (np.abs(pixels - wanted).max(axis=2) < 0.01).sum() > 100


def test_a_call_without_a_stream_has_a_picture(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    empty = finished_call(tape=Tape(), sound=Sound((), (), (), ()), turns=())
    draw_call(empty, tmp_path / "call.png")
    assert (tmp_path / "call.png").read_bytes().startswith(SIGNATURE)


def test_without_matplotlib_it_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.backends.backend_agg", None)
    with pytest.raises(PictureUnavailable, match=r"pip install 'parley\[picture\]'"):
        draw_call(finished_call(), tmp_path / "call.png")
