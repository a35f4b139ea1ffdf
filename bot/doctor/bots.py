"""What answers: the dialogs of all numbers, their engines and languages, voice activity."""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable, Iterable
from dataclasses import replace
from typing import Any, TypeVar

from bot.dialog import DialogError
from bot.dialog.hook import load_dialog
from bot.dialog.resources import Resources
from bot.engines import tts_options
from bot.numbers import BotSettings, provider_names
from bot.settings import Settings
from bot.speech import synthesize_ulaw
from media.audio import ULAW_8K
from providers.catalog import build_stt, build_tts
from providers.conversion import wanted_format
from providers.errors import ProviderError
from providers.fallback import Fallback
from providers.stt.attempts import check_language
from providers.stt.trial import try_out
from providers.tts.fallback import own_options
from providers.types import SttOptions, SttProvider, TtsOptions, TtsProvider
from providers.vad import MissingModelError, load_model

from .finding import Finding, Level, Tell, failure, ok, warning
from .thread import Exited, aside

__all__ = ["check_dialogs", "check_recognizers", "check_vad", "check_voices"]

K = TypeVar("K", bound=Hashable)

# One process tells whether they start; a worker has one for each call.
OWN: dict[str, dict[str, Any]] = {"pocketsphinx": {"processes": 1}}
MOST_NAMED = 3


async def check_dialogs(settings: Settings, tell: Tell) -> None:
    """Load every number's dialog, each once."""
    resources = Resources.of(settings)
    try:
        await _load_each(settings, resources, tell)
    finally:
        await resources.aclose()


async def _load_each(settings: Settings, resources: Resources, tell: Tell) -> None:
    for dialog, numbers in _grouped(settings, lambda bot: [bot.dialog]).items():
        remedy = f"correct it, or what names it{numbers}: PARLEY_DIALOG or a number's own"
        try:
            await aside(lambda: load_dialog(dialog, resources))  # noqa: B023
        except DialogError as error:
            tell(failure("dialog", str(error), remedy))
        except Exited as error:
            text = f"dialog {dialog!r} ends the process when it is imported: {error}"
            tell(failure("dialog", text, remedy))
        else:
            tell(ok("dialog", f"{dialog} is loaded{numbers}"))


async def check_recognizers(settings: Settings, tell: Tell) -> None:
    """Start every number's recognizer, and ask whether it understands what is spoken there."""
    spoken = _grouped(
        settings, lambda bot: [(name, bot.language) for name in provider_names(bot.stt_provider)]
    )
    rivals = _Rivals((bot.stt_provider for bot in settings.bots()), tell)
    for name in sorted({name for name, _ in spoken}):
        began_s = time.perf_counter()
        try:
            recognizer = build_stt(name, **OWN.get(name, settings.vendor(name)))
            try:
                await recognizer.start()
                took_s = time.perf_counter() - began_s
                tell(ok("recognizer", f"{name} starts in {took_s:.1f} s"))
                for language, numbers in _of(name, spoken).items():
                    rivals.found(name, await _listen(recognizer, language, numbers))
            finally:
                await recognizer.aclose()
        except ProviderError as error:
            rivals.found(name, _refused("recognizer", error))
    rivals.tell_failures()


async def _listen(stt: SttProvider, language: str, numbers: str) -> Finding:
    try:
        check_language(Fallback.alone(stt), language)
        audio = wanted_format(stt.capabilities.audio, ULAW_8K)
        await try_out(stt, SttOptions(language=language, audio=audio))
    except ProviderError as error:
        return _refused("recognizer", error, f" for {language}{numbers}")
    return ok("recognizer", f"{stt.name} understands {language}{numbers}")


async def check_voices(settings: Settings, tell: Tell) -> None:
    """Start every number's synthesizer, and have the apology spoken in each voice."""
    spoken = _grouped(settings, _spoken_by)
    rivals = _Rivals((bot.tts_provider for bot in settings.bots()), tell)
    for name in sorted({name for name, _ in spoken}):
        try:
            synthesizer = build_tts(name, **OWN.get(name, settings.vendor(name)))
            try:
                await synthesizer.start()
                for options, numbers in _of(name, spoken).items():
                    spoke = await _speak(synthesizer, settings.apology, options, numbers)
                    rivals.found(name, spoke)
            finally:
                await synthesizer.aclose()
        except ProviderError as error:
            rivals.found(name, _refused("voice", error))
    rivals.tell_failures()


async def _speak(tts: TtsProvider, text: str, options: TtsOptions, numbers: str) -> Finding:
    began_s = time.perf_counter()
    voice = f" as {options.voice}" if options.voice else ""
    how = f"{options.language}{voice}{numbers}"
    try:
        await synthesize_ulaw(Fallback.alone(tts), text, options)
    except ProviderError as error:
        return _refused("voice", error, f" for {how}")
    took_ms = (time.perf_counter() - began_s) * 1000
    return ok("voice", f"{tts.name} speaks {how}, a sentence in {took_ms:.0f} ms")


class _Rivals:
    """What is found of providers that may take each other's place.

    Args:
        lists: those of each bot, with commas between.
        tell: is told what is right at once, and what is wrong at the end: it does not keep calls
            from being answered where another provider is right.
    """

    def __init__(self, lists: Iterable[str], tell: Tell) -> None:
        self._lists = [provider_names(names) for names in lists]
        self._tell = tell
        self._wrong: dict[str, list[Finding]] = {}

    def found(self, name: str, finding: Finding) -> None:
        """How a provider is."""
        if finding.level is Level.OK:
            self._tell(finding)
        else:
            self._wrong.setdefault(name, []).append(finding)

    def tell_failures(self) -> None:
        """All were looked at."""
        for name, findings in self._wrong.items():
            lists = [names for names in self._lists if name in names]
            spared = all(set(names) - self._wrong.keys() for names in lists)
            for finding in findings:
                self._tell(replace(finding, level=Level.WARNING) if spared else finding)


async def check_vad(settings: Settings, tell: Tell) -> None:
    """Load the model of voice activity."""
    try:
        model = await aside(lambda: load_model(settings.vad))
    except MissingModelError as error:
        tell(failure("vad", str(error), "install it, or correct PARLEY_VAD"))
        return
    if settings.vad == "auto" and model.name == "energy":
        text = "only loudness is measured: noise will be taken for speech"
        tell(warning("vad", text, "pip install 'parley[silero]'"))
    else:
        tell(ok("vad", f"{model.name} is loaded"))


def _spoken_by(bot: BotSettings) -> list[tuple[str, TtsOptions]]:
    """Who speaks for a bot, and how."""
    names = provider_names(bot.tts_provider)
    return [(name, own_options(tts_options(bot), at, len(names))) for at, name in enumerate(names)]


def _grouped(settings: Settings, keys: Callable[[BotSettings], Iterable[K]]) -> dict[K, str]:
    """What is used, each with who uses it in brackets, unless there is but one who could."""
    users: dict[K, list[str]] = {}
    for name in ["the default", *settings.numbers]:
        bot = settings.bot_for("" if name == "the default" else name)
        for key in keys(bot):
            users.setdefault(key, []).append(name)
    if not settings.numbers:
        return dict.fromkeys(users, "")
    return {used: f" ({_some(names)})" for used, names in users.items()}


def _some(names: list[str]) -> str:
    more = len(names) - MOST_NAMED
    return ", ".join(names[:MOST_NAMED]) + (f" and {more} more" if more > 0 else "")


def _of(name: str, grouped: dict[tuple[str, K], str]) -> dict[K, str]:
    return {rest: users for (provider, rest), users in grouped.items() if provider == name}


def _refused(check: str, error: ProviderError, whom: str = "") -> Finding:
    code = f" ({error.code})" if error.code else ""
    text = f"{error.provider}{whom}: {error.reason}{code}"
    otherwise = (
        "try again soon" if error.retryable else "choose another provider, language or voice"
    )
    # Calls that come now are not answered as they must be, whether or not it mends itself.
    return failure(check, text, error.hint or otherwise)
