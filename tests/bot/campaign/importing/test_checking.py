from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from bot.campaign.importing import ContactsError
from bot.campaign.importing.checking import Checker, NoConsentError, RowError
from bot.campaign.importing.rows import Row
from bot.campaign.spec import CampaignSpec
from bot.campaign.types import NewContact
from bot.telephony.address import Address
from bot.telephony.twiml import connect

NOW_MS = round(datetime(2026, 6, 1, 12, tzinfo=UTC).timestamp() * 1000)
ANN = "+14155552671"


def checker(columns: dict[str, str] | None = None, *, strict: bool = True, **spec: Any) -> Checker:
    campaign = CampaignSpec(name="x", from_numbers=("+442079460018",), **spec)
    return Checker(campaign, columns or {}, strict=strict, now_ms=NOW_MS)


def row(**cells: str) -> Row:
    return Row(2, ",".join(cells.values()), tuple(cells), [*cells.values()])


def test_a_row_is_a_contact_with_its_plan() -> None:
    contact, plan = checker().check(
        row(phone="+1 415 555 2671", name=" Ann ", tz="america/new york", lang="EN_us", city=" NY ")
    )
    assert contact == NewContact(
        ANN, ("America/New_York",), name="Ann", language="en-US", variables={"city": " NY "}
    )
    assert datetime.fromtimestamp(plan.due_ms / 1000, UTC) == datetime(2026, 6, 1, 13, tzinfo=UTC)


def test_columns_may_be_said() -> None:
    contact, _ = checker({"number": "Who", "name": "Nick"}).check(row(who=ANN, Nick="Ann"))
    assert (contact.number, contact.name) == (ANN, "Ann")


def test_a_zone_comes_from_the_number_else() -> None:
    contact, _ = checker(region="US").check(row(number="415 555 2671"))
    assert contact == NewContact(ANN, ("America/Los_Angeles",))


def test_time_goes_on() -> None:
    checking = checker()
    checking.check(row(number=ANN, tz="UTC"))
    checking.now_ms = NOW_MS + 24 * 3_600_000
    _, plan = checking.check(row(number=ANN, tz="UTC"))
    assert (plan.due_ms, checking.now_ms) == (checking.now_ms, checking.now_ms)


@pytest.mark.parametrize(
    ("cells", "fault"),
    [
        ({"number": "12"}, "number: there is no such number"),
        ({"number": "+442079460018"}, "number: it is one of those that the campaign calls from"),
        ({"number": ANN, "tz": "Mars"}, "time zone: 'Mars' is no time zone"),
        ({"number": ANN, "lang": "English"}, "language: write a BCP-47 tag such as en-US"),
        ({"number": ANN, "name": "x" * 496}, "name: name and value are 500 of at most 499 chars"),
        ({"number": ANN, "city": "x" * 496}, "'city': name and value are 500 of at most 499"),
        ({"number": ANN, "city": "a\x07"}, "'city': it holds a character that XML cannot"),
        ({"number": ANN, "": "x"}, "there is a value in a column without a name"),
    ],
)
def test_what_is_wrong_is_said(cells: dict[str, str], fault: str) -> None:
    with pytest.raises(RowError) as raised:
        checker(region="US").check(row(**cells))
    assert str(raised.value).startswith(fault)


@pytest.mark.parametrize("said", ["declined", "no, never", "nein", "N/A", "opted out"])
@pytest.mark.parametrize("asked", [True, False])
def test_what_is_no_yes_is_no_consent(said: str, asked: bool) -> None:
    with pytest.raises(RowError, match=r"^consent: it is neither a yes \(yes, .*\) nor a no$"):
        checker(require_consent=asked).check(row(number=ANN, consent=said))


@pytest.mark.parametrize("said", ["No", "n", " FALSE ", "0", "off"])
def test_a_no_says_whose_it_is(said: str) -> None:
    with pytest.raises(NoConsentError) as refused:
        checker().check(row(number=ANN, consent=said))
    assert refused.value.number == ANN


@pytest.mark.parametrize("field", ["consent", "time_zone", "language", "name"])
def test_a_column_that_the_user_said_and_a_row_does_not_have_is_a_fault(field: str) -> None:
    with pytest.raises(RowError, match="there is no column 'may_we_cal'"):
        checker({field: "may_we_cal"}, strict=False).check(row(number=ANN, may_we_call="no"))


@pytest.mark.parametrize(
    ("columns", "value"), [(60, "中" * 490), (30, "&" * 400), (25, '"' * 480), (198, "x" * 250)]
)
def test_variables_that_no_answer_to_twilio_can_hold_are_said(columns: int, value: str) -> None:
    many = {f"v{n}": value for n in range(columns)}
    with pytest.raises(RowError, match=r"^its variables are [0-9]+ of at most 49152 bytes"):
        checker().check(row(number=ANN, tz="UTC", **many))


def test_variables_that_are_accepted_fit_into_an_answer() -> None:
    checking, most = checker(), 0
    for value in ('"' * 40, "中" * 100, "\n<é" * 30, "x" * 200):
        for columns in range(10, 199, 4):
            try:
                contact, _ = checking.check(
                    row(number=ANN, tz="UTC", **{f"v{n}": value for n in range(columns)})
                )
            except RowError:
                continue
            address = Address("https://example.test")
            document = connect(address, "t" * 60, parameters=contact.variables).encode()
            most = max(most, len(document))
    assert 45_000 < most < 60_000


def test_a_fault_of_reading_is_one_of_the_row() -> None:
    with pytest.raises(RowError, match=r"^so it is$"):
        checker().check(Row(2, "x", fault="so it is"))


def test_a_column_without_a_name_may_be_empty() -> None:
    contact, _ = checker().check(row(**{"number": ANN, "": " ", "city": ""}))
    assert contact.variables == {"city": ""}


def test_a_person_who_may_never_be_called_is_said() -> None:
    over = checker(ends_at=datetime(2026, 6, 1, 12, tzinfo=UTC))
    with pytest.raises(RowError, match=r"no moment .*, in America/Los_Angeles: give a time zone"):
        over.check(row(number=ANN))
    narrow = checker(window="09:00-10:00")
    with pytest.raises(RowError, match=r"no moment .*, in every one of [0-9]+ time zones"):
        narrow.check(row(number="+1 800 234 5678"))


@pytest.mark.parametrize("said", ["yes", " Y ", "TRUE", "1", "x"])
def test_consent_has_its_words(said: str) -> None:
    assert checker(require_consent=True).check(row(number=ANN, consent=said))


@pytest.mark.parametrize("said", ["", "perhaps"])
def test_consent_may_be_asked_for(said: str) -> None:
    with pytest.raises(RowError, match=r"^consent: "):
        checker(require_consent=True).check(row(number=ANN, consent=said))
    if not said:
        assert checker().check(row(number=ANN, consent=said))


@pytest.mark.parametrize(
    ("columns", "names", "fault"),
    [
        ({}, ("a", "b"), "which column has the numbers\\? There are 'a', 'b': name it"),
        ({"number": "x"}, ("a", "phone"), "there is no column 'x'; there are 'a', 'phone'"),
        ({}, ("phone",), "there has to be a column `consent`: there are 'phone'"),
        ({}, ("phone", "tel"), "'phone' and 'tel' may both be"),
    ],
)
def test_a_wrong_header_stops_a_file_that_has_one(
    columns: dict[str, str], names: tuple[str, ...], fault: str
) -> None:
    cells = row(**dict.fromkeys(names, ANN))
    with pytest.raises(ContactsError, match=fault):
        checker(columns, require_consent=True).check(cells)
    with pytest.raises(RowError):
        checker(columns, strict=False, require_consent=True).check(cells)


def test_the_number_is_told_as_it_was_written() -> None:
    checking = checker(strict=False)
    bad, odd = row(name="Ann", tel="12"), row(a="b")
    for wrong in (bad, odd):
        with pytest.raises(RowError):
            checking.check(wrong)
    assert (checking.written(bad), checking.written(odd)) == ("12", "")
    assert checking.written(Row(1, "x", fault="x")) == ""


def test_rows_may_all_have_other_columns() -> None:
    checking = checker(strict=False)
    for n in range(1100):
        checking.check(row(**{f"x{n}": "1", "number": ANN, "tz": "UTC"}))
