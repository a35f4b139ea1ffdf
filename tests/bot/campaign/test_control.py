from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from redis.asyncio import Redis

from bot.campaign.control import ControlError, Controls, NotFound, Refused
from bot.campaign.dialogs import check_named
from bot.campaign.spec import CampaignSpec
from bot.campaign.store import CampaignStore
from bot.campaign.types import Campaign
from bot.dialog.types import DialogError
from bot.settings import Settings
from bot.store import Store

from .alive import announce
from .campaigns import FROM, Clock, claimed, people

ACCOUNT = {"twilio_account_sid": "AC" + "0" * 32, "twilio_auth_token": "12345"}
Make = Callable[..., Controls]


@pytest.fixture
def make(campaigns: CampaignStore, store: Store, redis_url: str, tmp_path: Path) -> Make:
    """Make the controls of a deployment with these settings, and that Redis."""

    def controls(
        campaigns: CampaignStore = campaigns, url: str = redis_url, **values: Any
    ) -> Controls:
        settings = Settings.model_validate(
            {
                "public_url": "https://bot.example.com",
                "state_dir": tmp_path,
                "redis_url": url,
                **ACCOUNT,
                **values,
            }
        )
        return Controls(settings, campaigns, store, url)

    return controls


async def draft(campaigns: CampaignStore, contacts: int = 1, **spec: Any) -> Campaign:
    fields = {"name": "Test", "from_numbers": [FROM], **spec}
    made = await campaigns.create(CampaignSpec.model_validate(fields))
    if contacts:
        await campaigns.add(made.id, people(contacts))
    return made


async def faults(act: Awaitable[object]) -> tuple[str, ...]:
    with pytest.raises(Refused) as caught:
        await act
    return caught.value.faults


async def test_a_campaign_is_started_paused_resumed_and_canceled(
    campaigns: CampaignStore, make: Make
) -> None:
    controls = make()
    one = await controls.start(await draft(campaigns), accept_loss=True)
    assert (one.state, one.accepted_loss) == ("running", True)
    assert (await controls.start(one)).state == "running"
    one = await controls.pause(one, "paused by hand")
    assert (one.state, one.reason) == ("paused", "paused by hand")
    assert await faults(controls.start(one)) == ("it is paused: resume it",)
    # The loss was accepted with the start.
    one = await controls.resume(one)
    assert (one.state, one.reason, one.accepted_loss) == ("running", "", True)
    assert await faults(controls.delete(one)) == ("it runs: pause or cancel it first",)
    one = await controls.cancel(one, "canceled by hand")
    assert (await controls.cancel(one, "again")).reason == "canceled by hand"
    assert await faults(controls.resume(one)) == ("it is canceled: create another",)
    assert await faults(controls.pause(one, "")) == ("it is canceled: create another",)
    await controls.delete(one)
    with pytest.raises(NotFound):
        await controls.find(one.id)
    with pytest.raises(NotFound):
        await controls.cancel(one, "")


async def test_what_could_call_nobody_is_not_made(campaigns: CampaignStore, make: Make) -> None:
    fields = {"name": "Test", "from_numbers": [FROM]}
    past = CampaignSpec.model_validate({**fields, "ends_at": "2026-11-20T10:00:00Z"})
    assert await faults(make().create(past)) == ("ends_at is past",)
    made = await make().create(CampaignSpec.model_validate(fields))
    assert await campaigns.campaigns() == [made]


async def test_a_draft_is_neither_paused_nor_resumed(campaigns: CampaignStore, make: Make) -> None:
    one = await draft(campaigns)
    for act in (make().pause(one, ""), make().resume(one)):
        assert await faults(act) == ("it has not been started: start it",)


async def test_what_is_live_is_not_deleted(campaigns: CampaignStore, make: Make) -> None:
    one = await make().start(await draft(campaigns), accept_loss=True)
    await claimed(campaigns, one)
    one = await make().cancel(one, "")
    assert await faults(make().delete(one)) == ("calls of it are not over yet: try again soon",)


async def test_what_a_campaign_lacks_is_said_all_at_once(
    campaigns: CampaignStore, make: Make
) -> None:
    one = await draft(
        campaigns,
        contacts=0,
        webhook_url="https://example.com",
        dialog="script:nowhere.toml",
        ends_at="2026-11-20T10:00:00Z",
    )
    found = await faults(make(twilio_account_sid=None).start(one))
    assert [fault[:24] for fault in found] == [
        "it has no contacts: parl",
        "its ends_at, 2026-11-20T",
        "its webhook_url asks for",
        "nothing can be dialled w",
        "script nowhere.toml: can",
        "this Redis has appendfsy",
    ]
    assert found[-1].endswith(
        "somebody dialled in it may be dialled again; set appendfsync always;"
        " or accept that: --accept-loss, over the API accept_loss"
    )
    assert (await campaigns.progress(one.id)).live == 0
    again = await campaigns.campaign(one.id)
    assert again is not None
    assert again.state == "draft"


@pytest.mark.parametrize(
    ("api_url", "reached"),
    [(None, False), ("https://api.example.com", False), ("http://127.0.0.1:1", True)],
)
async def test_twilio_must_reach_the_workers(
    campaigns: CampaignStore, make: Make, api_url: str | None, reached: bool
) -> None:
    controls = make(public_url="http://127.0.0.1:8080", twilio_api_url=api_url)
    one = await draft(campaigns)
    if reached:
        assert (await controls.start(one, accept_loss=True)).state == "running"
    else:
        (fault,) = await faults(controls.start(one, accept_loss=True))
        assert fault.startswith("Twilio does not reach http://127.0.0.1:8080: set PARLEY_PUBLIC_U")


async def test_the_dialogs_of_its_numbers_must_be_there(
    campaigns: CampaignStore, make: Make
) -> None:
    one = await draft(campaigns)
    numbers = {FROM: {"dialog": "nowhere:dialog"}}
    (fault,) = await faults(make(numbers=numbers).start(one, accept_loss=True))
    assert "no module 'nowhere'" in fault
    (fault,) = await faults(make(dialog="http:https://example.com/").start(one, accept_loss=True))
    assert "PARLEY_HTTP_SECRET" in fault


def test_a_stranger_may_name_the_dialogs_of_the_settings_alone(tmp_path: Path) -> None:
    settings = Settings.model_validate(
        {
            "public_url": "https://bot.example.com",
            "state_dir": tmp_path,
            "numbers": {FROM: {"dialog": "script:booking"}, "+15550002222": {"language": "de"}},
        }
    )

    def naming(dialog: str | None) -> CampaignSpec:
        return CampaignSpec(name="Test", from_numbers=(FROM,), dialog=dialog)

    for dialog in (None, "echo", "script:booking"):
        check_named(settings, naming(dialog))
    with pytest.raises(DialogError, match="may be one of: echo, script:booking; parley campaign"):
        check_named(settings, naming("os:system"))


async def test_a_campaign_is_found_by_id_or_name(
    campaigns: CampaignStore, make: Make, clock: Clock
) -> None:
    first = await draft(campaigns, name="autumn")
    assert await make().find(first.id) == await make().find("autumn") == first
    clock.pass_ms(1)
    second = await draft(campaigns, name="autumn")
    with pytest.raises(NotFound, match=f"name one by its id.*{second.id}, {first.id}"):
        await make().find("autumn")
    await make().cancel(first, "")
    assert await make().find("autumn") == second
    for nobody in ("winter", f"{first.id}:live", "*", ""):
        with pytest.raises(ControlError, match="there is no campaign"):
            await make().find(nobody)
        assert await make().by_id(nobody) is None


async def test_a_loss_that_nobody_has_to_fear_is_not_accepted(
    campaigns: CampaignStore, store: Store, make: Make, own_redis: str, tmp_path: Path
) -> None:
    settings = Settings.model_validate(
        {"public_url": "https://bot.example.com", "state_dir": tmp_path, **ACCOUNT}
    )
    durable = Controls(settings, campaigns, store, own_redis)
    one = await durable.start(await draft(campaigns), accept_loss=True)
    assert not one.accepted_loss
    one = await make().resume(await durable.pause(one, ""), accept_loss=True)
    assert one.accepted_loss
    one = await durable.resume(await durable.pause(one, ""))
    assert not one.accepted_loss


async def test_what_keeps_a_campaign_from_going_on_is_said(
    campaigns: CampaignStore, make: Make, redis: Redis, redis_prefix: str
) -> None:
    one = await draft(campaigns)
    assert (await make().status(one)).warnings == ()
    one = await make().start(one, accept_loss=True)
    assert (await make().status(one)).warnings == ("this Redis is not durable, which was accepted",)
    await redis.delete(f"{redis_prefix}workers")
    warnings = (await make(dialer=False).status(one)).warnings
    assert [warning[:18] for warning in warnings] == [
        "no worker is alive",
        "PARLEY_DIALER is o",
        "this Redis is not ",
    ]


async def test_what_a_failover_may_cost_is_said_and_no_reason_not_to_dial(
    store: Store, make: Make, own_redis: str
) -> None:
    campaigns = CampaignStore(own_redis, deadline_s=10)
    controls = make(campaigns=campaigns, url=own_redis)
    one = await controls.start(await draft(campaigns), accept_loss=True)
    accepted = "this Redis is not durable, which was accepted"
    assert (await controls.status(one)).warnings == (accepted,)
    reading, replica = await asyncio.open_unix_connection(urlsplit(own_redis).path)
    # So the oldest replicas begin.
    replica.write(b"SYNC\r\n")
    await reading.read(1)
    *_, warning = (await controls.status(await controls.resume(one))).warnings
    assert warning.startswith("this Redis has replicas, or is one: a failover may lose")
    replica.close()
    await replica.wait_closed()
    async with Redis.from_url(own_redis) as redis:
        await redis.replicaof("127.0.0.1", "1")
        assert (await controls.status(one)).warnings == (accepted, warning)
        await redis.replicaof("NO", "ONE")
        assert (await controls.status(one)).warnings == (accepted,)
        await redis.acl_setuser("default", True, keys="*", commands=["+@all", "-info"])
        assert (await controls.status(one)).warnings == (accepted,)
    await campaigns.aclose()


async def test_that_the_workers_never_have_room_is_said(
    campaigns: CampaignStore, make: Make, redis_url: str, redis_prefix: str
) -> None:
    one = await make().start(await draft(campaigns), accept_loss=True)
    await announce(redis_url, redis_prefix, max_calls=1)
    assert "PARLEY_INBOUND_ROOM" in (await make().status(one)).warnings[0]
    await announce(redis_url, redis_prefix, max_calls=2)
    assert len((await make().status(one)).warnings) == 1


@pytest.mark.parametrize(
    ("obstacle", "named"),
    [
        ("inbound", "PARLEY_INBOUND_ROOM"),
        ("account_concurrency", "PARLEY_DIAL_MAX_CALLS"),
        ("twilio", "Twilio"),
    ],
)
async def test_why_nobody_is_dialled_is_said(
    campaigns: CampaignStore, make: Make, obstacle: str, named: str
) -> None:
    one = await make().start(await draft(campaigns), accept_loss=True)
    await campaigns.tell_obstacle(obstacle, 60)
    assert named in (await make().status(one)).warnings[0]
    await campaigns.tell_obstacle("", 60)
    assert len((await make().status(one)).warnings) == 1
