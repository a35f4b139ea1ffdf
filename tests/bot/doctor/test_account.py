"""The account and its numbers, at a stand-in of Twilio's REST API on a real socket."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass

import pytest

from bot.doctor import account
from bot.doctor.account import check_account
from bot.doctor.finding import Level
from bot.settings import Settings
from tests.serving import serving_app
from tests.vendors.twilio_rest.standin import TwilioRestStandIn

from .conftest import Findings
from .site import TOKEN

ACCOUNT = "AC" + "0123456789abcdef" * 2
NUMBER, OTHER = "+15551230001", "+15551230002"
BOT = "https://bot.example"
OVERRIDES = "#rc=2&rp=all&rt=4000"
VOICE, STATUS = f"{BOT}/twilio/voice{OVERRIDES}", f"{BOT}/twilio/status{OVERRIDES}"
GOOD = {"VoiceUrl": VOICE, "VoiceFallbackUrl": VOICE, "StatusCallback": STATUS}
WELL = [
    f"ok account: {ACCOUNT} answers",
    f"ok number: {NUMBER}: its calls come here",
    f"ok number: {NUMBER}: what fails is asked here once more"
    " (a TwiML Bin would answer when all workers are away)",
    f"ok number: {NUMBER}: the end of its calls is told here",
]


@dataclass
class Twilio:
    """The stand-in, and settings that lead to it."""

    standin: TwilioRestStandIn
    url: str
    make: Callable[..., Settings]

    def own(self, number: str = NUMBER, **settings: str) -> None:
        self.standin.account.own(number, **settings)

    def held(self, number: str = NUMBER) -> dict[str, str]:
        [owned] = [one for one in self.standin.account.numbers.values() if one.number == number]
        return owned.settings

    def settings(self, *numbers: str, **more: object) -> Settings:
        given: dict[str, object] = {
            "public_url": BOT,
            "twilio_account_sid": ACCOUNT,
            "twilio_api_url": self.url,
            "numbers": {number: {} for number in numbers},
        }
        return self.make(**(given | more))

    async def look(
        self, found: Findings, *numbers: str, fix: Sequence[str] = (), address_good: bool = True
    ) -> list[str]:
        settings = self.settings(*numbers)
        await check_account(settings, fix, found.append, address_good=address_good)
        assert self.standin.complaints == []
        return found.lines

    @property
    def changes(self) -> int:
        """How often something was to be changed."""
        return sum(seen.method == "POST" for seen in self.standin.requests)


@pytest.fixture
async def twilio(settings: Callable[..., Settings]) -> AsyncIterator[Twilio]:
    standin = TwilioRestStandIn(ACCOUNT, TOKEN)
    async with serving_app(standin) as served:
        yield Twilio(standin, served.url, settings)
        standin.closing.set()


async def test_without_an_account_there_is_nothing_to_look_at(
    settings: Callable[..., Settings], found: Findings
) -> None:
    await check_account(settings(), (), found.append, address_good=True)
    assert found.last.level is Level.WARNING
    assert found.last.remedy == "set TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN"


async def test_an_account_that_answers(twilio: Twilio, found: Findings) -> None:
    assert await twilio.look(found) == [
        f"ok account: {ACCOUNT} answers",
        "ok number: none is named: give --fix NUMBER, or [numbers] in parley.toml",
    ]


async def test_credentials_that_are_wrong(twilio: Twilio, found: Findings) -> None:
    settings = twilio.settings(NUMBER, twilio_auth_token="s3cret")
    await check_account(settings, (), found.append, address_good=True)
    [finding] = found
    assert finding.level is Level.FAILURE
    assert "check TWILIO_ACCOUNT_SID, TWILIO_AUTH_TOKEN and TWILIO_REGION" in finding.text
    assert "s3cret" not in finding.text


async def test_twilio_cannot_be_reached(
    twilio: Twilio, found: Findings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(account, "ANSWER_DEADLINE_S", 0.2)
    settings = twilio.settings(twilio_api_url="http://127.0.0.1:1")
    await check_account(settings, (), found.append, address_good=True)
    [finding] = found
    assert finding.level is Level.FAILURE
    assert finding.remedy == "see that this machine reaches Twilio"


async def test_a_number_as_it_should_be(twilio: Twilio, found: Findings) -> None:
    twilio.own(**GOOD)
    assert await twilio.look(found, NUMBER) == WELL


async def test_connection_overrides_may_be_the_operators_own(
    twilio: Twilio, found: Findings
) -> None:
    own = {name: f"{url.partition('#')[0]}#rc=3&e=dublin" for name, url in GOOD.items()}
    twilio.own(**own)
    nothing = f"ok number: {NUMBER}: there is nothing to change"
    assert await twilio.look(found, fix=[NUMBER]) == [WELL[0], nothing, *WELL[1:]]
    assert twilio.held() == own


async def test_urls_without_connection_overrides(twilio: Twilio, found: Findings) -> None:
    bare = {name: url.partition("#")[0] for name, url in GOOD.items()}
    twilio.own(**bare)
    assert (await twilio.look(found, NUMBER))[1:] == [
        f"warning number: {NUMBER}: its calls come here, but its voice URL has no connection"
        " overrides: Twilio waits 15 s for a frozen worker",
        f"warning number: {NUMBER}: its fallback URL is POST {BOT}/twilio/voice, not POST {VOICE}",
        f"warning number: {NUMBER}: its status callback is POST {BOT}/twilio/status,"
        f" not POST {STATUS}",
    ]
    found.clear()
    assert (await twilio.look(found, fix=[NUMBER]))[1:4] == [
        f"ok number: {NUMBER}: {name} was POST {BOT}{path}, is now POST {BOT}{path}{OVERRIDES}"
        for name, path in (
            ("voice URL", "/twilio/voice"),
            ("fallback URL", "/twilio/voice"),
            ("status callback", "/twilio/status"),
        )
    ]


async def test_a_number_that_was_just_bought(twilio: Twilio, found: Findings) -> None:
    twilio.own(VoiceUrl="https://user:s3cret@demo.example/welcome?key=s3cret")
    assert (await twilio.look(found, NUMBER))[1:] == [
        f"failure number: {NUMBER}: its voice URL is POST https://demo.example/welcome?…,"
        f" not POST {VOICE}",
        f"warning number: {NUMBER}: it has no fallback URL",
        f"warning number: {NUMBER}: its status callback is not set, not POST {STATUS}",
    ]
    assert {one.remedy for one in found[1:]} == {f"parley doctor --fix {NUMBER}"}


async def test_the_method_counts_too(twilio: Twilio, found: Findings) -> None:
    methods = ("VoiceMethod", "VoiceFallbackMethod", "StatusCallbackMethod")
    twilio.own(**GOOD, **dict.fromkeys(methods, "GET"))
    levels = [one.level for one in found] if await twilio.look(found, NUMBER) else []
    assert levels == [Level.OK, Level.FAILURE, Level.WARNING, Level.WARNING]
    assert f"its fallback URL is GET {VOICE}" in found[2].text


async def test_a_fallback_elsewhere_is_good(twilio: Twilio, found: Findings) -> None:
    bin_url = "https://handler.twilio.com/twiml/EH01"
    twilio.own(**(GOOD | {"VoiceFallbackUrl": bin_url}))
    assert (await twilio.look(found, NUMBER))[2] == (
        f"ok number: {NUMBER}: what fails here goes to POST {bin_url}"
    )


@pytest.mark.parametrize(
    ("name", "sid", "what"),
    [
        ("TrunkSid", "TK" + "0" * 32, "SIP trunk"),
        ("VoiceApplicationSid", "AP" + "0" * 32, "TwiML application"),
    ],
)
async def test_a_number_whose_urls_do_not_count(
    twilio: Twilio, found: Findings, name: str, sid: str, what: str
) -> None:
    twilio.own(**GOOD, **{name: sid})
    line = (await twilio.look(found, NUMBER))[1]
    assert line.startswith(f"failure number: {NUMBER}: its calls go to the {what} {sid}")


async def test_a_number_of_somebody_else(twilio: Twilio, found: Findings) -> None:
    twilio.own(OTHER, **GOOD)
    lines = await twilio.look(found, OTHER, fix=[NUMBER])
    assert f"failure number: {NUMBER} is not a number of this account" in lines
    assert twilio.held(OTHER) == GOOD


async def test_a_number_is_set(twilio: Twilio, found: Findings) -> None:
    twilio.own(VoiceUrl="https://demo.example/welcome", VoiceMethod="GET")
    assert await twilio.look(found, fix=[NUMBER]) == [
        WELL[0],
        f"ok number: {NUMBER}: voice URL was GET https://demo.example/welcome, is now POST {VOICE}",
        f"ok number: {NUMBER}: fallback URL was not set, is now POST {VOICE}",
        f"ok number: {NUMBER}: status callback was not set, is now POST {STATUS}",
        *WELL[1:],
    ]
    posts = dict.fromkeys(("VoiceMethod", "VoiceFallbackMethod", "StatusCallbackMethod"), "POST")
    assert twilio.held() == GOOD | posts
    found.clear()
    nothing = f"ok number: {NUMBER}: there is nothing to change"
    assert await twilio.look(found, fix=[NUMBER]) == [WELL[0], nothing, *WELL[1:]]
    assert twilio.changes == 1


async def test_only_what_is_named_is_set(twilio: Twilio, found: Findings) -> None:
    twilio.own(NUMBER)
    twilio.own(OTHER)
    await twilio.look(found, OTHER, fix=[NUMBER])
    assert twilio.held(OTHER) == {}
    assert twilio.held(NUMBER)["VoiceUrl"] == VOICE


@pytest.mark.parametrize(
    ("fallback", "kept"),
    [
        ("https://handler.twilio.com/twiml/EH01", True),
        ("https://old.example/sorry", False),  # the former bot's own
        ("https://bot.example/other", False),
        ("https://[", False),
    ],
)
async def test_a_fallback_of_somebody_elses_is_kept(
    twilio: Twilio, found: Findings, fallback: str, kept: bool
) -> None:
    twilio.own(VoiceUrl="https://old.example/voice", VoiceFallbackUrl=fallback)
    await twilio.look(found, fix=[NUMBER])
    assert twilio.held()["VoiceFallbackUrl"] == (fallback if kept else VOICE)


async def test_a_fallback_that_is_kept_keeps_its_method(twilio: Twilio, found: Findings) -> None:
    bin_url = "https://handler.twilio.com/twiml/EH01"
    twilio.own(VoiceFallbackUrl=bin_url, VoiceFallbackMethod="GET")
    await twilio.look(found, fix=[NUMBER])
    held = twilio.held()
    assert (held["VoiceFallbackUrl"], held["VoiceFallbackMethod"]) == (bin_url, "GET")
    assert held["VoiceUrl"] == VOICE
    assert found.lines[-2] == f"ok number: {NUMBER}: what fails here goes to GET {bin_url}"
    assert not [line for line in found.lines if "fallback URL was" in line]


async def test_no_number_is_sent_to_a_bad_address(twilio: Twilio, found: Findings) -> None:
    twilio.own(VoiceUrl="https://demo.example/welcome")
    lines = await twilio.look(found, fix=[NUMBER], address_good=False)
    assert lines[1] == (
        f"failure number: {NUMBER} is left as it is: no call would be answered at {VOICE}"
    )
    assert twilio.changes == 0


async def test_what_twilio_cannot_reach_is_not_set(
    twilio: Twilio, found: Findings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(account, "is_loopback", lambda host: host == "bot.example")
    twilio.own(VoiceUrl="https://demo.example/welcome")
    lines = await twilio.look(found, fix=[NUMBER])
    assert lines[1] == f"failure number: {NUMBER} is left as it is: Twilio cannot reach {VOICE}"
    assert twilio.held() == {"VoiceUrl": "https://demo.example/welcome"}


async def test_a_failure_at_one_number_is_told(twilio: Twilio, found: Findings) -> None:
    twilio.own(**GOOD)
    twilio.standin.misbehave("denied", only="IncomingPhoneNumbers")
    lines = await twilio.look(found, NUMBER)
    assert lines[1].startswith(f"failure number: {NUMBER}: Twilio answered GET ")
