"""The built-in `http` dialog: a server of the user's answers, in whatever language it is written.

`PARLEY_DIALOG=http:https://bot.example.com/answer` has every event of a call POSTed there as JSON;
`http://` is for loopback alone. `example.py`, beside this module, is a whole server.

**The question** has `id`, `event`, `call` (`sid`, `from`, `to`, `direction`, `language`,
`parameters`, `state`, `gap`), the `history` as it was heard (the last hundred entries), and

| `event` | with |
| --- | --- |
| `greet` | |
| `turn` | `turn`: `id`, `text`, `confidence`, `start_ms`, `end_ms`, `rejected`, `retried` |
| `dtmf` | `digits` |
| `interrupted` | `interruption`: `text`, `heard`; the answer is not spoken, only acted on |
| `idle` | `count` |
| `resume` | `unheard`: what was not heard before the break `call.gap` |
| `end` | `ended`: `by`, `reason` |

**The answer** is JSON, a stream of JSON lines (`application/x-ndjson`), or lines of `text/plain`.
Lines are spoken as they come. A JSON value is a text, or an action, or an object with `say` (a text
or several), `actions` and `state`; `answer.schema.json`, beside this module, describes it. An
action has its name in `action`: `say`, `play`, `hangup`, `transfer`, `send_digits`, `gather`,
`set_language`, `expect`, `do_not_call`, `call_back`; its other keys are those of the Python action.
What is in `state` is put into `call.state`, key by key, and comes with every later question, so
that the server need not keep anything. 204 is no answer: a silent caller is then prompted, and what
was not heard is said again.

**Trust.** `Parley-Signature` is `v1=` and the HMAC-SHA256, in hexadecimal and with the secret
`PARLEY_HTTP_SECRET`, of `Parley-Timestamp` (seconds since the epoch), a full stop and the body. A
server compares it in constant time, and refuses a timestamp that is more than a minute old.

**Repetition.** `Idempotency-Key` is the question's `id`, for a turn the turn's. When the connection
fails or the server answers 429, 502, 503 or 504 before anything of an answer has come, the question
is asked once more. A turn comes again with its `id` when it was interrupted by a noise, or its
worker was lost. A server that must not act twice keeps the ids that it has seen.

**Limits.** The server has `PARLEY_HOOK_TIMEOUT_S` for each piece of its answer, which is a megabyte
at most, and is asked for as it is (`Accept-Encoding: identity`). When it fails, the caller hears
`PARLEY_APOLOGY`, and the log says why, without a word of the answer.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from bot.dialog.resources import Resources
from bot.dialog.types import DialogError
from providers.setting_types import is_loopback

from .dialog import HttpDialog
from .server import Server

__all__ = ["HttpDialog", "load_http"]


def load_http(url: str, resources: Resources) -> HttpDialog:
    """The dialog that asks the server at `url`.

    Raises:
        DialogError: the address is none that may be asked, or there is no secret to sign with.
    """
    if not _may_be_asked(url):
        raise DialogError(
            "http dialog: write http:https://host/path, without user and fragment;"
            " http:http://… is for loopback alone"
        )
    if resources.http_secret is None:
        raise DialogError(
            "http dialog: PARLEY_HTTP_SECRET is not set: set it to a secret that your server"
            " knows too, such as what `openssl rand -hex 32` prints"
        )
    server = Server(url, resources.http_secret, resources.hook_timeout_s)
    resources.at_end(server.aclose)
    return HttpDialog(server)


def _may_be_asked(url: str) -> bool:
    try:
        parts = urlsplit(url)
        _ = parts.port  # raises ValueError when it is no number
    except ValueError:
        return False
    host = parts.hostname
    if not host or parts.username is not None or parts.fragment or not url.isprintable():
        return False
    return parts.scheme == "https" or (parts.scheme == "http" and is_loopback(host))
