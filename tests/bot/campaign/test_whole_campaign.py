"""A campaign from its file of contacts to its export: commands, a worker, and people who talk."""

from __future__ import annotations

import asyncio
import csv
import io
import os
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

import bot.demo
from bot.phone.clip import load_clip
from bot.phone.config import PhoneConfig
from bot.phone.exchange import Exchange
from bot.phone.steps import Play, SpeakOver, WaitForBot
from tests.background import eventually
from tests.bot.running import ROOT, running_worker
from tests.vendors.twilio_rest.dialling import Dialling, DiallingConfig
from tests.vendors.twilio_rest.people import People, Person, usual
from tests.vendors.twilio_rest.running import ACCOUNT, TOKEN, TwilioServer
from tests.vendors.twilio_rest.standin import TwilioRestStandIn

pytestmark = [pytest.mark.real_time, pytest.mark.timeout(120)]

RECORDINGS = Path(bot.demo.__file__).parent
YES = load_clip(RECORDINGS / "yes.ulaw")
STOP = load_clip(RECORDINGS / "campaign" / "stop.ulaw")
OURS = "+14155550190"
ANN, BOB, CLEO, HAL = (f"+1415555{number:04}" for number in range(100, 104))
IMPATIENT = Person(steps=(SpeakOver(YES, 2_500), WaitForBot()))
PEOPLE = {
    ANN: [IMPATIENT],
    BOB: [usual("machine")],
    CLEO: [usual("busy"), IMPATIENT],
    HAL: [Person(steps=(WaitForBot(), Play(STOP), WaitForBot()))],
}
CONTACTS = f"""Name;Mobile;day
Ann;{ANN};on Friday
Bob;(415) 555-0101;on Friday
Cleo;{CLEO};on Monday
Hal;{HAL};on Monday
Ann again;{ANN};on Monday
Nobody;12;on Monday
"""
MESSAGE = "This is the Riverside Clinic. Please call us back."
OPTIONS = (
    f"--from={OURS}",
    "--region=US",
    "--dialog=script:reminder",
    "--window=00:00-24:00",
    "--days=mon-sun",
    "--retry=busy=1",
    "--voicemail=leave_message",
    f"--message={MESSAGE}",
)


@dataclass
class Site:
    """A worker, a Twilio with people, and the shell of whoever runs campaigns."""

    environment: dict[str, str]
    standin: TwilioRestStandIn
    dialling: Dialling
    api: httpx.AsyncClient

    async def run(self, *arguments: str) -> str:
        """Run `parley campaign` with these arguments; what it prints."""
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "bot", "campaign", *arguments),
            env={**os.environ, "PYTHONPATH": str(ROOT), **self.environment},
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        out, errors = await process.communicate()
        assert process.returncode == 0, errors.decode()
        return out.decode()

    async def campaign_by_api(self, name: str, contacts: str) -> str:
        """Make a campaign with these contacts; its id."""
        spec = {"name": name, "from_numbers": [OURS], "window": "00:00-24:00", "days": "mon-sun"}
        made = await self.api.post("/api/campaigns", json=spec)
        campaign = str(made.raise_for_status().json()["id"])
        path, kind = f"/api/campaigns/{campaign}/contacts", {"content-type": "text/csv"}
        (await self.api.post(path, content=contacts, headers=kind)).raise_for_status()
        return campaign

    async def is_done(self, campaign: str) -> bool:
        """Whether it is over."""
        shown = (await self.api.get(f"/api/campaigns/{campaign}")).raise_for_status()
        return bool(shown.json()["state"] == "done")

    def called(self, number: str) -> int:
        """How often Twilio took a call to a number."""
        return sum(entry.call.to_number == number for entry in self.dialling.ledger.values())


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(TwilioServer.running())
        environment = {
            "PARLEY_STATE_DIR": str(tmp_path / "state"),
            "PARLEY_TWILIO_API_URL": server.url,
            "TWILIO_ACCOUNT_SID": ACCOUNT,
            "TWILIO_AUTH_TOKEN": TOKEN,
            "PARLEY_DIAL_PER_SECOND": "5",
            "PARLEY_INBOUND_ROOM": "0",
            # All are called at once.
            "PARLEY_POCKETSPHINX_PROCESSES": "4",
        }
        # The worker's Twilio has to be there before it, and needs to know where it is.
        server.standin = TwilioRestStandIn(ACCOUNT, TOKEN)
        worker = await stack.enter_async_context(running_worker(**environment))
        exchange, phone = (
            Exchange(),
            PhoneConfig(worker.phone.public_url, TOKEN, account_sid=ACCOUNT),
        )
        dialling = Dialling(DiallingConfig(phone, None), People(PEOPLE), exchange)
        await stack.enter_async_context(dialling)
        server.standin = TwilioRestStandIn(ACCOUNT, TOKEN, exchange=exchange, dialling=dialling)
        environment["PARLEY_PUBLIC_URL"] = worker.phone.public_url
        api = httpx.AsyncClient(base_url=worker.phone.public_url, trust_env=False)
        await stack.enter_async_context(api)
        yield Site(environment, server.standin, dialling, api)


async def test_from_a_file_of_contacts_to_what_came_of_each_call(
    site: Site, tmp_path: Path
) -> None:
    contacts = tmp_path / "people.csv"
    contacts.write_text(CONTACTS, "utf-8")
    reminders = (await site.run("create", "reminders", *OPTIONS)).strip()
    assert "4 added" in await site.run("import", reminders, str(contacts))
    rejects = (tmp_path / "people.csv.rejects.csv").read_text("utf-8")
    assert [line.split(",")[0] for line in rejects.splitlines()[1:]] == ["6", "7"]
    again = await site.campaign_by_api("again", f"number\n{HAL}\n")
    await site.run("start", reminders)
    await site.run("status", reminders, "--watch")

    rows = list(csv.DictReader(io.StringIO(await site.run("export", reminders))))
    came = {(row["number"], row["outcome"]): row for row in rows}
    assert came.keys() == {
        (ANN, "answered"),
        (BOB, "message_left"),
        (CLEO, "busy"),
        (CLEO, "answered"),
        (HAL, "do_not_call"),
    }
    ann = came[ANN, "answered"]
    assert ann["result.coming"] == "yes"
    assert "caller: yes" in ann["transcript"]
    # She spoke over the question.
    assert "Will you come?" not in ann["transcript"]
    assert MESSAGE in came[BOB, "message_left"]["transcript"]

    # Who refused one campaign's call is due in another one, and is not called.
    await site.api.post(f"/api/campaigns/{again}/start")
    await eventually(lambda: site.is_done(again))
    contact = (await site.api.get(f"/api/campaigns/{again}/contacts/{HAL}")).json()
    assert contact["outcome"] == "do_not_call"
    assert [site.called(number) for number in (ANN, BOB, CLEO, HAL)] == [1, 1, 2, 1]
    assert site.standin.complaints == []
