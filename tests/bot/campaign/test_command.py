from __future__ import annotations

import asyncio
import csv
import io
import os
import subprocess
import sys
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import TypeVar

import orjson
import pytest
from rich.console import RenderableType

from bot.campaign import command, contacts_command, display
from bot.campaign.control import Controls
from bot.campaign.display import status_panel
from bot.campaign.status import Status
from bot.campaign.store import CampaignStore
from bot.campaign.types import Campaign, Limits
from bot.redis_link import StoreUnavailable
from tests.bot.commands import ROOT, Run, run

from .alive import announce

__all__ = ["run"]

FROM = "+12125550100"
ANN, BOB = "+12125550123", "+12125550134"
PEOPLE = f"Mobile;name;customer\n{ANN};Ann;=1+1\n(212) 555-0134;Bob;7\nxxx;Eve;8\n"
OPEN = ("--from", FROM, "--window", "00:00-24:00", "--days", "mon-sun", "--region", "US")

_T = TypeVar("_T")
With = Callable[[Callable[[CampaignStore], Awaitable[_T]]], _T]


@pytest.fixture
def folder(
    redis_url: str, redis_prefix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Path:
    """The working directory of somebody whose Redis has nobody else's campaigns."""
    monkeypatch.chdir(tmp_path)
    for name, value in {
        "REDIS_URL": redis_url,
        "PARLEY_REDIS_PREFIX": redis_prefix,
        "PARLEY_STATE_DIR": str(tmp_path / "state"),
        "PARLEY_PUBLIC_URL": "https://bot.example.com",
        "TWILIO_ACCOUNT_SID": "AC" + "0" * 32,
        "TWILIO_AUTH_TOKEN": "12345",
    }.items():
        monkeypatch.setenv(name, value)
    (tmp_path / "people.csv").write_text(PEOPLE)
    return tmp_path


@pytest.fixture
def kept(folder: Path, redis_url: str, redis_prefix: str) -> With[object]:
    """Do something with what is in the store."""

    def work(act: Callable[[CampaignStore], Awaitable[_T]]) -> _T:
        async def with_store() -> _T:
            store = CampaignStore(redis_url, prefix=redis_prefix, deadline_s=10)
            try:
                await announce(redis_url, redis_prefix)
                return await act(store)
            finally:
                await store.aclose()

        return asyncio.run(with_store())

    return work


def made(run: Run, *options: str) -> str:
    ran = run("campaign", "create", "autumn", *OPEN, *options)
    assert (ran.code, ran.err) == (0, "")
    return ran.out.strip()


def started(run: Run) -> str:
    """A campaign that runs, with Ann and Bob."""
    campaign = made(run)
    assert run("campaign", "import", "autumn", "people.csv", "--column", "number=Mobile").code == 0
    assert run("campaign", "start", "autumn", "--accept-loss").code == 0
    return campaign


# Making one


def test_a_campaign_is_made_of_options(run: Run, kept: With[Campaign | None]) -> None:
    campaign = made(
        run,
        *("--retry", "busy=900x2", "--retry", "no_answer=60", "--holiday", "US"),
        *("--record", "--do-not-call-digit", "off", "--attempts", "5", "--minute-usd", "0.014"),
    )
    one = kept(lambda store: store.campaign(campaign))
    assert one is not None
    spec = one.spec
    assert (spec.name, spec.from_numbers, spec.region, str(spec.window)) == (
        "autumn",
        (FROM,),
        "US",
        "00:00-24:00",
    )
    assert (spec.record, spec.do_not_call_digit, spec.attempts, spec.holidays) == (
        True,
        None,
        5,
        ("US",),
    )
    assert (spec.retry["busy"].after_s, spec.retry["busy"].times) == (900, 2)
    assert (spec.retry["no_answer"].after_s, spec.retry["no_answer"].times) == (60, None)
    assert spec.minute_usd == 0.014


def test_options_win_over_a_file(run: Run, folder: Path, kept: With[Campaign | None]) -> None:
    (folder / "autumn.toml").write_text(
        f'from_numbers = ["{FROM}"]\nattempts = 7\nattempts_per_day = 1\ndays = "mon-sat"\n'
        "[retry]\nbusy = { after_s = 60 }\n"
    )
    ran = run("campaign", "create", "autumn", "--file", "autumn.toml", "--attempts", "2")
    assert ran.code == 0
    one = kept(lambda store: store.campaign(ran.out.strip()))
    assert one is not None
    assert (one.spec.attempts, one.spec.attempts_per_day, len(one.spec.days)) == (2, 1, 6)
    assert one.spec.retry["busy"].after_s == 60


def test_every_wrong_field_has_a_line(run: Run, folder: Path) -> None:
    (folder / "autumn.toml").write_text("attempts = 0\nwidow = 3\n")
    ran = run("campaign", "create", "autumn", "--file", "autumn.toml", "--window", "9-20")
    assert (ran.code, ran.out) == (2, "")
    lines = sorted(line.removeprefix("parley campaign create: ") for line in ran.err.splitlines())
    assert [line[:40] for line in lines] == [
        "--from: is missing; it may hold your num",
        "--window: held '9-20'; write a part of o",
        "autumn.toml: attempts: held 0; it may ho",
        "autumn.toml: widow: there is no such fie",
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [(None, "cannot be read"), (b"x", "is no valid TOML"), (b"\xff", "is not UTF-8 (byte 0)")],
)
def test_a_file_that_is_none(run: Run, folder: Path, text: bytes | None, said: str) -> None:
    if text is not None:
        (folder / "autumn.toml").write_bytes(text)
    ran = run("campaign", "create", "autumn", "--file", "autumn.toml")
    assert (ran.code, ran.out) == (2, "")
    assert f"autumn.toml {said}" in ran.err


def test_a_retry_that_is_none(run: Run, folder: Path) -> None:
    for retry in ("busy", "busy=", "busy=5x", "busy=x2", "busy=1.5"):
        ran = run("campaign", "create", "autumn", *OPEN, "--retry", retry)
        assert (ran.code, "write busy=900, or busy=900x2" in ran.err) == (2, True)
    ran = run("campaign", "create", "autumn", *OPEN, "--retry", "busy=9", "--retry", "busy=8")
    assert (ran.code, "--retry is there twice for one outcome" in ran.err) == (2, True)


def test_the_help_says_what_each_field_may_hold(run: Run) -> None:
    ran = run("campaign", "create", "--help")
    assert ran.code == 0
    said = " ".join(ran.out.split())
    assert "--from NUMBER your numbers to call from, in E.164 form; repeat it for each --" in said
    assert "--voicemail hang_up|leave_message|talk what a machine gets" in said
    assert "--attempts NUMBER calls to a contact in all [default: 3]" in said
    assert "dial " in run("campaign", "--help").out


# Running one


def test_a_campaign_from_its_making_to_its_table(
    run: Run, folder: Path, kept: With[object]
) -> None:
    campaign = made(run)
    ran = run("campaign", "import", campaign, "people.csv", "--column", "number=Mobile")
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.splitlines() == [
        "3 rows: 2 added, 0 there already, 0 on the do-not-call list, 1 not valid",
        "rows that were not added, with the reason of each: people.csv.rejects.csv",
    ]
    with (folder / "people.csv.rejects.csv").open(newline="") as file:
        (reject,) = csv.DictReader(file)
    assert (reject["line"], reject["row"]) == ("4", "xxx;Eve;8")

    refused = run("campaign", "start", campaign)
    assert (refused.code, refused.out) == (1, "")
    assert refused.err.startswith("parley: this Redis has appendfsync everysec: a crash may cost")
    ran = run("campaign", "start", campaign, "--accept-loss")
    assert (ran.code, ran.out) == (0, f"{campaign} is running\n")
    assert "no worker is alive" in ran.err

    limits = Limits(None, 10, 0, 10_000)
    kept(lambda store: store.claim(campaign, ["a" * 20], limits))
    kept(lambda store: store.note("a" * 20, sid="CA1", status="completed", duration_s=100))
    kept(lambda store: store.settle("a" * 20, "answered", None, usd=0.5))
    said = [" ".join(line.split()) for line in run("campaign", "status").out.splitlines()]
    assert said[0] == f"autumn ({campaign}) running"
    assert "contacts 2 in all, 1 waiting (1 due now), 0 live, 1 done" in said
    assert "calls ended answered 1" in said
    assert "contacts done answered 1" in said
    assert "taken by a person: 100% of the calls that are over" in said
    assert "talked 1 min 40 s" in said
    assert any(line.startswith("cost $0.50, as far as it is known") for line in said)
    assert any(line.startswith("done about 20") for line in said)

    assert run("campaign", "pause", "autumn").out == f"{campaign} is paused\n"
    assert run("campaign", "resume", "autumn").out == f"{campaign} is running\n"
    assert run("campaign", "cancel", "autumn").out == f"{campaign} is canceled\n"
    assert run("campaign", "export", "autumn", "autumn.csv").code == 0
    table = folder / "autumn.csv"
    assert table.stat().st_mode & 0o777 == 0o600
    assert not list(folder.glob("autumn.csv?*"))
    with table.open(newline="") as file:
        rows = {row["number"]: row for row in csv.DictReader(file)}
    assert (rows[ANN]["variable.customer"], rows[BOB]["variable.customer"]) == ("'=1+1", "7")
    assert {row["outcome"] for row in rows.values()} == {"answered", ""}
    assert {row["contact_outcome"] for row in rows.values()} == {"answered", "canceled"}
    assert run("campaign", "export", "autumn").out.replace("\r", "") == table.read_text()

    assert run("campaign", "delete", "autumn").code == 2
    assert run("campaign", "delete", "autumn", "--yes").out == (
        "deleted a campaign with 2 contacts\n"
    )
    assert orjson.loads(run("campaign", "list", "--json").out) == {"campaigns": []}


def test_the_same_file_twice_changes_nothing(run: Run, folder: Path) -> None:
    made(run)
    for added, known in ((2, 0), (0, 2)):
        ran = run("campaign", "import", "autumn", "people.csv", "--column", "number=Mobile")
        assert ran.code == 0
        assert f"3 rows: {added} added, {known} there already" in ran.out


def test_an_import_without_rejects_leaves_no_list_of_them(run: Run, folder: Path) -> None:
    made(run)
    (folder / "people.jsonl").write_bytes(orjson.dumps({"number": ANN}))
    ran = run("campaign", "import", "autumn", "people.jsonl")
    assert (ran.code, ran.out[:14]) == (0, "1 row: 1 added")
    assert not list(folder.glob("*.rejects.csv"))


def test_on_a_terminal_a_bar_shows_how_far_it_is(
    run: Run, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made(run)
    monkeypatch.setenv("FORCE_COLOR", "1")  # so rich takes any stream for a terminal
    ran = run("campaign", "import", "autumn", "people.csv", "--column", "number=Mobile")
    assert (ran.code, "people.csv" in ran.err) == (0, True)


@pytest.mark.parametrize(
    ("options", "code", "said"),
    [
        (["--column", "Mobile"], 2, "write number=Mobile"),
        (["--delimiter", ";;"], 2, "the delimiter is one character"),
        (["--encoding", "klingon"], 2, "there is no text encoding"),
        (["--encoding", "utf-16"], 1, "the text is not utf-16"),
        (["--column", "foo=Mobile"], 2, "there is no field 'foo'"),
        (["--rejects", "./people.csv"], 2, "--rejects would write over FILE"),
        (["--rejects", "/nonexistent/rejects"], 2, "the rejects cannot be written"),
    ],
)
def test_an_import_that_is_none(
    run: Run, folder: Path, options: list[str], code: int, said: str
) -> None:
    made(run)
    ran = run("campaign", "import", "autumn", "people.csv", *options)
    assert (ran.code, said in ran.err) == (code, True), ran.err
    assert (folder / "people.csv").read_text() == PEOPLE
    assert run("campaign", "import", "autumn", "nowhere.csv").code == 2
    assert not list(folder.glob("nowhere*"))
    assert not list(folder.glob("*.rejects.csv"))


def test_contacts_from_a_pipe(run: Run, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made(run)
    monkeypatch.setattr(contacts_command, "STDIN", folder / "pipe")
    os.mkfifo(folder / "pipe")
    asked = ("campaign", "import", "autumn", "-", "--column", "number=Mobile")
    ran = run(*asked)
    assert (ran.code, "--rejects" in ran.err) == (2, True)
    with ThreadPoolExecutor() as thread:
        thread.submit((folder / "pipe").write_text, PEOPLE)
        ran = run(*asked, "--rejects", "rejects.csv")
    assert (ran.code, ran.out[:15]) == (0, "3 rows: 2 added")
    assert (folder / "rejects.csv").exists()


def test_status_as_json(run: Run, folder: Path) -> None:
    campaign = started(run)
    values = orjson.loads(run("campaign", "status", campaign, "--json").out)
    assert (values["id"], values["state"], values["progress"]["waiting"]) == (
        campaign,
        "running",
        2,
    )
    assert orjson.loads(run("campaign", "status", "--json").out)["campaigns"][0]["id"] == campaign
    run("campaign", "cancel", campaign)
    nobody = run("campaign", "status")
    assert (nobody.code, nobody.out) == (0, "")
    assert "no campaign runs" in nobody.err
    listed = run("campaign", "list").out.splitlines()
    assert listed[1].split()[:2] == [campaign, "canceled"]


def test_one_may_watch_it_until_it_is_over(
    run: Run, folder: Path, kept: With[object], monkeypatch: pytest.MonkeyPatch
) -> None:
    campaign = started(run)
    monkeypatch.setattr(command, "is_terminal", lambda stream: True)
    monkeypatch.setattr(command, "REFRESH_S", 0.01)
    shown: list[str] = []

    def show(status: Status) -> RenderableType:
        shown.append(status.campaign.state)
        cancel = partial(CampaignStore.change, campaign=campaign, to="canceled")
        with ThreadPoolExecutor() as thread:
            thread.submit(kept, lambda store: cancel(store, allowed=["running"])).result()
        return status_panel(status)

    monkeypatch.setattr(display, "status_panel", show)
    ran = run("campaign", "status", "autumn", "--watch")
    assert (ran.code, shown) == (0, ["running", "canceled"])
    assert f"autumn ({campaign}) canceled" in ran.out


@pytest.mark.parametrize("options", [(), ("--json",)])
def test_in_a_pipe_one_waits_for_its_end(
    run: Run,
    folder: Path,
    kept: With[object],
    monkeypatch: pytest.MonkeyPatch,
    options: tuple[str, ...],
) -> None:
    campaign = started(run)
    monkeypatch.setattr(command, "REFRESH_S", 0.01)
    cancel = partial(CampaignStore.change, campaign=campaign, to="canceled")
    looked, look = [], Controls.status

    async def status(self: Controls, one: Campaign) -> Status:
        looked.append(one.state)
        if len(looked) == 2:
            raise StoreUnavailable("Redis: TimeoutError")
        if len(looked) == 3:
            with ThreadPoolExecutor() as thread:
                thread.submit(kept, lambda store: cancel(store, allowed=["running"])).result()
        return await look(self, one)

    monkeypatch.setattr(Controls, "status", status)
    ran = run("campaign", "status", "autumn", "--watch", *options)
    assert (ran.code, looked) == (0, ["running", "running", "running", "canceled"])
    if options:
        assert orjson.loads(ran.out)["state"] == "canceled"
    else:
        assert ran.out.count("autumn") == 1
        assert ran.out.startswith(f"autumn ({campaign}) canceled")
    run("campaign", "delete", campaign, "--yes")
    nobody = run("campaign", "status", "--watch")
    assert (nobody.code, "no campaign runs" in nobody.err) == (0, True)


@pytest.mark.parametrize("options", [(), ("--json",)])
def test_in_a_pipe_one_does_not_wait_for_who_has_to_mend_it(
    run: Run,
    folder: Path,
    kept: With[Campaign | None],
    monkeypatch: pytest.MonkeyPatch,
    options: tuple[str, ...],
) -> None:
    campaign = started(run)
    monkeypatch.setattr(command, "REFRESH_S", 0.01)
    run("campaign", "pause", campaign)
    looked, look = [], Controls.status

    async def status(self: Controls, one: Campaign) -> Status:
        looked.append((one.state, one.by_owner))
        if len(looked) == 3:
            with ThreadPoolExecutor() as thread:
                thread.submit(kept, breaks).result()
        return await look(self, one)

    async def breaks(store: CampaignStore) -> Campaign | None:
        await store.change(campaign, "running", allowed=["paused"])
        return await store.change(campaign, "paused", allowed=["running"], reason="it broke")

    monkeypatch.setattr(Controls, "status", status)
    ran = run("campaign", "status", "--watch", *options)
    assert looked == [("paused", True)] * 3 + [("paused", False)]
    assert (ran.code, ran.err) == (1, f"parley campaign: {campaign} is paused: it broke\n")
    if options:
        assert orjson.loads(ran.out)["campaigns"][0]["state"] == "paused"
    else:
        assert ran.out.startswith(f"autumn ({campaign}) paused")
    # Without --watch it is no fault.
    assert run("campaign", "status", campaign).code == 0


def test_a_redis_of_our_own_is_made_to_keep_everything(
    run: Run, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("REDIS_URL")
    campaign = made(run)
    run("campaign", "import", campaign, "people.csv", "--column", "number=Mobile")
    ran = run("campaign", "start", campaign)
    assert (ran.code, ran.out) == (0, f"{campaign} is running\n")
    assert not orjson.loads(run("campaign", "list", "--json").out)["campaigns"][0]["accepted_loss"]


# What goes wrong


@pytest.mark.parametrize("act", ["start", "pause", "resume", "cancel", "status", "export"])
def test_there_is_no_such_campaign(run: Run, folder: Path, act: str) -> None:
    ran = run("campaign", act, "winter")
    assert (ran.code, ran.out) == (1, "")
    assert ran.err == "parley: there is no campaign 'winter'; see parley campaign list\n"


def test_without_any_redis_there_are_none(
    run: Run, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("REDIS_URL")
    for args in (("list",), ("do-not-call", "list")):
        ran = run("campaign", *args)
        assert ran.code == 0
        assert "there are no campaigns: nothing is kept in" in ran.err
    assert run("campaign", "status").code == 1
    assert not (folder / "state").exists()
    monkeypatch.setenv("REDIS_URL", "unix:///nonexistent/redis.sock")
    for args in (("list",), ("do-not-call", "list")):
        ran = run("campaign", *args)
        assert (ran.code, ran.out, "is it running?" in ran.err) == (1, "", True)


def test_a_redis_that_refuses_is_not_called_away(
    run: Run, folder: Path, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    wrong = redis_url.replace("://", "://nobody:s3cret@")
    monkeypatch.setenv("REDIS_URL", wrong)
    ran = run("campaign", "list")
    assert ran.code == 1
    assert "refuses what was asked of it (" in ran.err
    assert "look at user, password, database and rights in REDIS_URL" in ran.err
    assert "s3cret" not in ran.err


def test_a_table_that_cannot_be_written(run: Run, folder: Path) -> None:
    started(run)
    ran = run("campaign", "export", "autumn", "/nonexistent/autumn.csv")
    assert ran.code == 1
    assert (
        ran.err == "parley: /nonexistent/autumn.csv cannot be written: No such file or directory\n"
    )


def test_a_table_that_nobody_reads_to_its_end(run: Run, folder: Path) -> None:
    started(run)
    args = (sys.executable, "-m", "bot", "campaign", "export", "autumn")
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(
        args, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        said = process.stderr.read()
    assert (process.returncode, said) == (1, b"parley: the table was not read to its end\n")


# Do not call


def test_the_do_not_call_list(run: Run, folder: Path) -> None:
    ran = run("campaign", "do-not-call", "add", "+1 (212) 555-0123", ANN)
    assert (ran.code, ran.out) == (0, "1 number added, 1 there already\n")
    (folder / "never.csv").write_text(f"number,since\n{BOB},2020\n\n212 555\n{ANN};\n")
    ran = run("campaign", "do-not-call", "import", "never.csv")
    assert (ran.code, ran.out) == (1, "1 number added, 1 there already, 1 not valid\n")
    assert ran.err == "parley campaign: never.csv:4 is no number\n"

    rows = list(csv.DictReader(io.StringIO(run("campaign", "do-not-call", "list").out)))
    assert {(row["number"], row["source"]) for row in rows} == {(ANN, "command"), (BOB, "command")}
    listed = orjson.loads(run("campaign", "do-not-call", "list", "--json").out)["numbers"]
    assert {entry["number"] for entry in listed} == {ANN, BOB}
    made(run)
    imported = run("campaign", "import", "autumn", "people.csv", "--column", "number=Mobile").out
    assert "0 added, 0 there already, 2 on the do-not-call list, 1 not valid" in imported

    ran = run("campaign", "do-not-call", "remove", ANN, "+19995550100")
    assert (ran.code, ran.out) == (1, "1 number removed\n")
    assert ran.err == "parley campaign: +19995550100 is not on the list\n"
    assert run("campaign", "do-not-call", "add", "212555").code == 2
