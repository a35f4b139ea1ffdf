"""A worker's telephony on a real Redis, without the rest of the worker."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlencode
from xml.etree.ElementTree import Element, fromstring

import httpx
from prometheus_client import CollectorRegistry
from starlette.applications import Starlette

from bot.campaign.calls import CampaignCalls
from bot.metrics import Metrics
from bot.numbers import BotSettings
from bot.settings import Settings
from bot.store import Store
from bot.telephony.memory import SharedMemory
from bot.telephony.signature import SIGNATURE_HEADER, sign
from bot.telephony.webhooks import Webhooks
from tests.bot import reachable

AUTH_TOKEN = "12345"
OLD_TOKEN = "67890"
PUBLIC_URL = "https://bot.example.com"
NEXT_URL = PUBLIC_URL + "/twilio/next#rc=2&rp=all&rt=4000"
CALL = "CA" + "0" * 32
ACCOUNT = "AC" + "1" * 32
INBOUND = [
    ("CallSid", CALL),
    ("AccountSid", ACCOUNT),
    ("From", "+15550001111"),
    ("To", "+15551234567"),
    ("CallStatus", "ringing"),
    ("Direction", "inbound"),
    ("ToCity", ""),
]


def settings(tmp_path: Path, **values: object) -> Settings:
    return Settings.model_validate(
        {
            "public_url": PUBLIC_URL,
            "state_dir": tmp_path,
            "twilio_auth_token": AUTH_TOKEN,
            "twilio_auth_token_secondary": OLD_TOKEN,
            "farewell": "Sorry.",
            **values,
        }
    )


def refusals(metrics: Metrics) -> dict[str, float]:
    """What was refused, by reason."""
    registry: CollectorRegistry = metrics.registry
    return {
        sample.labels["reason"]: sample.value
        for family in registry.collect()
        for sample in family.samples
        if sample.name == "parley_calls_refused_total"
    }


@dataclass
class Calls(reachable.Calls):
    """The worker's calls, as the webhooks see them."""

    active: int = 0
    draining: bool = False
    full_recognizers: set[str] = field(default_factory=set)
    expected: list[tuple[str, str]] = field(default_factory=list)
    dialled: list[str] = field(default_factory=list)
    back: list[str] = field(default_factory=list)

    def recognizer_full(self, bot: BotSettings) -> bool:
        return bot.stt_provider in self.full_recognizers

    def expect(self, sid: str, bot: BotSettings, *, dialled: bool = False) -> None:
        self.expected.append((sid, bot.stt_provider))
        if dialled:
            self.dialled.append(sid)

    def came_back(self, sid: str) -> None:
        self.back.append(sid)


class Deployment:
    """One worker's webhooks, asked as Twilio asks them."""

    def __init__(
        self, settings: Settings, store: Store, campaigns: CampaignCalls | None = None
    ) -> None:
        self.store = store
        self.calls = Calls()
        self.metrics = Metrics()
        self.memory = SharedMemory(store)
        self.now_s = 1_700_000_000.0
        webhooks = Webhooks(
            settings,
            store,
            self.memory,
            self.calls,
            reachable.reaching(settings, store, self.calls),
            self.metrics,
            clock=lambda: self.now_s,
            campaigns=campaigns,
        )
        self.app = Starlette(routes=webhooks.routes())
        self.client = httpx.AsyncClient(
            transport=httpx.ASGITransport(self.app), base_url="http://inside:8080"
        )

    async def post(
        self,
        target: str,
        changes: dict[str, str] | None = None,
        *,
        fields: list[tuple[str, str]] | None = None,
        token: str = AUTH_TOKEN,
        headers: dict[str, str] | None = None,
    ) -> httpx.Response:
        """A signed request. `changes` are made to the fields of an inbound call."""
        form = fields if fields is not None else list((dict(INBOUND) | (changes or {})).items())
        sent = {
            "content-type": "application/x-www-form-urlencoded",
            SIGNATURE_HEADER: sign(token, PUBLIC_URL + target, form),
        }
        return await self.client.post(
            target, content=urlencode(form), headers={**sent, **(headers or {})}
        )

    async def ask(
        self, target: str, changes: dict[str, str] | None = None, repeat: str | None = None
    ) -> list[Element]:
        """The verbs of the answer to a signed request; `repeat` is its idempotency token."""
        headers = {} if repeat is None else {"I-Twilio-Idempotency-Token": repeat}
        response = await self.post(target, changes, headers=headers)
        assert response.status_code == 200, response.text
        assert response.headers["content-type"].startswith("text/xml")
        return list(fromstring(response.text))


def tags(verbs: list[Element]) -> list[str]:
    return [verb.tag for verb in verbs]


def parameters(verbs: list[Element]) -> dict[str, str]:
    """The stream's parameters."""
    (connect,) = [verb for verb in verbs if verb.tag == "Connect"]
    return {item.attrib["name"]: item.attrib["value"] for item in connect[0]}


def target(redirect: Element) -> str:
    """What Twilio sends for a redirect to us: path and query, without the fragment."""
    assert redirect.tag == "Redirect"
    return path_of(redirect.text or "")


def path_of(address: str) -> str:
    """The path and query of one of our URLs, without the fragment that Twilio does not send."""
    url, _, overrides = address.partition("#")
    assert url.startswith(PUBLIC_URL)
    assert overrides == "rc=2&rp=all&rt=4000"
    return url.removeprefix(PUBLIC_URL)
