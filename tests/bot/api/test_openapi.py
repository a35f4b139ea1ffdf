from __future__ import annotations

from pathlib import Path

from bot.api.campaigns import CampaignsApi
from bot.api.keys.api import KeysApi
from bot.api.keys.store import KeyStore
from bot.api.openapi import describe
from bot.campaign.store import CampaignStore
from bot.settings import Settings
from bot.store import Store

from .test_calls import Client

SERVER = "http://127.0.0.1:8080"


async def test_every_route_is_described(no_store: Store, tmp_path: Path) -> None:
    settings = Settings.model_validate({"public_url": SERVER, "state_dir": tmp_path})
    campaigns = CampaignStore("unix:///nonexistent/redis.sock")
    keys = KeyStore("unix:///nonexistent/redis.sock")
    routes = CampaignsApi(settings, campaigns, no_store, "").routes + KeysApi(settings, keys).routes
    async with Client(no_store, tmp_path) as api:
        routes += api.routes
    await campaigns.aclose()
    await keys.aclose()
    described = {
        (method.upper(), path)
        for path, item in describe(SERVER)["paths"].items()
        for method in item
        if method != "parameters"
    }
    assert described == {
        (method, route.path) for route in routes for method in (route.methods or set()) - {"HEAD"}
    }
