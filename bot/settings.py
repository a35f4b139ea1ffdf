"""Every setting, read once: command line, environment, `.env`, TOML file, in that order.

A variable `PARLEY_X` is the key `x` of the TOML file, which is `parley.toml` in the working
directory or what `PARLEY_CONFIG` names. A wrong setting stops the start (`SettingsError`).
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import cached_property
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, SecretStr
from pydantic import ValidationError as PydanticError

from providers.setting_types import BaseUrl, HeaderSecret, Secret, is_loopback
from providers.settings import SpeechSettings, VendorSettings

from .api.stt.settings import ASR_VARIABLES, SttServiceSettings
from .campaign.settings import DialSettings
from .numbers import BotSettings, Language, NumberTable, PhoneNumber, SttNames, TtsNames
from .setting_types import ApiUrl, Directory, DirectoryOrOff, RedisUrl
from .sources import Given, Problem, read_sources
from .state_dir import default_state_dir, dev_token, find_dev_token

__all__ = [
    "BotSettings",
    "Problem",
    "Settings",
    "SettingsError",
    "is_loopback",
    "setting_variables",
]

# The variables whose usual name is not ours to choose.
FOREIGN_VARIABLES = (
    "REDIS_URL",
    "TWILIO_ACCOUNT_SID",
    "TWILIO_AUTH_TOKEN",
    "TWILIO_REGION",
    "TWILIO_EDGE",
    *ASR_VARIABLES,
    *(key.upper() for key in VendorSettings.model_fields),
)
SECONDARY_TOKEN = "TWILIO_AUTH_TOKEN_SECONDARY"
# Written next to a secret, and sometimes in its place.
BESIDE_SECRETS = {"twilio_account_sid"}


class SettingsError(Exception):
    """Settings are wrong. `problems` holds each; the text has one line for each."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__(problems)
        self.problems = problems

    def __str__(self) -> str:
        return "\n".join(map(str, self.problems))


class Settings(DialSettings, SttServiceSettings, SpeechSettings):
    """The settings of one process. Each field's description says what it may hold."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    dev: bool = Field(default=False, description="set by --dev alone")
    host: str = Field(default="0.0.0.0", min_length=1, description="an address of this machine")
    port: int = Field(default=8080, ge=0, le=65535, description="a port number, 0 to 65535")
    public_url: BaseUrl = Field(
        description="the https:// address at which Twilio reaches this deployment, without query;"
        " http:// for loopback alone"
    )
    api_key: HeaderSecret | None = Field(
        default=None, description="a key of your own making, in printable ASCII without spaces"
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="debug, info, warning or error"
    )

    dialog: str = Field(
        default="echo", min_length=1, description="module:name or a built-in dialog"
    )
    http_secret: Secret | None = Field(
        default=None, description="a secret of your own making, for the http dialog"
    )
    language: Language = Field(default="en-US", description="a BCP-47 tag such as en-US")
    voice: str | None = Field(
        default=None, min_length=1, description="a voice id of the synthesizer"
    )
    stt_provider: SttNames | None = Field(default=None, description="a speech-to-text provider")
    tts_provider: TtsNames | None = Field(default=None, description="a text-to-speech provider")
    vad: Literal["auto", "silero", "webrtc", "energy"] = Field(
        default="auto", description="auto, silero, webrtc or energy"
    )
    pocketsphinx_processes: int | None = Field(
        default=None, ge=1, le=64, description="a number of processes, 1 to 64"
    )
    fallback_number: PhoneNumber | None = Field(
        default=None, description="a phone number in E.164 form such as +15551234567"
    )
    numbers: dict[PhoneNumber, NumberTable] = Field(default_factory=dict)

    stt_chunk_ms: int = Field(default=100, ge=20, le=1000, description="milliseconds, 20 to 1000")

    max_calls: int = Field(default=100, ge=1, description="a number of calls, 1 or more")
    overflow: Literal["fallback", "busy", "redirect"] = Field(
        default="fallback", description="fallback, busy or redirect"
    )
    drain_s: float = Field(default=30.0, ge=0, le=86_400, description="seconds, 0 to 86400")
    endpointing_ms: int = Field(
        default=450, ge=100, le=5000, description="milliseconds, 100 to 5000"
    )
    barge_in_ms: int = Field(default=200, ge=20, le=2000, description="milliseconds, 20 to 2000")
    idle_s: float = Field(default=10.0, ge=1, le=600, description="seconds, 1 to 600")
    max_duration_s: float = Field(
        default=3600.0, ge=1, le=86_400, description="seconds, 1 to 86400"
    )
    hook_timeout_s: float = Field(
        default=10.0, gt=0, le=300, description="seconds, more than 0 up to 300"
    )
    apology: str = Field(
        default="I'm sorry, something went wrong. Could you say that again?",
        min_length=1,
        description="a sentence to speak",
    )
    farewell: str = Field(
        default="I'm sorry, we have a technical problem, and this call cannot go on.",
        min_length=1,
        description="a sentence to speak",
    )

    state_dir: Directory = Field(description="a directory")
    recordings: DirectoryOrOff = Field(default=None, description="a directory, or off")
    retention_days: int = Field(default=30, ge=1, le=3650, description="days, 1 to 3650")
    redis_url: RedisUrl | None = Field(
        default=None, description="a redis://, rediss:// or unix:// URL"
    )
    redis_prefix: str = Field(
        default="parley:", min_length=1, description="what Redis keys begin with"
    )

    twilio_account_sid: str | None = Field(
        default=None, pattern=r"^AC[0-9a-fA-F]{32}$", description="AC and 32 hexadecimal digits"
    )
    twilio_auth_token: Secret | None = Field(default=None, description="the account's auth token")
    twilio_auth_token_secondary: Secret | None = Field(
        default=None, description="the account's other auth token, while it is rotated"
    )
    twilio_region: str | None = Field(
        default=None, pattern=r"^[a-z]{2}[0-9]$", description="a region such as ie1"
    )
    twilio_edge: str | None = Field(
        default=None, pattern=r"^[a-z]+(-[a-z]+)*$", description="an edge such as dublin"
    )
    twilio_api_url: ApiUrl | None = Field(
        default=None,
        description="the https:// address of Twilio's REST API, without path; http:// for"
        " loopback alone",
    )

    @classmethod
    def load(
        cls,
        *,
        env: Mapping[str, str] | None = None,
        overrides: Mapping[str, Any] | None = None,
        defaults: Mapping[str, Any] | None = None,
        dev: bool = False,
        worker: bool = True,
    ) -> Self:
        """Read every setting.

        Args:
            env: the environment; None is the process's own. `.env` is read from the working
                directory in any case.
            overrides: what the command line said, by field name; None values are not given.
            defaults: what to take, by field name, for settings that are given nowhere.
            dev: whether this is a development worker: loopback only, a token of its own.
            worker: whether a worker starts, which must have a token; a command that talks to one
                takes the development token when one is kept and no other is given.

        Raises:
            SettingsError: something is wrong; every problem is in it.
        """
        env = os.environ if env is None else env
        sources = read_sources(setting_variables(), env, overrides or {})
        problems, given = sources.problems, sources.given
        values: dict[str, Any] = {"dev": dev, **_defaults(env, given, dev), **(defaults or {})}
        values |= {key: item.value for key, item in given.items()}
        values["numbers"] = {number: item.value for number, item in sources.numbers.items()}
        try:
            settings = cls.model_validate(values)
        except PydanticError as error:
            names = {key: item.name for key, item in given.items()}
            raise SettingsError(problems + _explain(error, names, sources.numbers)) from None
        if dev and not is_loopback(settings.host):
            name = given["host"].name
            problems.append(Problem(name, f"held {settings.host!r}", "--dev binds loopback only"))
        if problems:
            raise SettingsError(problems)
        return settings._with_token(dev, worker)

    def _with_token(self, dev: bool, worker: bool) -> Self:
        if self.twilio_auth_token is not None:
            return self
        if worker and not dev:
            remedy = "set it to the account's auth token, or start with --dev to try Parley out"
            raise SettingsError([Problem("TWILIO_AUTH_TOKEN", "is not set", remedy)])
        try:
            token = dev_token(self.state_dir) if worker else find_dev_token(self.state_dir)
        except OSError as error:
            fault = f"held {str(self.state_dir)!r}, which cannot be used: {error.strerror}"
            remedy = "give it to this user, or name another directory"
            raise SettingsError([Problem("PARLEY_STATE_DIR", fault, remedy)]) from None
        return self.model_copy(update={"twilio_auth_token": SecretStr(token) if token else None})

    @property
    def auth_tokens(self) -> tuple[str, ...]:
        """The tokens that may have signed a request; the first is the one to sign with."""
        tokens = (self.twilio_auth_token, self.twilio_auth_token_secondary)
        return tuple(token.get_secret_value() for token in tokens if token is not None)

    @property
    def rest_configured(self) -> bool:
        """Whether Twilio's REST API can be asked: there is an account to ask it for."""
        return self.twilio_account_sid is not None and bool(self.auth_tokens)

    @cached_property
    def _recognizers(self) -> str:
        # Imported here: choosing brings numpy, and most commands have no need of it.
        from .choosing import chosen

        return self.stt_provider or chosen(self, "stt")

    @cached_property
    def _synthesizers(self) -> str:
        from .choosing import chosen

        return self.tts_provider or chosen(self, "tts")

    def engine(self, name: str) -> dict[str, Any]:
        """What is set for a provider, as it is built with; secrets are in the clear."""
        own = {"processes": self.pocketsphinx_processes} if name == "pocketsphinx" else {}
        return {**self.vendor(name), **own}

    def bots(self) -> list[BotSettings]:
        """Everything that may answer here: the default, and each number's own.

        Raises:
            MissingKeyError: no providers were named, and none is configured.
        """
        return [self.bot_for(""), *(self.bot_for(number) for number in self.numbers)]

    def bot_for(self, number: str) -> BotSettings:
        """What answers a call to `number` (E.164): its own table, and the default for the rest."""
        default = {
            "dialog": self.dialog,
            "language": self.language,
            "voice": self.voice,
            "stt_provider": self._recognizers,
            "tts_provider": self._synthesizers,
            "fallback_number": self.fallback_number,
        }
        table = self.numbers.get(number, NumberTable())
        return BotSettings(**{**default, **table.model_dump(exclude_none=True)})


def setting_variables() -> dict[str, str]:
    """The environment variable of each setting."""
    foreign = {name: name.lower() for name in (*FOREIGN_VARIABLES, SECONDARY_TOKEN)}
    hidden = {"dev", "numbers", *foreign.values()}
    own = {"PARLEY_" + key.upper(): key for key in Settings.model_fields if key not in hidden}
    return own | foreign


def _defaults(env: Mapping[str, str], given: Mapping[str, Given], dev: bool) -> dict[str, Any]:
    port = given["port"].value if "port" in given else Settings.model_fields["port"].default
    defaults: dict[str, Any] = {
        "state_dir": default_state_dir(env),
        "public_url": f"http://127.0.0.1:{port if _is_port(port) else 0}",
    }
    return defaults | ({"host": "127.0.0.1"} if dev else {})


def _is_port(held: object) -> bool:
    # What is no port has a problem line of its own; the URL made of it must not add another.
    return str(held).isdecimal() and int(str(held)) <= 65535


def _explain(
    error: PydanticError, names: Mapping[str, str], numbers: Mapping[str, Given]
) -> list[Problem]:
    problems = []
    for item in error.errors(include_url=False):
        key, *path = [str(part) for part in item["loc"]]
        model: type[BaseModel] = Settings
        name = names.get(key, key)
        if key == "numbers":
            name, key, model = numbers[path[0]].name, path[1], NumberTable
            if key == "[key]":
                problems.append(Problem(name, "is no phone number", "write it as +15551234567"))
                continue
            name = f"{name}.{key}"
        if item["type"] == "extra_forbidden":
            known = ", ".join(NumberTable.model_fields)
            problems.append(Problem(name, "there is no such setting", f"it may be one of: {known}"))
            continue
        problems.append(Problem(name, *_fault(model, key, item["input"], item["msg"])))
    return problems


def _fault(model: type[BaseModel], key: str, held: object, message: str) -> tuple[str, str]:
    field = model.model_fields[key]
    own = message.removeprefix("Value error, ")
    wanted = own if own.startswith("one of: ") else str(field.description)
    if SecretStr.__name__ in str(field.annotation):
        if not str(held).strip():
            return "is empty", f"leave it out, or have it hold {wanted}"
        return "held a secret that is not one", f"it may hold {wanted}"
    if key in BESIDE_SECRETS:
        return "held something else, not shown for it might be a secret", f"it may hold {wanted}"
    if "@" in str(held):
        return "held a secret that is not one", f"it may hold {wanted}"
    return f"held {held!r}", f"it may hold {wanted}"
