from __future__ import annotations

import asyncio
import tracemalloc
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from bot.campaign.importing import (
    ContactsError,
    Imported,
    Reject,
    RejectsFile,
    import_contacts,
    read_file,
)
from bot.campaign.spec import DAYS, CampaignSpec
from bot.campaign.store import CampaignStore
from bot.campaign.types import Campaign, NewContact, NoConsent, Plan
from bot.store import StoreUnavailable

from ..campaigns import MINUTE_MS, Clock

FROM = "+442079460018"
HEADER = "Phone,Name,Time zone,City\n"


async def new(store: CampaignStore, **spec: Any) -> Campaign:
    return await store.create(CampaignSpec(name="x", from_numbers=(FROM,), region="US", **spec))


async def pieces(*parts: str | bytes) -> AsyncIterator[bytes]:
    for part in parts:
        yield part.encode() if isinstance(part, str) else part


class Told:
    """Keeps what was rejected."""

    def __init__(self) -> None:
        self.rejects: list[Reject] = []

    async def write(self, rejects: Sequence[Reject]) -> None:
        self.rejects += rejects


def phone(n: int) -> str:
    return f"+1415{2000000 + n}"


async def test_a_file_becomes_contacts(campaigns: CampaignStore, tmp_path: Path) -> None:
    campaign, file, told = await new(campaigns), tmp_path / "people.csv", Told()
    file.write_text(f'{HEADER}(415) 555-2671,Ann,Europe/Paris,"a, b"\n415 555 2672,,,\n12,Bob,,\n')
    imported = await import_contacts(campaigns, campaign, read_file(file), rejects=told)
    assert imported == Imported(rows=3, added=2, invalid=1, bytes=file.stat().st_size)
    assert imported.rejected == 1
    assert told.rejects == [Reject(4, "12", "number: there is no such number", "12,Bob,,")]
    ann = await campaigns.contact(campaign.id, "+14155552671")
    assert ann is not None
    assert ann.plan is not None
    assert (ann.name, ann.zones, ann.variables, ann.state) == (
        "Ann", ("Europe/Paris",), {"City": "a, b"}, "waiting",
    )  # fmt: skip


async def test_the_same_again_changes_nothing(campaigns: CampaignStore) -> None:
    campaign, told = await new(campaigns), Told()
    text = HEADER + "".join(f"{phone(n)},Ann,,\n" for n in range(1500)) + f"{phone(0)},Bob,,\n"
    first = await import_contacts(campaigns, campaign, pieces(text), rejects=told)
    assert first == Imported(1501, added=1500, duplicates=1, bytes=len(text))
    (twice,) = told.rejects
    assert (twice.line, twice.number) == (1502, phone(0))
    assert twice.reason == "the number is in the campaign already, or earlier in this file"
    progress = await campaigns.progress(campaign.id)
    again = await import_contacts(campaigns, campaign, pieces(text), rejects=told)
    assert again == Imported(1501, duplicates=1501, bytes=len(text))
    assert await campaigns.progress(campaign.id) == progress
    ann = await campaigns.contact(campaign.id, phone(0))
    assert ann is not None
    assert ann.name == "Ann"


async def test_numbers_of_the_do_not_call_list_are_told(campaigns: CampaignStore) -> None:
    campaign, told = await new(campaigns), Told()
    await campaigns.do_not_call(phone(1), "test")
    text = f"number\n{phone(1)}\n{phone(2)}\n"
    imported = await import_contacts(campaigns, campaign, pieces(text), rejects=told)
    assert (imported.added, imported.do_not_call) == (1, 1)
    assert [(r.line, r.reason) for r in told.rejects] == [
        (2, "the number is on the do-not-call list")
    ]


async def test_a_no_that_is_said_later_counts(campaigns: CampaignStore) -> None:
    campaign, told = await new(campaigns), Told()
    text = f"number,consent\n{phone(0)},yes\n{phone(1)},yes\n"
    assert (await import_contacts(campaigns, campaign, pieces(text))).added == 2
    # The later line decides; the first line is of nobody who is there.
    text = f"number,consent\n{phone(2)},no\n{phone(0)},no\n{phone(3)},yes\n{phone(3)},no\n"
    for added in (1, 0):
        told.rejects.clear()
        imported = await import_contacts(campaigns, campaign, pieces(text), rejects=told)
        assert imported == Imported(
            4, added=added, duplicates=1 - added, withdrawn=2, invalid=1, bytes=len(text)
        )
        reasons = {r.line: (r.number, r.reason) for r in told.rejects}
        assert reasons[2] == (phone(2), "consent: they have not consented")
        gone = f"{reasons[2][1]}; they are in the campaign, and are not called any more"
        assert (reasons[3], reasons[5]) == ((phone(0), gone), (phone(3), gone))
    progress = await campaigns.progress(campaign.id)
    assert (progress.contacts, progress.waiting) == (3, 1)
    assert progress.contact_outcomes == {"no_consent": 2}


async def test_rejects_come_in_the_order_of_their_lines(campaigns: CampaignStore) -> None:
    campaign, told = await new(campaigns), Told()
    text = f'number\n{phone(1)}\n12\n{phone(1)}\n"x\n{phone(2)}\n{phone(1)}'
    await import_contacts(campaigns, campaign, pieces(text), rejects=told)
    assert [r.line for r in told.rejects] == [3, 4, 5, 7]


async def test_json_lines_are_read_as_they_come(campaigns: CampaignStore) -> None:
    campaign, told = await new(campaigns), Told()
    parts = ['{"number": 141555', '52671, "name": "Zo\\u00eb", "age": 7}\r', "\n\n[]\n{}\n"]
    imported = await import_contacts(
        campaigns, campaign, pieces(*parts), kind="jsonl", rejects=told
    )
    assert (imported.rows, imported.added) == (3, 1)
    assert [(r.line, r.reason) for r in told.rejects] == [
        (3, "the line is no JSON object"),
        (4, "number: there is no number"),
    ]
    zoe = await campaigns.contact(campaign.id, "+14155552671")
    assert zoe is not None
    assert (zoe.name, zoe.variables) == ("Zoë", {"age": "7"})


HOSTILE = (
    b"\xef\xbb\xbfPhone;Name;Note\r\n"
    b"=HYPERLINK(1);x;y\r"
    b"+14155552671;=cmd|' /C calc'!A0;ok\n"
    b"+14155552672;a\0b;ok\r\n"
    b"+14155552673;" + b"x" * 1_000_000 + b";ok\n"
    b'+14155552674;"never closed;ok\r'
    b"+14155552675;too;many;columns\n"
    b"+14155552676;few\r\n"
    b"\r\n"
    b'"+14155552677";"two\r\nlines";"ok"'
)


@pytest.mark.parametrize("size", [7, 4096, 1 << 21])
async def test_a_hostile_file_loses_nothing_silently(
    campaigns: CampaignStore, tmp_path: Path, size: int
) -> None:
    campaign, file = await new(campaigns), tmp_path / "rejects.csv"
    # Only the field of a megabyte is too long to be fed in pieces of a few bytes.
    hostile = HOSTILE.replace(b"x" * 1_000_000, b"x" * 40_000) if size == 7 else HOSTILE
    parts = [hostile[at : at + size] for at in range(0, len(hostile), size)]
    async with RejectsFile(file) as rejects:
        imported = await import_contacts(campaigns, campaign, pieces(*parts), rejects=rejects)
    assert (imported.rows, imported.added, imported.invalid) == (8, 2, 6)
    told = file.read_bytes().decode().split("\r\n")
    assert told[0] == "line,number,reason,row"
    assert [line[:50] for line in told[1:]] == [
        "2,'=HYPERLINK(1),number: it is no telephone number",
        '4,,the row has a NUL byte,"\'+14155552672;a␀b;ok"'[:50],
        "5,,the row is longer than 32768 characters,\"'+1415",
        '6,,"a quote is not closed, or something comes after '[:50],
        '7,,"the row has 4 columns, not 3","\'+14155552675;t'[:50],
        '8,,"the row has 2 columns, not 3","\'+14155552676;f'[:50],
        "",
    ]
    assert len(max(told, key=len)) < 33_000
    seven = await campaigns.contact(campaign.id, "+14155552677")
    assert seven is not None
    assert seven.name == "two\nlines"


async def test_memory_does_not_grow_with_the_file(campaigns: CampaignStore) -> None:
    campaign = await new(campaigns)

    async def endless() -> AsyncIterator[bytes]:
        yield b"number,name\n"
        for n in range(150):
            if n == 50:
                tracemalloc.start()
            # Long lines that do not end, quotes that are not closed, and short rows.
            yield b'12,"' + b"x" * 30_000 + (b"\n12,x" * 30 if n % 40 else b"\n12,x")

    try:
        imported = await import_contacts(campaigns, campaign, endless())
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert imported.bytes > 4_500_000
    assert imported.rows == imported.invalid > 4_000
    assert peak < 3_000_000


async def test_progress_is_told(campaigns: CampaignStore) -> None:
    campaign, seen = await new(campaigns), list[Imported]()
    text = "number\n" + "12\n" * 600
    done = await import_contacts(campaigns, campaign, pieces(text), on_progress=seen.append)
    assert [imported.rows for imported in seen] == [250, 500, 600]
    assert seen[-1] == done


async def test_others_get_on_meanwhile(campaigns: CampaignStore) -> None:
    campaign, rounds = await new(campaigns), 0

    async def other() -> None:
        nonlocal rounds
        while True:
            rounds += 1
            await asyncio.sleep(0)

    async with asyncio.TaskGroup() as group:
        busy = group.create_task(other())
        await import_contacts(campaigns, campaign, pieces("number\n" + "12\n" * 240))
        busy.cancel()
    assert rounds >= 240 // 20


async def test_a_campaign_that_is_over_takes_nobody(campaigns: CampaignStore) -> None:
    campaign = await new(campaigns)
    canceled = await campaigns.change(campaign.id, "canceled", allowed=["draft"])
    assert canceled is not None
    with pytest.raises(ContactsError, match="the campaign is canceled: make a new one"):
        await import_contacts(campaigns, canceled, pieces("number\n"))
    with pytest.raises(ContactsError, match=r"is over, or unknown$"):
        await import_contacts(campaigns, campaign, pieces(f"number\n{phone(1)}"))


async def test_what_stops_it_says_how_far_it_came(campaigns: CampaignStore) -> None:
    campaign = await new(campaigns)
    text = "number,name\n" + "".join(f"{phone(n)},Ann\n" for n in range(600))
    with pytest.raises(ContactsError) as raised:
        await import_contacts(campaigns, campaign, pieces(text, b"12,Jos\xe9\n"))
    assert str(raised.value).startswith("line 602: byte 0xe9 at offset")
    assert "of 500 rows 500 contacts were added, and stay" in str(raised.value)
    again = await import_contacts(campaigns, campaign, pieces(text))
    assert (again.added, again.duplicates) == (100, 500)


async def test_what_stops_it_closes_the_source(campaigns: CampaignStore) -> None:
    closed = False

    async def source() -> AsyncIterator[bytes]:
        nonlocal closed
        try:
            yield b"name\nAnn\n"
            yield b"Bob\n"
        finally:
            closed = True

    with pytest.raises(ContactsError, match="which column has the numbers"):
        await import_contacts(campaigns, await new(campaigns), source())
    assert closed


async def test_a_file_that_is_not_there_is_said(campaigns: CampaignStore, tmp_path: Path) -> None:
    with pytest.raises(ContactsError, match=r"none\.csv cannot be read: No such file"):
        await import_contacts(campaigns, await new(campaigns), read_file(tmp_path / "none.csv"))


async def test_a_full_disk_loses_nobody(campaigns: CampaignStore) -> None:
    campaign = await new(campaigns)
    text = f"number\n{phone(1)}\n12\n"
    with pytest.raises(ContactsError, match="written to /dev/full: No space left on device"):
        async with RejectsFile(Path("/dev/full")):
            pass

    class Full(Told):
        async def write(self, rejects: Sequence[Reject]) -> None:
            raise ContactsError("No space left on device")

    with pytest.raises(ContactsError, match="of 2 rows 1 contacts were added, and stay"):
        await import_contacts(campaigns, campaign, pieces(text), rejects=Full())
    assert await campaigns.contact(campaign.id, phone(1))


async def test_rejects_that_cannot_be_kept_are_said_at_once(tmp_path: Path) -> None:
    with pytest.raises(ContactsError, match=f"rejects cannot be written to {tmp_path}: Is a dir"):
        async with RejectsFile(tmp_path):
            pass


async def test_rejects_are_for_their_owner_alone(tmp_path: Path) -> None:
    file = tmp_path / "rejects.csv"
    async with RejectsFile(file) as rejects:
        await rejects.write([Reject(1, "", "", "")])
        assert file.stat().st_mode & 0o77 == 0


async def test_an_import_that_fails_leaves_the_rejects_of_another(tmp_path: Path) -> None:
    file = tmp_path / "rejects.csv"
    file.write_text("of another")
    with pytest.raises(ContactsError, match="away"):
        async with RejectsFile(file):
            raise ContactsError("away")
    assert file.read_text() == "of another"
    async with RejectsFile(file):
        pass
    assert file.read_text().startswith("line,number,")


async def test_plans_are_made_from_the_present_time(
    campaigns: CampaignStore, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.campaign.importing.contacts.NOW_MS", 0)
    campaign = await new(campaigns, days=list(DAYS))

    def a_day_passes(imported: Imported) -> None:
        clock.pass_ms(24 * 60 * MINUTE_MS)

    text = f"number,tz\n{phone(1)},UTC\n" + "12,\n" * 250 + f"{phone(2)},UTC\n"
    await import_contacts(campaigns, campaign, pieces(text), on_progress=a_day_passes)
    first, second = [await campaigns.contact(campaign.id, phone(n)) for n in (1, 2)]
    assert first is not None
    assert second is not None
    assert first.plan is not None
    assert second.plan is not None
    assert second.plan.due_ms - first.plan.due_ms == 24 * 60 * MINUTE_MS


class Slow(CampaignStore):
    """A Redis that does not answer in time, though it does what it is asked."""

    failures = 1

    async def add(
        self, campaign: str, contacts: Sequence[tuple[NewContact, Plan] | NoConsent]
    ) -> Any:
        results = await super().add(campaign, contacts)
        if self.failures:
            self.failures -= 1
            raise StoreUnavailable("Redis: TimeoutError")
        return results


async def test_a_redis_that_is_slow_is_asked_again(
    redis_url: str, redis_prefix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.campaign.importing.contacts.AGAIN_S", 0)
    store, told = Slow(redis_url, prefix=redis_prefix, deadline_s=10), Told()
    try:
        campaign, text = await new(store), f"number\n{phone(1)}\n"
        imported = await import_contacts(store, campaign, pieces(text), rejects=told)
        assert (imported.added, imported.duplicates) == (0, 1)
        assert told.rejects[0].reason.endswith("(Redis was slow: perhaps from this very row)")
        store.failures = 100
        with pytest.raises(StoreUnavailable, match=r"TimeoutError$"):
            await import_contacts(store, campaign, pieces(text))
    finally:
        await store.aclose()
