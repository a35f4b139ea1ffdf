from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.campaign.cells import csv_line, safe_cell

FORMULAS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


@pytest.mark.parametrize("text", [f"{begin}1+1" for begin in FORMULAS])
def test_no_cell_is_a_formula(text: str) -> None:
    assert safe_cell(text) == "'" + text


@pytest.mark.parametrize("text", ["", "Ann", "a=b", " =1", "'=1", "10:00", "é", "+15550100001"])
def test_other_cells_stay(text: str) -> None:
    assert safe_cell(text) == text


def test_numbers_of_our_own_stay_numbers() -> None:
    assert csv_line([-5, 1.5, True, None, "x"]) == "-5,1.5,True,,x\r\n"


def test_control_characters_become_pictures() -> None:
    assert csv_line(["a\0b\x1b[31m"]) == "a␀b␛[31m\r\n"


TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)


@given(st.lists(TEXT | st.sampled_from(['"', ",", "\r\n", '=a"b', " x ", "+1;2"]), min_size=1))
def test_a_reader_finds_the_same_cells_and_no_formula(cells: list[str]) -> None:
    line = csv_line([*cells, "end"])
    (read,) = csv.reader(io.StringIO(line, newline=""), strict=True)
    assert len(read) == len(cells) + 1
    assert not any(cell.startswith(FORMULAS) for cell in read if not cell[1:].isdecimal())
