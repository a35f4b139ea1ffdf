"""docker-compose.yml: by the format's own schema, and beside what it puts together."""

from __future__ import annotations

import re
import subprocess
import sys
from typing import Any

import pytest
import yaml

from bot.settings import Settings
from bot.supervisor import STOP_GRACE_S

from .proxy import ROOT

COMPOSE = ROOT / "docker-compose.yml"
CADDYFILE = (ROOT / "infra" / "Caddyfile").read_text("utf-8")


@pytest.fixture(scope="module")
def services() -> dict[str, dict[str, Any]]:
    """The services, as they are written."""
    written: dict[str, dict[str, dict[str, Any]]] = yaml.safe_load(COMPOSE.read_text("utf-8"))
    return written["services"]


def test_it_is_a_compose_file() -> None:
    command = ["-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec", str(COMPOSE)]
    ran = subprocess.run([sys.executable, *command], capture_output=True, text=True, timeout=30)
    assert (ran.returncode, ran.stderr) == (0, ""), ran.stdout


def test_every_image_is_of_a_version(services: dict[str, dict[str, Any]]) -> None:
    fetched = [service["image"] for service in services.values() if "build" not in service]
    assert len(fetched) == 2
    assert all(re.fullmatch(r"\w+:\d+\.\d+-\w+", image) for image in fetched)


def test_what_the_worker_is_told_are_settings(services: dict[str, dict[str, Any]]) -> None:
    given = services["worker"]["environment"]
    keys = {name.removeprefix("PARLEY_").lower(): str(text) for name, text in given.items()}
    settings = Settings.model_validate({"public_url": "https://bot.example.com", **keys})
    assert settings.redis_url is not None
    assert settings.port == Settings.model_fields["port"].default


def test_no_secret_is_written_down(services: dict[str, dict[str, Any]]) -> None:
    assert services["worker"]["env_file"] == ".env"
    given = " ".join(
        name for service in services.values() for name in service.get("environment", ())
    )
    assert not re.search("TOKEN|KEY(?<!TLS_KEY)|SECRET|PASSWORD", given)


def test_a_worker_may_take_its_time_to_stop(services: dict[str, dict[str, Any]]) -> None:
    default = re.fullmatch(
        r"\$\{STOP_GRACE_PERIOD:-(\d+)s\}", services["worker"]["stop_grace_period"]
    )
    assert default is not None
    assert int(default[1]) >= Settings.model_fields["drain_s"].default + STOP_GRACE_S


def test_the_proxy_is_told_all_that_its_configuration_asks_for(
    services: dict[str, dict[str, Any]],
) -> None:
    asked = set(re.findall(r"\{\$(\w+)\}", CADDYFILE))
    assert set(services["proxy"]["environment"]) == asked
    workers = services["proxy"]["environment"]["WORKERS"].split()
    assert workers == [f"${{COMPOSE_PROJECT_NAME}}-worker-{n}:8080" for n in range(1, 9)]


def test_redis_keeps_what_it_is_given(services: dict[str, dict[str, Any]]) -> None:
    assert " --appendonly yes --appendfsync always " in services["redis"]["command"]
    assert services["redis"]["volumes"] == ["redis:/data"]


def test_only_the_proxy_is_to_be_reached(services: dict[str, dict[str, Any]]) -> None:
    assert {name for name, service in services.items() if "ports" in service} == {"proxy"}
