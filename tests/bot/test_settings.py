"""Settings: where they are read, what is refused, what the error says."""

from __future__ import annotations

import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from bot.numbers import provider_names
from bot.settings import Settings, SettingsError, is_loopback
from bot.state_dir import default_state_dir, dev_token, find_dev_token
from bot.telephony.address import Address
from providers import catalog

TOKEN = "0123456789abcdef0123456789abcdef"


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working directory, which is the home directory as well."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path


def load(**variables: str) -> Settings:
    return Settings.load(env={"TWILIO_AUTH_TOKEN": TOKEN, **variables})


def problems(**variables: str) -> list[str]:
    with pytest.raises(SettingsError) as caught:
        load(**variables)
    return str(caught.value).splitlines()


def test_defaults(home: Path) -> None:
    settings = load()
    assert (settings.host, settings.port) == ("0.0.0.0", 8080)
    assert settings.public_url == "http://127.0.0.1:8080"
    assert settings.dialog == "echo"
    assert settings.state_dir == home / ".local" / "state" / "parley"
    assert settings.recordings is None
    assert not settings.dev


def test_a_vendor_may_have_a_table(tmp_path: Path) -> None:
    (tmp_path / "parley.toml").write_text('[soniox]\napi_key = "hush"\nregion = "eu"\n', "utf-8")
    settings = load(PARLEY_CONFIG=str(tmp_path / "parley.toml"))
    assert settings.vendor("soniox") == {"api_key": "hush", "region": "eu"}


def test_the_process_environment_is_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TWILIO_AUTH_TOKEN", TOKEN)
    monkeypatch.setenv("PARLEY_PORT", "9000")
    assert Settings.load().port == 9000


def test_public_url_defaults_to_the_port_in_use() -> None:
    assert load(PARLEY_PORT="9000").public_url == "http://127.0.0.1:9000"


def test_command_line_over_environment_over_dotenv_over_toml(home: Path) -> None:
    (home / "parley.toml").write_text('port = 1\nhost = "1"\nvoice = "1"\ndialog = "1:a"\n')
    (home / ".env").write_text("PARLEY_PORT=2\nPARLEY_HOST=2\nPARLEY_VOICE=2\nUNRELATED=1\n")
    settings = Settings.load(
        env={"TWILIO_AUTH_TOKEN": TOKEN, "PARLEY_PORT": "3", "PARLEY_HOST": "3", "HOME": "/"},
        overrides={"port": 4, "host": None},
    )
    assert (settings.port, settings.host, settings.voice, settings.dialog) == (4, "3", "2", "1:a")


def test_an_empty_variable_is_not_set() -> None:
    assert load(PARLEY_PORT="").port == 8080


@pytest.mark.parametrize("key", ["0", "9", "*", "#"])
def test_a_key_against_calls(key: str) -> None:
    assert load().do_not_call_digit is None
    assert load(PARLEY_DO_NOT_CALL_DIGIT=key).do_not_call_digit == key


@pytest.mark.parametrize("key", ["10", "a", "٣", "9\n"])
def test_what_is_no_key_is_said(key: str) -> None:
    (problem,) = problems(PARLEY_DO_NOT_CALL_DIGIT=key)
    assert problem.endswith("; it may hold a key of a telephone, 0 to 9, * or #")


def test_recordings_may_be_off() -> None:
    assert load(PARLEY_RECORDINGS="off").recordings is None


def test_directories_are_those_of_the_working_directory_that_named_them(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = load(PARLEY_RECORDINGS="calls", PARLEY_STATE_DIR="state")
    monkeypatch.chdir("/")
    assert (settings.recordings, settings.state_dir) == (home / "calls", home / "state")


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("https://bot.example.com/", "https://bot.example.com"),
        ("https://bot.example.com/voice/", "https://bot.example.com/voice"),
        ("http://localhost:8080", "http://localhost:8080"),
        ("http://[::1]:8080/", "http://[::1]:8080"),
        ("HTTPS://Bot.Example.com:443/Voice/", "https://bot.example.com:443/Voice"),
        ("HTTP://LOCALHOST", "http://localhost"),
        ("https://bot.example.com?", "https://bot.example.com"),
    ],
)
def test_public_url_is_normalised(given: str, kept: str) -> None:
    assert load(PARLEY_PUBLIC_URL=given).public_url == kept


def test_the_urls_made_of_a_public_url_have_a_scheme(home: Path) -> None:
    address = Address(load(PARLEY_PUBLIC_URL="HTTPS://bot.example.com").public_url)
    assert address.media == "wss://bot.example.com/twilio/media"


@pytest.mark.parametrize(
    "given",
    [
        "http://bot.example.com",
        "ws://127.0.0.1:8080",
        "bot.example.com",
        "https://",
        "https://bot.example.com/?a=1",
        "https://bot.example.com/#a",
        "https://bot.example.com:port",
    ],
)
def test_public_url_is_refused(given: str) -> None:
    [problem] = problems(PARLEY_PUBLIC_URL=given)
    assert problem.startswith(f"PARLEY_PUBLIC_URL: held {given!r}; it may hold the https://")


def test_a_public_url_with_a_password_is_not_repeated() -> None:
    [problem] = problems(PARLEY_PUBLIC_URL="https://me:hush@bot.example.com")
    assert "hush" not in problem


@pytest.mark.parametrize(
    ("variables", "chosen"),
    [
        # What needs no account is for when nothing else is configured.
        ({}, ("pocketsphinx", "espeak")),
        ({"SONIOX_API_KEY": "k"}, ("soniox", "soniox")),
        ({"DEEPGRAM_API_KEY": "k", "PARLEY_STT_PROVIDER": "pocketsphinx"}, ("pocketsphinx", None)),
        (
            {
                "SONIOX_API_KEY": "k",
                "ELEVENLABS_API_KEY": "k",
                "PARLEY_AUTO_SELECT": "true",
                "PARLEY_OPTIMIZE_FOR": "quality",
            },
            ("elevenlabs,soniox", "elevenlabs,elevenlabs-http,soniox"),
        ),
        (
            {
                "SONIOX_API_KEY": "k",
                "DEEPGRAM_API_KEY": "k",
                "PARLEY_AUTO_SELECT": "true",
                "PARLEY_PREFERRED_STT": "openai, deepgram-flux, pocketsphinx",
                "PARLEY_PREFERRED_TTS": "espeak",
            },
            ("deepgram-flux,pocketsphinx", "espeak"),
        ),
    ],
)
def test_providers_are_chosen_when_none_are_named(
    variables: dict[str, str], chosen: tuple[str, str | None]
) -> None:
    bot = load(**variables).bot_for("")
    assert bot.stt_provider == chosen[0]
    assert chosen[1] in (None, bot.tts_provider)


@pytest.mark.parametrize(
    ("variable", "held", "allowed"),
    [
        ("PARLEY_PORT", "abc", "a port number, 0 to 65535"),
        ("PARLEY_PORT", "65536", "a port number, 0 to 65535"),
        ("PARLEY_VAD", "loud", "auto, silero, webrtc or energy"),
        ("PARLEY_STT_PROVIDER", "ears", "pocketsphinx"),
        ("PARLEY_TTS_PROVIDER", "mouth", "espeak"),
        ("PARLEY_LANGUAGE", "English", "a BCP-47 tag such as en-US"),
        ("PARLEY_FALLBACK_NUMBER", "555-1234", "a phone number in E.164 form"),
        ("PARLEY_RETENTION_DAYS", "0", "days, 1 to 3650"),
    ],
)
def test_a_wrong_value_is_named_with_what_it_held_and_may_hold(
    variable: str, held: str, allowed: str
) -> None:
    [problem] = problems(**{variable: held})
    assert problem.startswith(f"{variable}: held {held!r}; it may hold ")
    assert allowed in problem


def test_a_secret_is_never_repeated() -> None:
    [problem] = problems(REDIS_URL="http://:hush@localhost")
    assert problem.startswith("REDIS_URL: held a secret that is not one; it may hold a redis://")
    assert "hush" not in problem
    settings = load(REDIS_URL="redis://:hush@localhost", PARLEY_API_KEY="hush-hush-hush")
    assert "hush" not in repr(settings)
    assert TOKEN not in repr(settings)


def test_a_token_in_the_place_of_the_account_is_not_repeated() -> None:
    assert problems(TWILIO_ACCOUNT_SID=TOKEN, TWILIO_AUTH_TOKEN="AC" + TOKEN) == [
        "TWILIO_ACCOUNT_SID: held something else, not shown for it might be a secret; "
        "it may hold AC and 32 hexadecimal digits"
    ]


SECRETS = ["api_key", "soniox_api_key", "twilio_auth_token", "twilio_auth_token_secondary"]


@pytest.mark.parametrize("key", SECRETS)
@pytest.mark.parametrize("held", ["", " "])
def test_an_empty_secret_is_none(home: Path, key: str, held: str) -> None:
    (home / "parley.toml").write_text(f'{key} = "{held}"\n')
    with pytest.raises(SettingsError) as caught:
        Settings.load(env={} if key == "twilio_auth_token" else {"TWILIO_AUTH_TOKEN": TOKEN})
    assert str(caught.value).startswith(f"parley.toml: {key}: is empty; leave it out, or have it")


@pytest.mark.parametrize("key", SECRETS)
def test_white_space_around_a_secret_is_no_part_of_it(key: str) -> None:
    name = "PARLEY_API_KEY" if key == "api_key" else key.upper()
    held = getattr(load(**{name: " hush\r\n"}), key)
    assert held.get_secret_value() == "hush"


@pytest.mark.parametrize("name", ["PARLEY_API_KEY", "SONIOX_API_KEY"])
@pytest.mark.parametrize("held", ["hush\nhush", "hush hush", "hüsh", "hush\x7f", "hush\u200b"])
def test_a_secret_that_no_header_can_hold_is_not_repeated(name: str, held: str) -> None:
    [problem] = problems(**{name: held})
    assert problem.startswith(f"{name}: held a secret that is not one; it may hold ")
    assert problem.endswith(", in printable ASCII without spaces")
    assert "sh" not in problem


@pytest.mark.parametrize("key", ["state_dir", "recordings", "redis_url", "voice", "host"])
def test_toml_holds_nothing_that_is_empty(home: Path, key: str) -> None:
    (home / "parley.toml").write_text(f'{key} = ""\n')
    [problem] = problems()
    assert problem.startswith(f"parley.toml: {key}: ")


@pytest.mark.parametrize("key", SECRETS)
def test_an_empty_secret_in_the_environment_is_not_set(key: str) -> None:
    name = "PARLEY_API_KEY" if key == "api_key" else key.upper()
    settings = Settings.load(env={name: "", "PARLEY_STATE_DIR": "state"}, worker=False)
    assert getattr(settings, key) is None


@pytest.mark.parametrize(
    "url",
    [
        "redis://:hush/hush@localhost:6379",  # a password that is not percent-encoded
        "redis://:hush@localhost:hush",
        "redis://:hush@localhost/hush",
        "rediss://:hush@",
        "unix://",
    ],
)
def test_what_cannot_be_a_redis_is_found_before_anything_connects_to_it(url: str) -> None:
    [problem] = problems(REDIS_URL=url)
    assert problem.startswith("REDIS_URL: ")
    assert "hush" not in problem


@pytest.mark.parametrize(
    "url", ["redis://h", "rediss://:p%2Fw@h:6380/3", "unix:///run/r.sock?db=2"]
)
def test_what_can_be_a_redis_is_taken_as_it_is(url: str) -> None:
    held = load(REDIS_URL=url).redis_url
    assert held is not None
    assert held.get_secret_value() == url


def test_the_scheme_of_a_redis_is_written_as_redis_py_wants_it() -> None:
    held = load(REDIS_URL="REDIS://:Hush@Host/1").redis_url
    assert held is not None
    assert held.get_secret_value() == "redis://:Hush@Host/1"


@pytest.mark.parametrize("name", ["SONIOX_STT_URL", "SONIOX_TTS_URL"])
@pytest.mark.parametrize(
    "url",
    [
        "ws://vendor.example/stt",
        "https://vendor.example/stt",
        "wss://vendor.example",
        "wss://vendor.example/",
        "wss://vendor.example/stt?key=1",
        "wss://vendor.example/stt#1",
        "wss://vendor.example:port/stt",
        "wss:///stt",
    ],
)
def test_an_address_of_a_vendor_that_is_none(name: str, url: str) -> None:
    wanted = "a wss:// address with its path; ws:// for loopback alone"
    assert problems(**{name: url}) == [f"{name}: held {url!r}; it may hold {wanted}"]


def test_an_address_of_a_vendor_holds_no_user() -> None:
    for url in ("wss://hush@vendor.example/stt", "wss://me:hush@vendor.example/stt"):
        [problem] = problems(SONIOX_STT_URL=url)
        assert problem.startswith("SONIOX_STT_URL: ")
        assert "hush" not in problem


def test_addresses_of_a_vendor() -> None:
    settings = load(
        SONIOX_STT_URL="wss://vendor.example:8443/stt", SONIOX_TTS_URL="ws://127.0.0.1:1/tts"
    )
    assert settings.vendor("soniox") == {
        "region": "us",
        "stt_url": "wss://vendor.example:8443/stt",
        "tts_url": "ws://127.0.0.1:1/tts",
    }


def test_a_region_that_the_vendor_has_not() -> None:
    assert problems(SONIOX_REGION="mars") == [
        "SONIOX_REGION: held 'mars'; it may hold us, eu or jp"
    ]


def test_every_problem_is_told_at_once() -> None:
    found = problems(PARLEY_PORT="x", PARLEY_VAD="x", PARLEY_NONSENSE_QQ="1")
    assert [line.split(":")[0] for line in found] == [
        "PARLEY_NONSENSE_QQ",
        "PARLEY_PORT",
        "PARLEY_VAD",
    ]


def test_unknown_variable_has_its_nearest_match() -> None:
    [problem] = problems(PARLEY_DIALGO="echo")
    assert problem == "PARLEY_DIALGO: there is no such setting; did you mean PARLEY_DIALOG?"


def test_unknown_variable_without_a_match() -> None:
    [problem] = problems(PARLEY_QQQQQQQQQQQQQ="1")
    assert problem.endswith("remove it, or look for its right name")


def test_names_are_as_written_in_dotenv_toml_and_command_line(home: Path) -> None:
    (home / ".env").write_text("PARLEY_MAX_CALLS=none\n")
    (home / "parley.toml").write_text('vad = "x"\nspeeed = 1\n')
    with pytest.raises(SettingsError) as caught:
        Settings.load(env={"TWILIO_AUTH_TOKEN": TOKEN}, overrides={"state_dir": 5})
    names = [problem.name for problem in caught.value.problems]
    assert names == [
        "parley.toml: speeed",
        "parley.toml: vad",
        "PARLEY_MAX_CALLS in .env",
        "--state-dir",
    ]


def test_config_file_is_named_by_a_variable(home: Path) -> None:
    (home / "other.toml").write_text("port = 7000\n")
    assert load(PARLEY_CONFIG="other.toml").port == 7000
    (home / ".env").write_text("PARLEY_CONFIG=other.toml\n")
    assert load().port == 7000


def test_a_named_config_file_must_be_there() -> None:
    assert problems(PARLEY_CONFIG="no.toml") == ["PARLEY_CONFIG: there is no file 'no.toml'"]


def test_a_config_file_that_is_not_toml(home: Path) -> None:
    (home / "parley.toml").write_text("port 8080")
    [problem] = problems()
    assert problem.startswith("parley.toml: cannot be read: ")


def test_a_dotenv_file_that_is_no_text(home: Path) -> None:
    (home / ".env").write_bytes(b"PARLEY_PORT=\xff\n")
    [problem] = problems()
    assert problem.startswith(".env: cannot be read: ")


NUMBERS = """
language = "en-GB"
[numbers.default]
dialog = "script:default.toml"
fallback_number = "+15550000000"
tts_provider = "espeak"
[numbers."+15551234567"]
dialog = "script:booking.toml"
voice = "en-us"
stt_provider = "pocketsphinx"
"""


def test_the_called_number_chooses_the_bot(home: Path) -> None:
    (home / "parley.toml").write_text(NUMBERS)
    settings = load()
    bot = settings.bot_for("+15551234567")
    assert (bot.dialog, bot.voice) == ("script:booking.toml", "en-us")
    assert (bot.stt_provider, bot.tts_provider) == ("pocketsphinx", "espeak")
    assert (bot.language, bot.fallback_number) == ("en-GB", "+15550000000")
    other = settings.bot_for("+15559999999")
    assert (other.dialog, other.voice) == ("script:default.toml", None)
    assert settings.bots() == [other, bot]


def test_the_environment_is_the_default_numbers_setting(home: Path) -> None:
    (home / "parley.toml").write_text(NUMBERS)
    settings = load(PARLEY_DIALOG="echo")
    assert settings.bot_for("+15559999999").dialog == "echo"
    assert settings.bot_for("+15551234567").dialog == "script:booking.toml"


def test_every_number_has_the_engines_that_its_table_names(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(catalog.STT, "ears", "no:Ears")
    monkeypatch.setitem(catalog.TTS, "mouth", "no:Mouth")
    for where, number in (("default", ""), ('"+15551234567"', "+15551234567")):
        (home / "parley.toml").write_text(
            f'[numbers.{where}]\nstt_provider = "ears"\ntts_provider = "mouth"\n'
        )
        bot = load().bot_for(number)
        assert (bot.stt_provider, bot.tts_provider) == ("ears", "mouth")


def test_several_providers_in_the_order_of_preference(home: Path) -> None:
    (home / "parley.toml").write_text(
        'stt_provider = ["pocketsphinx", "soniox"]\n'
        '[numbers."+15551234567"]\ntts_provider = "espeak, soniox"\n'
    )
    settings = load()
    bot = settings.bot_for("+15551234567")
    assert (bot.stt_provider, bot.tts_provider) == ("pocketsphinx,soniox", "espeak,soniox")
    assert provider_names(bot.tts_provider) == ["espeak", "soniox"]
    assert load(PARLEY_TTS_PROVIDER="soniox,espeak").tts_provider == "soniox,espeak"


@pytest.mark.parametrize("held", ["soniox,ears", "soniox,soniox", "soniox,"])
def test_each_of_several_providers_must_be_known_and_named_once(held: str) -> None:
    [problem] = problems(PARLEY_STT_PROVIDER=held)
    assert problem.startswith(f"PARLEY_STT_PROVIDER: held {held!r}; it may hold one of: ")
    assert problem.endswith("; or several, each once, with commas")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (
            '[numbers."555"]\ndialog = "echo"',
            'parley.toml: numbers."555": is no phone number; write it as +15551234567',
        ),
        (
            '[numbers."+1555"]\nlanguage = "x"',
            "parley.toml: numbers.\"+1555\".language: held 'x'; "
            "it may hold a BCP-47 tag such as en-US",
        ),
        (
            '[numbers."+1555"]\ncolour = "x"',
            'parley.toml: numbers."+1555".colour: there is no such setting; it may be one of: '
            "dialog, language, voice, stt_provider, tts_provider, fallback_number",
        ),
        (
            'numbers = "+1555"',
            "parley.toml: numbers: is not made of tables; "
            'write tables such as [numbers."+15551234567"]',
        ),
        (
            "[numbers.default]\ndialgo = 1",
            "parley.toml: numbers.default.dialgo: there is no such setting; did you mean dialog?",
        ),
        (
            '[numbers.default]\nstt = "pocketsphinx"',
            "parley.toml: numbers.default.stt: there is no such setting; "
            "remove it, or look for its right name",
        ),
        (
            '[numbers."+1555"]\ntts = "espeak"',
            'parley.toml: numbers."+1555".tts: there is no such setting; it may be one of: '
            "dialog, language, voice, stt_provider, tts_provider, fallback_number",
        ),
        (
            "[numbers.default]\nmax_calls = 1",
            "parley.toml: numbers.default.max_calls: there is no such setting; "
            "remove it, or look for its right name",
        ),
    ],
)
def test_wrong_number_tables(home: Path, text: str, problem: str) -> None:
    (home / "parley.toml").write_text(text)
    assert problems() == [problem]


def test_a_worker_needs_a_token_without_dev() -> None:
    with pytest.raises(SettingsError, match="TWILIO_AUTH_TOKEN: is not set"):
        Settings.load(env={})


def test_both_tokens_while_they_are_rotated() -> None:
    settings = load(TWILIO_AUTH_TOKEN_SECONDARY="second")
    assert settings.auth_tokens == (TOKEN, "second")


def test_dev_keeps_a_token_that_other_commands_find() -> None:
    before = Settings.load(env={}, worker=False)
    assert before.auth_tokens == ()
    worker = Settings.load(env={}, dev=True)
    assert worker.dev
    assert worker.host == "127.0.0.1"
    assert len(worker.auth_tokens[0]) == 32
    assert Settings.load(env={}, dev=True).auth_tokens == worker.auth_tokens
    assert Settings.load(env={}, worker=False).auth_tokens == worker.auth_tokens


def test_dev_uses_the_token_that_is_given() -> None:
    settings = Settings.load(env={"TWILIO_AUTH_TOKEN": TOKEN}, dev=True)
    assert settings.auth_tokens == (TOKEN,)
    assert find_dev_token(settings.state_dir) is None


def test_dev_binds_loopback_only() -> None:
    with pytest.raises(SettingsError, match=r"PARLEY_HOST: held '0\.0\.0\.0'; --dev binds"):
        Settings.load(env={"PARLEY_HOST": "0.0.0.0"}, dev=True)


def test_dev_says_when_the_state_directory_cannot_be_used(home: Path) -> None:
    (home / "file").write_text("")
    with pytest.raises(SettingsError, match=r"PARLEY_STATE_DIR: held .*cannot be used"):
        Settings.load(env={"PARLEY_STATE_DIR": str(home / "file" / "in")}, dev=True)


def test_the_token_is_for_its_owner_alone_and_the_first_one_stays(home: Path) -> None:
    state_dir = home / "state"
    with ThreadPoolExecutor(8) as pool:
        tokens = set(pool.map(dev_token, [state_dir] * 8))
    assert len(tokens) == 1
    assert [path.name for path in state_dir.iterdir()] == ["dev-token"]
    assert stat.S_IMODE((state_dir / "dev-token").stat().st_mode) == 0o600
    assert stat.S_IMODE(state_dir.stat().st_mode) == 0o700


def test_the_state_directory_follows_xdg(home: Path) -> None:
    assert default_state_dir({"XDG_STATE_HOME": "/var/state"}) == Path("/var/state/parley")
    assert default_state_dir({"XDG_STATE_HOME": "relative"}) == home / ".local/state/parley"


@pytest.mark.parametrize(
    ("host", "answer"),
    [("127.1.2.3", True), ("::1", True), ("localhost", True), ("0.0.0.0", False), ("a.b", False)],
)
def test_loopback(host: str, answer: bool) -> None:
    assert is_loopback(host) is answer


def test_reading_settings_brings_no_engine() -> None:
    code = "import sys, bot.settings; print({'numpy', 'redis', 'starlette'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    assert done.stdout == "set()\n", done.stderr


ROOT = Path(__file__).parents[2]


def test_a_commands_own_defaults_give_way_to_what_is_given(tmp_path: Path) -> None:
    defaults = {"public_url": "http://127.0.0.1:9999"}
    env = {"PARLEY_STATE_DIR": str(tmp_path)}
    assert Settings.load(env=env, worker=False, defaults=defaults).public_url.endswith(":9999")
    env["PARLEY_PUBLIC_URL"] = "https://bot.example.com"
    given = Settings.load(env=env, worker=False, defaults=defaults)
    assert given.public_url == "https://bot.example.com"
