"""The scripts of the page, run by Node with stand-ins for what a browser has."""

from __future__ import annotations

import asyncio
import shutil
from asyncio.subprocess import PIPE
from pathlib import Path

import orjson
import pytest

from bot import console

pytestmark = pytest.mark.skipif(shutil.which("node") is None, reason="Node is not installed")

BROWSER = """
const elements = new Map();
function made(id) {
  const element = { id, value: "", hidden: true, textContent: "", listeners: {} };
  element.addEventListener = (name, listener) => { element.listeners[name] = listener; };
  element.append = element.replaceChildren = element.scrollIntoView = () => {};
  element.focus = () => { element.focused = true; };
  element.closest = (name) => document.getElementById(name);
  return element;
}
globalThis.document = {
  getElementById(id) {
    if (!elements.has(id)) elements.set(id, made(id));
    return elements.get(id);
  },
};
globalThis.location = { href: "http://here/console/stt/", protocol: "http:" };
globalThis.fetch = async () => { throw new Error("away"); };
const waits = [];
globalThis.setTimeout = (_, wait_ms) => waits.push(wait_ms);
globalThis.clearTimeout = () => {};
globalThis.WebSocket = class { send() {} };
"""
SESSION = """
const { Session } = await import("./session.js");
const told = [];
const listener = {
  started: () => told.push("started"),
  wrong: ({ code }) => told.push(code),
  waiting: () => told.push("waiting"),
  over: () => told.push("over"),
};
const source = { again: () => [], lost: () => {}, stop: async () => told.push("microphone off") };
const session = new Session("ws://here/stt/stream", {}, "", source, listener);
const say = (message) => session.socket.onmessage({ data: JSON.stringify(message) });
say({ type: "session_started", session_id: "s", audio_ms: 0 });
"""


async def run(folder: Path, script: str) -> object:
    """What a script prints that has the page's own beside it."""
    shutil.copytree(Path(console.__file__).parent / "stt", folder, dirs_exist_ok=True)
    (folder / "package.json").write_text('{"type": "module"}')
    (folder / "test.js").write_text(BROWSER + script)
    node = await asyncio.create_subprocess_exec(
        "node", "test.js", cwd=folder, stdout=PIPE, stderr=PIPE
    )
    async with asyncio.timeout(30):
        said, complained = await node.communicate()
    assert node.returncode == 0, complained.decode()
    return orjson.loads(said)


async def test_nobody_waits_a_day_with_an_open_microphone(tmp_path: Path) -> None:
    script = (
        SESSION
        + """
say({ type: "error", code: "quota_used_up", error: "later", retry_after_s: 71286 });
session.socket.onclose({ code: 1013 });
console.log(JSON.stringify([told, waits.filter((wait_ms) => wait_ms > 60_000)]));
"""
    )
    assert await run(tmp_path, script) == [
        ["started", "quota_used_up", "microphone off", "over"],
        [],
    ]


async def test_what_passes_soon_is_waited_for(tmp_path: Path) -> None:
    script = (
        SESSION
        + """
say({ type: "error", code: "store_away", error: "soon", retry_after_s: 3 });
session.socket.onclose({ code: 1013 });
console.log(JSON.stringify([told, waits.at(-1)]));
"""
    )
    assert await run(tmp_path, script) == [["started", "store_away", "waiting"], 3000]


async def test_who_is_to_give_a_key_is_shown_where(tmp_path: Path) -> None:
    script = """
const { listener } = await import("./page.js");
const refused = { type: "error", code: "unauthorized", error: "send a key", allowed: ["X: <key>"] };
const element = (id) => document.getElementById(id);
listener.wrong(refused);
const shown = element("error").textContent;
console.log(JSON.stringify([shown, element("details").open, element("key").focused]));
"""
    assert await run(tmp_path, script) == ["send a key (unauthorized).", True, True]
