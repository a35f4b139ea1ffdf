"""The page of one vendor."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence

from providers.declaration import Declaration
from providers.facts import Kind
from providers.library.overview import ProviderInfo
from providers.types import SttCapabilities

from .tables import table

__all__ = ["EXAMPLE", "example", "page"]

EXAMPLE = "example.py"
_KINDS: dict[Kind, str] = {
    "stt": "recognizes streams",
    "files": "recognizes files",
    "tts": "speaks",
}
_SAFE_TO = {"word": "word", "item": "utterance", "commit": "utterance"}
_MADE = "<!-- Made by `python -m tests.vendor_pages` of {}.toml: change that. -->\n"


def page(vendor: Declaration, infos: Sequence[ProviderInfo]) -> str:
    """What a user should know of a vendor, in Markdown.

    Args:
        vendor: the vendor.
        infos: of its providers.
    """
    parts = [
        _MADE.format(vendor.account),
        f"# {vendor.title}\n",
        f"{vendor.about} [Its documentation]({vendor.url}).\n",
        _services(vendor, infos),
        "## An example\n",
        _env(vendor),
        "These in `.env` are all that calls need. For files and texts, from Python:\n",
        f"```python\n{example(vendor)}```\n",
        *_settings(vendor),
        *(line for info in infos for line in _service(info)),
        *_listed("What is limited", vendor.limits),
        *_listed("What is assumed", vendor.assumed),
        *_listed("What else to know", vendor.notes),
    ]
    return "\n".join(parts)


def example(vendor: Declaration) -> str:
    """A program that uses a vendor for all that it offers."""
    hears = next(iter(vendor.offers["stt"] or vendor.offers["files"]), None)
    speaks = next(iter(vendor.offers["tts"]), None)
    named = {"stt_provider": hears, "tts_provider": speaks}
    given = ", ".join(f'{key}="{name}"' for key, name in named.items() if name)
    lines = []
    if hears:
        lines += ['result = await speech.transcribe_file("question.wav")', "print(result.text)"]
    if speaks:
        lines += ['spoken = await speech.synthesize("It is ready.", container="wav")']
        lines += ['Path("answer.wav").write_bytes(spoken.audio)']
    imports = ["import asyncio", *(["from pathlib import Path"] if speaks else [])]
    body = textwrap.indent("\n".join(lines), " " * 8)
    return (
        f"# {EXAMPLE}\n"
        + "\n".join(imports)
        + "\n\nfrom providers import VoiceProcessor\n\n\nasync def main() -> None:\n"
        + f"    async with VoiceProcessor({given}) as speech:\n{body}\n\n\n"
        + 'if __name__ == "__main__":\n    asyncio.run(main())\n'
    )


def _services(vendor: Declaration, infos: Sequence[ProviderInfo]) -> str:
    rows = [
        (f"`{info.name}`", _KINDS[info.kind], _offer(info), info.languages, info.price)
        for info in infos
    ]
    services = table(("name", "does what", "how", "languages", "list price"), rows)
    if vendor.extra is None:
        return services
    return f"{services}\nIt runs by Parley's extra `{vendor.extra}`, which `infra/run` installs.\n"


def _offer(info: ProviderInfo) -> str:
    return info.vendor.offers[info.kind][info.name].about


def _env(vendor: Declaration) -> str:
    lines = [f"{vendor.variable(key)}=..." for key, *_ in vendor.needs]
    lines += vendor.example.strip().splitlines()
    chosen = {
        "PARLEY_STT_PROVIDER": vendor.offers["stt"],
        "PARLEY_TTS_PROVIDER": vendor.offers["tts"],
    }
    lines += [f"{variable}={next(iter(offers))}" for variable, offers in chosen.items() if offers]
    return "\n".join(["```", *lines, "```\n"])


def _settings(vendor: Declaration) -> Iterator[str]:
    if not vendor.settings:
        return
    yield "## Settings\n"
    rows = [
        (f"`{vendor.variable(key)}`", f"`{held.default}`" if held.default else "", held.about)
        for key, held in vendor.settings.items()
    ]
    yield table(("variable", "default", "meaning"), rows)
    groups = [" or ".join(f"`{vendor.variable(key)}`" for key in group) for group in vendor.needs]
    if groups:
        yield f"It needs {', and '.join(groups)}.\n"
    names = f"`{next(iter(vendor.settings))}` in a table `[{vendor.account}]`"
    yield f"In TOML they are without the vendor's name, such as {names}.\n"


def _service(info: ProviderInfo) -> Iterator[str]:
    yield f"## `{info.name}` {_KINDS[info.kind]}\n"
    yield table(("", ""), _details(info))


def _details(info: ProviderInfo) -> Iterator[tuple[str, str]]:
    facts, able = info.facts, info.capabilities
    assert able is not None
    yield "languages", f"{len(able.languages)}: {', '.join(able.languages)}"
    if isinstance(able, SttCapabilities):
        audio = dict.fromkeys(f"{a.encoding.value} {a.sample_rate_hz} Hz" for a in able.audio)
        yield "audio, best first", ", ".join(audio)
        if info.kind == "stt":
            yield (
                "after a loss",
                f"goes on behind the last {_SAFE_TO[able.boundary]} that was final",
            )
    yield "options that it honours", ", ".join(f"`{name}`" for name in sorted(able.options))
    yield "that it cannot honour", ", ".join(f"`{name}`" for name in info.not_honoured or ())
    source = f"; {facts.priced.partition(': ')[2]}" if facts.price else ""
    tier = "; it has a free tier" if facts.price and facts.free else ""
    yield "list price", f"{info.price}{source}{tier}"
    yield "quality, as we judge it", f"{facts.quality:g} of 100; {facts.quality_source}"
    yield "latency", f"{facts.latency_ms:g} ms; {facts.latency_source}"


def _listed(title: str, sentences: Sequence[str]) -> Iterator[str]:
    if sentences:
        yield f"## {title}\n"
        yield "".join(f"- {sentence}\n" for sentence in sentences)
