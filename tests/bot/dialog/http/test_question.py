from __future__ import annotations

import orjson

from bot.dialog import Call, Gap, HistoryEntry
from bot.dialog.http.question import MAX_ENTRIES, question


def test_what_a_server_is_asked() -> None:
    call = Call("CA1", "+15550100001", "+15550100002", "inbound", {"name": "Ada"}, "fr-FR")
    call.state["booked"] = "friday"
    call.gap = Gap(400, speech_lost=True)
    call.history.append(HistoryEntry("bot", "Hello. You", "Hello.", 0, 900, interrupted=True))
    asked = question("CA1-1", "dtmf", call, digits="5")
    assert orjson.loads(orjson.dumps(asked)) == {
        "id": "CA1-1",
        "event": "dtmf",
        "call": {
            "sid": "CA1",
            "from": "+15550100001",
            "to": "+15550100002",
            "direction": "inbound",
            "language": "fr-FR",
            "parameters": {"name": "Ada"},
            "state": {"booked": "friday"},
            "gap": {"gap_ms": 400, "speech_lost": True, "turn_open": False},
        },
        "history": [
            {
                "role": "bot",
                "text": "Hello. You",
                "heard": "Hello.",
                "start_ms": 0,
                "end_ms": 900,
                "interrupted": True,
            }
        ],
        "digits": "5",
    }


def test_of_a_long_history_the_end_is_told() -> None:
    entries = [HistoryEntry("bot", str(n), str(n), n, n) for n in range(MAX_ENTRIES + 3)]
    call = Call("CA1", "+15550100001", "+15550100002", "inbound", history=entries)
    told = question("CA1-1", "idle", call)["history"]
    assert [entry["text"] for entry in told] == [str(n) for n in range(3, MAX_ENTRIES + 3)]
    assert question("CA1-1", "idle", Call("CA1", "", "", "inbound"))["call"]["gap"] is None
