from __future__ import annotations

import pytest

from bot.campaign.importing import FIELDS, ContactsError
from bot.campaign.importing.columns import Layout, check_columns, is_usual, layout_of
from bot.telephony.answers import CALL_PARAMETERS, DIAL_STATUS_PARAMETER
from bot.telephony.requests import ATTEMPT


@pytest.mark.parametrize(
    ("field", "name"),
    [
        ("number", "Number"), ("number", "PHONE"), ("number", "phone_number"), ("number", "Tel."),
        ("number", "Mobile Phone"), ("number", "msisdn"), ("name", "Full Name"),
        ("time_zone", "time zone"), ("time_zone", "TimeZone"), ("time_zone", "tz"),
        ("language", "Lang"), ("language", "locale"), ("consent", "opt-in"),
    ],
)  # fmt: skip
def test_usual_names_are_known(field: str, name: str) -> None:
    layout = layout_of(("x", name, "y"), {})
    assert is_usual(name)
    assert getattr(layout, field) == 1
    assert layout.variables == ((0, "x"), (2, "y"))


def test_the_user_may_say_what_is_what() -> None:
    columns = {"number": "Mobile", "name": "first name", "time_zone": "Where"}
    names = ("phone", "mobile", "Name", "First Name", "Where", "tz", "language")
    assert layout_of(names, columns) == Layout(
        1, 3, 4, 6, None, ((0, "phone"), (2, "Name"), (5, "tz"))
    )


def test_a_field_that_has_its_own_name_is_that() -> None:
    layout = layout_of(("phone", "number", "full name", "Name"), {})
    assert (layout.number, layout.name) == (1, 3)


def test_what_is_nowhere_is_none() -> None:
    assert layout_of(("a", ""), {"name": "b"}) == Layout(
        None, None, None, None, None, ((0, "a"), (1, ""))
    )


@pytest.mark.parametrize(
    ("names", "fault"),
    [
        (("phone", "mobile"), "'phone' and 'mobile' may both be the number: say number=COLUMN"),
        (("number", "Number "), "'number' and 'Number ' may both be the number"),
        (("number", "a", "a"), "the column 'a' is there twice"),
        (("number", "token"), "the column 'token' cannot be a variable: the name 'token' is"),
        (("number", "campaign"), "the column 'campaign' cannot be a variable: Parley tells"),
        (("number", "called_back"), "'called_back' cannot be a variable"),
        (("number", *map(str, range(200))), "there are 201 columns, of at most 200"),
        (("number", "x" * 500), "cannot be a variable: name and value are 500 of at most 499"),
        (("number", "a\x1bb"), "it holds a character that XML cannot"),
    ],
)
def test_what_cannot_be_told_is_said(names: tuple[str, ...], fault: str) -> None:
    with pytest.raises(ContactsError, match=fault):
        layout_of(names, {})


@pytest.mark.parametrize("name", [*CALL_PARAMETERS, DIAL_STATUS_PARAMETER, ATTEMPT])
def test_what_a_stream_is_told_beside_variables_is_none(name: str) -> None:
    with pytest.raises(ContactsError, match=f"the column '{name}' cannot be a variable: Parley"):
        layout_of(("number", name), {})


def test_a_name_that_another_column_has_is_no_variable() -> None:
    with pytest.raises(ContactsError, match="the column 'name' cannot be a variable"):
        layout_of(("number", "name", "Other"), {"name": "Other"})


@pytest.mark.parametrize(
    ("columns", "fault"),
    [
        ({"phone": "x"}, "there is no field 'phone'; a column can be one of number, name"),
        ({"number": ""}, "number= asks for a column's name"),
        ({"number": "x", "name": "x"}, "one column cannot be two fields"),
    ],
)
def test_what_is_no_mapping_is_said(columns: dict[str, str], fault: str) -> None:
    with pytest.raises(ContactsError, match=fault):
        check_columns(columns)


def test_every_field_may_be_said() -> None:
    check_columns({field: field for field in FIELDS})
