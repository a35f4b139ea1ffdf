"""infra/Dockerfile: what a linter says of it, and whether what it names is there."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

from bot.settings import Settings

from .proxy import ROOT

DOCKERFILE = ROOT / "infra" / "Dockerfile"
TEXT = DOCKERFILE.read_text("utf-8")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))


def test_the_linter_has_nothing_to_say() -> None:
    hadolint = Path(sys.executable).with_name("hadolint")
    ran = subprocess.run([hadolint, DOCKERFILE], capture_output=True, text=True, timeout=30)
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "", "")


def test_it_installs_extras_that_there_are() -> None:
    (extras,) = re.findall(r"'\.\[(.*?)\]'", TEXT)
    assert set(extras.split(",")) <= set(PROJECT["project"]["optional-dependencies"])


def test_its_python_is_supported() -> None:
    versions = re.findall(r"^FROM python:(3\.\d+)-slim-\w+", TEXT, re.MULTILINE)
    assert len(versions) == 2
    assert len(set(versions)) == 1
    classifiers = PROJECT["project"]["classifiers"]
    assert f"Programming Language :: Python :: {versions[0]}" in classifiers


def test_all_that_is_built_from_is_sent() -> None:
    ignored = (ROOT / ".dockerignore").read_text("utf-8").splitlines()
    sent = {line[1:] for line in ignored if line.startswith("!")}
    packages = PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
    files = [*PROJECT["project"]["license-files"], PROJECT["project"]["readme"], "pyproject.toml"]
    assert sent == {*packages, *files, "infra/constraints.txt"}
    assert "*" in ignored


def test_it_asks_the_port_on_which_a_worker_listens() -> None:
    port = Settings.model_fields["port"].default
    assert f"EXPOSE {port}\n" in TEXT
    assert f"http://127.0.0.1:{port}/health" in TEXT


def test_it_does_not_run_as_root() -> None:
    (user,) = re.findall(r"^USER (\S+)$", TEXT, re.MULTILINE)
    assert f"--uid {user} " in TEXT
    assert int(user) > 0
