from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.campaign.importing import ContactsError
from bot.campaign.importing.csv_rows import MAX_LINES, CsvRows
from bot.campaign.importing.rows import LONG, Row
from bot.campaign.importing.text import MAX_CHARS

UNCLOSED = "a quote is not closed"
GARBAGE = "a quote is not closed, or something comes after its end"


def read(text: str, delimiter: str | None = None, at_once: int = 1000) -> list[Row]:
    rows, lines = CsvRows(delimiter), text.split("\n")
    steps = [lines[at : at + at_once] for at in range(0, len(lines), at_once)]
    return [row for step in steps for row in rows.feed(step)] + [*rows.end()]


def told(rows: list[Row]) -> list[tuple[int, list[str] | str]]:
    return [(row.line, row.fault or [*row.cells]) for row in rows]


@pytest.mark.parametrize("at_once", [1, 1000])
def test_rows_have_the_headers_names(at_once: int) -> None:
    rows = read(
        'number, Full  name\n1,Ann\n\n2,"Bob ""B"", Jr"\n  \n3,"two\nlines"\n', None, at_once
    )
    assert {row.names for row in rows} == {("number", "Full name")}
    assert told(rows) == [
        (2, ["1", "Ann"]), (4, ["2", 'Bob "B", Jr']), (6, ["3", "two\nlines"]),
    ]  # fmt: skip
    assert rows[2].text == '3,"two\nlines"'


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_delimiter_is_found(delimiter: str) -> None:
    (row,) = read(f"number{delimiter}name\n1{delimiter}a,b" if delimiter != "," else "a,b\n1,2")
    assert len(row.cells) == 2


@pytest.mark.parametrize(
    ("header", "columns"),
    [
        ("Who, and where;Phone;a, b, c", ["Who, and where", "Phone", "a, b, c"]),
        ('"Phone";"a,b,c,d"', ["Phone", "a,b,c,d"]),
        ("a;b,c", ["a;b", "c"]),
        ("phone", ["phone"]),
    ],
)  # fmt: skip
def test_usual_names_tell_the_delimiter_first(header: str, columns: list[str]) -> None:
    rows = CsvRows()
    (row,) = rows.feed([header, header])
    assert [*row.cells] == columns


def test_a_spreadsheets_own_line_tells_it_too() -> None:
    (row,) = read("sep=^\nnumber^name\n1^a,b")
    assert (row.line, [*row.cells]) == (3, ["1", "a,b"])


@pytest.mark.parametrize(("said", "means"), [("tab", "\t"), ("\\t", "\t"), (";", ";"), ("^", "^")])
def test_it_may_be_said(said: str, means: str) -> None:
    (row,) = read(f"a,b{means}c\n1{means}2", said)
    assert [*row.cells] == ["1", "2"]


@pytest.mark.parametrize("said", ["", ";;", '"', "\n", "\0"])
def test_what_is_no_delimiter_is_refused(said: str) -> None:
    with pytest.raises(ContactsError, match=r"one character, such as ; or \|, or tab"):
        CsvRows(said)


@pytest.mark.parametrize("at_once", [1, 1000])
def test_what_is_wrong_with_a_row_costs_that_row(at_once: int) -> None:
    text = 'number,name\n1\n2,b,c\n3,a\0b\n4,"x"y\n5,say "hi"\n6,\n'
    assert told(read(text, None, at_once)) == [
        (2, "the row has 1 columns, not 2"),
        (3, "the row has 3 columns, not 2"),
        (4, "the row has a NUL byte"),
        (5, GARBAGE),
        (6, ["5", 'say "hi"']),
        (7, ["6", ""]),
    ]


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ('1,"Ann\n2,Bob\n3,"Cy"', [(2, GARBAGE), (3, ["2", "Bob"]), (4, ["3", "Cy"])]),
        ('1,"Ann\n2,Bob', [(2, UNCLOSED), (3, ["2", "Bob"])]),
        ('1,"Ann\n2,"Bob', [(2, GARBAGE), (3, UNCLOSED)]),
        ('1,"Ann\n\n2,"Bob\n3,Cy', [(2, GARBAGE), (4, UNCLOSED), (5, ["3", "Cy"])]),
    ],
)
@pytest.mark.parametrize("at_once", [1, 1000])
def test_an_unclosed_quote_costs_its_line_alone(
    text: str, rows: list[tuple[int, object]], at_once: int
) -> None:
    assert told(read(f"number,name\n{text}", None, at_once)) == rows


def test_an_unclosed_quote_is_given_up_after_a_hundred_lines() -> None:
    names = [f"{n},x" for n in range(3 * MAX_LINES)]
    first, *others = read("\n".join(["number,name", '0,"x', *names]))
    assert (first.line, first.fault, first.text) == (2, UNCLOSED, '0,"x')
    assert told(others) == [(n + 3, [str(n), "x"]) for n in range(3 * MAX_LINES)]


@pytest.mark.parametrize(
    "cell", ["x" * MAX_CHARS, '"' + "x" * MAX_CHARS + '"', '"' + "x" * MAX_CHARS]
)
def test_a_long_row_is_none(cell: str) -> None:
    rows = read(f"number,name\n1,{cell}"[: MAX_CHARS + 13] + "\n2,b")
    assert told(rows) == [(2, LONG), (3, ["2", "b"])]


def test_a_long_cell_of_many_lines_is_not_taken_for_closed() -> None:
    lines = "\n".join(["x" * 10_000] * 5)
    rows = read(f'number,name\n1,"{lines}"\n2,b')
    assert rows[0].fault == UNCLOSED
    assert told(rows)[-1] == (7, ["2", "b"])
    assert len(rows) == 6


@pytest.mark.parametrize("text", ["", "\n\n  \n"])
def test_a_file_without_a_header_is_none(text: str) -> None:
    with pytest.raises(ContactsError, match="not even one with the columns' names"):
        read(text)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ('number,"name\n1,2', "line 1 should name the columns, but a quote is not closed"),
        ('\n"number"x\n1', "line 2 should name the columns, but a quote"),
        ("n\0u\0m\0", "line 1 has NUL bytes: the file may be UTF-16"),
        ("x" * (MAX_CHARS + 1), "line 1 should name the columns, but is far too long"),
    ],
)
def test_a_broken_header_stops_it(text: str, fault: str) -> None:
    with pytest.raises(ContactsError, match=fault):
        read(text)


def test_a_header_may_have_two_lines() -> None:
    (row,) = read('number,"full\nname"\n1,2')
    assert row.names == ("number", "full name")


CELLS = st.text(st.sampled_from('a",;\n \u00e9'), max_size=5)
TABLE = st.integers(1, 3).flatmap(
    lambda width: st.lists(st.lists(CELLS, min_size=width, max_size=width), max_size=4)
)


@given(TABLE)
def test_it_reads_what_the_standard_library_writes(table: list[list[str]]) -> None:
    kept = [row for row in table if any(cell.strip() for cell in row)]
    written = io.StringIO()
    writer = csv.writer(written, lineterminator="\n", quoting=csv.QUOTE_ALL)
    width = len(kept[0]) if kept else 1
    writer.writerows([["number", "b", "c"][:width], *kept])
    assert [[*row.cells] for row in read(written.getvalue(), ",")] == kept


@given(st.lists(st.text(st.sampled_from('a,"'), min_size=1, max_size=6), max_size=9))
def test_every_line_is_in_exactly_one_row(lines: list[str]) -> None:
    rows = read("\n".join(["number", *lines]), ",")
    assert "\n".join(row.text for row in rows) == "\n".join(lines)
    assert [row.line for row in rows] == [
        2 + sum(before.text.count("\n") + 1 for before in rows[:at]) for at in range(len(rows))
    ]
