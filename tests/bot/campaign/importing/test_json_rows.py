from __future__ import annotations

import pytest

from bot.campaign.importing import ContactsError
from bot.campaign.importing.json_rows import JsonRows
from bot.campaign.importing.rows import LONG
from bot.campaign.importing.text import MAX_CHARS


def test_each_line_has_its_own_columns() -> None:
    rows = JsonRows()
    lines = ['{"number": 15550100001, "vip": true, "x": null}', "", ' {"tel": "+1", "n": 1.5}']
    first, second = rows.feed(lines)
    assert (first.line, first.names, [*first.cells]) == (
        1, ("number", "vip", "x"), ["15550100001", "true", ""],
    )  # fmt: skip
    assert (second.line, second.names, [*second.cells]) == (3, ("tel", "n"), ["+1", "1.5"])
    assert [*rows.end()] == []


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ('{"number": ', "the line is no JSON"),
        ('{"number": "a\0b"}', "the line is no JSON"),
        ("[1]", "the line is no JSON object"),
        ("12", "the line is no JSON object"),
        ('{"number": "1", "tags": ["a"]}', "'tags' holds neither a text nor a number"),
        ('{"a": "' + "x" * MAX_CHARS + '"}', LONG),
    ],
    ids=lambda text: text[:20],
)
def test_what_is_wrong_with_a_line_costs_that_line(line: str, fault: str) -> None:
    rows = JsonRows()
    good, bad, after = rows.feed(['{"number": "1"}', line, '{"number": "2"}'])
    assert (good.fault, bad.line, bad.text, bad.fault) == ("", 2, line, fault)
    assert [*after.cells] == ["2"]


def test_an_array_is_said_to_be_one() -> None:
    with pytest.raises(ContactsError, match="line 2: this is a JSON array; write one object"):
        [*JsonRows().feed(["", " [", '{"number": "1"},', "]"])]
