"""The stand-in is as strict as Twilio, tells what is odd, and goes wrong on command."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
import pytest_asyncio

from bot.phone.call import PhoneConfig, place_call
from bot.phone.exchange import Exchange
from bot.phone.steps import Wait
from bot.telephony.rest import TwilioRest
from tests.bot.phone.worker_stub import TOKEN as WORKER_TOKEN
from tests.bot.phone.worker_stub import StubStream, running_worker
from tests.vendors.__main__ import main

from .mischief import Kind
from .running import ACCOUNT, CALLER, OURS, TOKEN, Twilio
from .server import serving
from .standin import TwilioRestStandIn

pytestmark = pytest.mark.asyncio(loop_scope="module")

ROOT = f"/2010-04-01/Accounts/{ACCOUNT}"
URL = "https://bot.example.com/x"


@pytest_asyncio.fixture(loop_scope="module")
async def http(twilio: Twilio) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(
        base_url=twilio.url, auth=(ACCOUNT, TOKEN), trust_env=False, verify=False, timeout=5
    ) as client:
        yield client


def fault(response: httpx.Response) -> tuple[int, int]:
    """Status and code of a refusal, which has the shape of Twilio's."""
    body = response.json()
    assert set(body) == {"code", "message", "more_info", "status"}
    assert body["status"] == response.status_code
    assert body["more_info"].endswith(f"/{body['code']}")
    return response.status_code, body["code"]


@pytest.mark.parametrize(
    ("account", "shown"),
    [
        (ACCOUNT, None),
        (ACCOUNT, "Bearer abc"),
        (ACCOUNT, "Basic !"),
        (ACCOUNT, "Basic QUM6eA=="),
        ("AC" + "f" * 32, "right"),
    ],
)
async def test_who_is_not_known_is_refused(
    twilio: Twilio, http: httpx.AsyncClient, account: str, shown: str | None
) -> None:
    auth = (ACCOUNT, TOKEN) if shown == "right" else None
    headers = {"Authorization": shown} if shown and shown != "right" else {}
    async with httpx.AsyncClient(
        base_url=twilio.url, auth=auth, trust_env=False, verify=False
    ) as other:
        path = f"/2010-04-01/Accounts/{account}/Calls.json"
        refused = await other.get(path, headers=headers)
    assert fault(refused) == (401, 20003)
    assert refused.headers["www-authenticate"] == 'Basic realm="Twilio API"'


@pytest.mark.parametrize(
    ("method", "path", "expected"),
    [
        ("GET", f"{ROOT}/Messages.json", (404, 20404)),
        ("GET", "/", (404, 20404)),
        ("DELETE", f"{ROOT}/Calls.json", (405, 20004)),
        ("PUT", f"{ROOT}/Calls/CA1.json", (405, 20004)),
        ("POST", f"{ROOT}.json", (405, 20004)),
    ],
)
async def test_what_is_not_there_is_told(
    twilio: Twilio, http: httpx.AsyncClient, method: str, path: str, expected: tuple[int, int]
) -> None:
    assert fault(await http.request(method, path)) == expected
    assert len(twilio.standin.complaints) == 1


@pytest.mark.parametrize(
    "path",
    [
        f"{ROOT}/Calls/CA{'0' * 32}.json",
        f"{ROOT}/Calls/CA{'0' * 32}/Recordings/RE1.json",
        f"{ROOT}/IncomingPhoneNumbers/PN1.json",
    ],
)
async def test_unknown_sids_are_not_found(http: httpx.AsyncClient, path: str) -> None:
    assert fault(await http.get(path)) == (404, 20404)
    assert fault(await http.post(path, data={"Status": "stopped"})) == (404, 20404)


CREATE = {"To": CALLER, "From": OURS, "Url": URL}


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"To": ""}, 21211),
        ({"To": "555"}, 21211),
        ({"From": "0015"}, 21212),
        ({"Url": "/twilio/voice"}, 21205),
        ({"Url": "wss://bot.example.com"}, 21205),
        ({"Url": "https://bot_1.example.com/"}, 21205),
        ({"StatusCallback": "https://a_b.example.com/"}, 21609),
        ({"Twiml": "x" * 4001}, 20001),
        ({"Method": "post"}, 20001),
        ({"Timeout": "601"}, 20001),
        ({"TimeLimit": "1.5"}, 20001),
        ({"Record": "True"}, 20001),
        ({"SendDigits": "1" * 33}, 20001),
        ({"MachineDetection": "enable"}, 20001),
        ({"MachineDetectionTimeout": "2"}, 20001),
        ({"ApplicationSid": "AP1"}, 21218),
        ({"Byoc": "BY1"}, 20001),
        ({"RecordingChannels": "stereo"}, 20001),
    ],
)
async def test_a_wrong_value_is_refused(
    http: httpx.AsyncClient, change: dict[str, str], code: int
) -> None:
    refused = await http.post(f"{ROOT}/Calls.json", data={**CREATE, **change})
    assert fault(refused) == (400, code)


@pytest.mark.parametrize(("missing", "code"), [("To", 21201), ("From", 21213), ("Url", 21205)])
async def test_what_is_needed_has_to_be_there(
    http: httpx.AsyncClient, missing: str, code: int
) -> None:
    given = {name: value for name, value in CREATE.items() if name != missing}
    assert fault(await http.post(f"{ROOT}/Calls.json", data=given)) == (400, code)


@pytest.mark.parametrize(
    ("more", "complaint"),
    [
        ({"Urll": URL}, "there is no parameter 'Urll'"),
        ({"Method": ["GET", "POST"]}, "Method is given twice"),
        (
            {"StatusCallback": URL, "StatusCallbackEvent": "initiated answered"},
            "StatusCallbackEvent cannot be 'initiated answered'",
        ),
    ],
)
async def test_what_twilio_lets_pass_is_complained_about(
    twilio: Twilio, http: httpx.AsyncClient, more: dict[str, str | list[str]], complaint: str
) -> None:
    made = await http.post(f"{ROOT}/Calls.json", data={**CREATE, **more})
    assert made.status_code == 201
    assert twilio.standin.complaints == [f"POST {ROOT}/Calls.json: {complaint}"]


async def test_a_body_that_is_no_form_is_not_read(twilio: Twilio, http: httpx.AsyncClient) -> None:
    refused = await http.post(f"{ROOT}/Calls.json?To={CALLER}", json=CREATE)
    assert fault(refused) == (400, 21201)
    assert [text.split(": ")[1] for text in twilio.standin.complaints] == [
        "a body that is no form is not read",
        "a query beside a form is not read",
    ]


async def test_an_update_may_not_contradict_itself(twilio: Twilio, http: httpx.AsyncClient) -> None:
    call = await twilio.call()
    path = f"{ROOT}/Calls/{call.sid}.json"
    both = await http.post(path, data={"Url": URL, "Twiml": "<Response/>"})
    assert fault(both) == (400, 20001)
    assert (await http.post(path, data={})).status_code == 200
    assert (await http.post(path, data={"TimeLimit": "60", "Url": URL})).status_code == 200
    assert (await http.post(path, data={"Status": "canceled"})).json()["status"] == "in-progress"
    ended = await http.post(path, data={"Status": "completed", "Twiml": "<Response/>"})
    assert ended.json()["status"] == "completed"
    assert fault(await http.post(path, data={"Status": "canceled"})) == (400, 21220)
    assert fault(await http.post(path, data={})) == (400, 21220)
    assert [text.split(": ")[1] for text in twilio.standin.complaints] == [
        "an update that changes nothing",
        "TimeLimit of a call in progress is not simulated",
        "a Status and a redirect at once",
        "an update that changes nothing",
    ]


async def test_a_pause_behavior_without_a_pause_is_odd(
    twilio: Twilio, http: httpx.AsyncClient
) -> None:
    call = await twilio.call()
    path = f"{ROOT}/Calls/{call.sid}/Recordings"
    await http.post(f"{path}.json", data={})
    form = {"Status": "stopped", "PauseBehavior": "skip"}
    stopped = (await http.post(f"{path}/Twilio.CURRENT.json", data=form)).json()
    assert stopped["status"] == "stopped"
    assert len(twilio.standin.complaints) == 1
    assert fault(await http.post(f"{path}/{stopped['sid']}.json", data={})) == (400, 20001)


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ({"PageSize": "1001"}, 20007),
        ({"PageSize": "0"}, 20007),
        ({"Page": "1"}, 20001),
        ({"Page": "1", "PageToken": "PACA1"}, 20001),
        ({"PageToken": "CA1"}, 20001),
        ({"Status": "initiated"}, 20001),
        ({"StartTime": "yesterday"}, 20001),
    ],
)
async def test_lists_are_strict(
    twilio: Twilio, http: httpx.AsyncClient, query: dict[str, str], code: int
) -> None:
    await twilio.call()
    assert fault(await http.get(f"{ROOT}/Calls.json", params=query)) == (400, code)


async def test_a_page_begins_where_the_last_one_ended(
    twilio: Twilio, http: httpx.AsyncClient
) -> None:
    calls = [await twilio.call() for _ in range(3)]
    first = (await http.get(f"{ROOT}/Calls.json", params={"PageSize": 2, "To": OURS})).json()
    await twilio.call()
    second = (await http.get(first["next_page_uri"])).json()
    assert [item["sid"] for item in second["calls"]] == [calls[0].sid]
    assert (second["start"], second["end"], second["next_page_uri"]) == (2, 2, None)
    assert f"To=%2B{OURS[1:]}" in second["previous_page_uri"]
    before = (await http.get(second["previous_page_uri"])).json()
    assert [item["sid"] for item in before["calls"]] == [calls[2].sid, calls[1].sid]


async def test_requests_are_kept_without_their_credentials(
    twilio: Twilio, http: httpx.AsyncClient
) -> None:
    await http.get(f"{ROOT}/Calls.json", params={"To": OURS})
    (seen,) = twilio.standin.requests
    assert (seen.method, seen.path, seen.form) == ("GET", f"{ROOT}/Calls.json", [("To", OURS)])
    assert (seen.status, seen.body[:1]) == (200, b"{")
    assert "authorization" not in seen.headers


@pytest.mark.parametrize(
    ("kind", "status", "carried_out"),
    [
        ("busy", 429, False),
        ("failure", 500, False),
        ("denied", 401, False),
        ("problem", 503, False),
        ("page", 502, False),
        ("nonsense", 200, False),
        ("empty", 200, False),
        ("delay", 200, True),
        ("cut", None, True),
        ("lost", None, True),
        ("failed_after", 500, True),
        ("silent", None, False),
    ],
)
async def test_it_goes_wrong_on_command(
    twilio: Twilio, http: httpx.AsyncClient, kind: Kind, status: int | None, carried_out: bool
) -> None:
    call = await twilio.call()
    twilio.standin.misbehave(kind, only="POST")
    path, form = f"{ROOT}/Calls/{call.sid}.json", {"Status": "completed"}
    assert (await http.get(path)).json()["status"] == "in-progress"
    try:
        answer = await http.post(path, data=form, timeout=0.5 if kind in {"lost", "silent"} else 10)
    except (httpx.ReadTimeout, httpx.RemoteProtocolError):
        assert status is None
    else:
        assert answer.status_code == status
    assert (call.status == "completed") is carried_out
    assert (await http.get(path)).status_code == 200


async def test_a_shell_commands_it(twilio: Twilio, http: httpx.AsyncClient) -> None:
    made = await http.post("/standin/numbers", json={"number": OURS})
    assert made.json()["sid"] in twilio.standin.account.numbers
    assert (await http.post("/standin/mischief", json={"kind": "rude"})).status_code == 400
    await http.post("/standin/mischief", json={"kind": "busy", "retry_after": "7"})
    refused = await http.get(f"{ROOT}/Calls.json")
    assert (fault(refused), refused.headers["retry-after"]) == ((429, 20429), "7")
    await http.get(f"{ROOT}/Nothing.json")
    assert [seen["status"] for seen in (await http.get("/standin/requests")).json()] == [429, 404]
    assert len((await http.get("/standin/complaints")).json()) == 1
    assert (await http.get("/standin/else")).status_code == 404


async def test_it_starts_from_a_shell(tmp_path: Path) -> None:
    people = tmp_path / "people.toml"
    people.write_text('[default]\ndoes = "no_answer"\n')
    command = [sys.executable, "-m", "tests.vendors", "twilio_rest", "--port", "0"]
    process = await asyncio.create_subprocess_exec(
        *command,
        *("--number", OURS, "--people", str(people), "--cps", "0"),
        env={**os.environ, "TWILIO_ACCOUNT_SID": ACCOUNT, "TWILIO_AUTH_TOKEN": TOKEN},
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    try:
        url = (await process.stdout.readline()).decode().split()[-1]
        rest = TwilioRest(ACCOUNT, TOKEN, api_url=url)
        try:
            assert await rest.find_number(OURS) is not None
            auth = (ACCOUNT, TOKEN)
            async with httpx.AsyncClient(base_url=url, auth=auth, trust_env=False) as http:
                made = await http.post(f"{ROOT}/Calls.json", data=CREATE)
                (entry,) = (await http.get("/standin/ledger")).json()
            assert (entry["sid"], entry["to"]) == (made.json()["sid"], CALLER)
        finally:
            await rest.aclose()
    finally:
        process.terminate()
        await process.wait()


async def test_a_shell_is_told_what_to_say(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert main([]) == 2
    assert main(["twilio"]) == 2
    said = capsys.readouterr().out
    assert all(name in said for name in ("NAME is one of", "soniox", "twilio_rest"))
    monkeypatch.delenv("TWILIO_AUTH_TOKEN", raising=False)
    monkeypatch.setenv("PARLEY_STATE_DIR", str(tmp_path))
    with pytest.raises(SystemExit, match="2"):
        main(["twilio_rest"])
    assert "set TWILIO_AUTH_TOKEN" in capsys.readouterr().err


async def test_the_phone_does_what_is_asked_here() -> None:
    exchange = Exchange()
    streaming: asyncio.Queue[StubStream] = asyncio.Queue()

    async def talk(stream: StubStream) -> None:
        streaming.put_nowait(stream)
        await stream.until("stop")

    standin = TwilioRestStandIn(ACCOUNT, WORKER_TOKEN, exchange=exchange)
    async with running_worker() as worker, serving(standin) as url:
        worker.talk = [talk]
        worker.documents["/twilio/next"] = [worker.connect()]
        rest = TwilioRest(ACCOUNT, WORKER_TOKEN, api_url=url)
        config = PhoneConfig(worker.url, WORKER_TOKEN, account_sid=ACCOUNT)
        calling = asyncio.create_task(place_call(config, [Wait(60_000)], exchange=exchange))
        first = await streaming.get()
        (sid,) = exchange.calls
        await rest.redirect(sid, f"{worker.url}/twilio/next")
        second = await streaming.get()
        await rest.instruct(sid, "<Response><Hangup/></Response>")
        result = await calling
        assert (await rest.fetch(sid)).status == "completed"
        await rest.aclose()
    assert [stream.of("stop") != [] for stream in (first, second)] == [True, True]
    asked = [asked.path for asked in worker.asked if asked.path != "/twilio/stream"]
    assert asked == ["/twilio/voice", "/twilio/next", "/twilio/status"]
    assert result.ended.by == "bot"
    assert standin.complaints == []
