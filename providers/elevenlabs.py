"""PURE: what all doors of ElevenLabs share: account, addresses, languages, messages.

Source: https://elevenlabs.io/docs/api-reference
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from urllib.parse import quote, urlencode

from .errors import MissingKeyError
from .tags import general

__all__ = ["HEARD", "PROVIDER", "ElevenLabsAccount", "language_code", "tag_of"]

PROVIDER = "elevenlabs"
_PAIRS = (
    "afr:af amh:am ara:ar hye:hy asm:as ast:ast aze:az bel:be ben:bn bos:bs bul:bg mya:my "
    "yue:yue cat:ca ceb:ceb nya:ny hrv:hr ces:cs dan:da nld:nl eng:en est:et fil:fil fin:fi "
    "fra:fr ful:ff glg:gl lug:lg kat:ka deu:de ell:el guj:gu hau:ha heb:he hin:hi hun:hu "
    "isl:is ibo:ig ind:id gle:ga ita:it jpn:ja jav:jv kea:kea kan:kn kaz:kk khm:km kor:ko "
    "kur:ku kir:ky lao:lo lav:lv lin:ln lit:lt luo:luo ltz:lb mkd:mk msa:ms mal:ml mlt:mt "
    "zho:zh mri:mi mar:mr mon:mn nep:ne nso:nso nor:no oci:oc ori:or pus:ps fas:fa pol:pl "
    "por:pt pan:pa ron:ro rus:ru srp:sr sna:sn snd:sd slk:sk slv:sl som:so spa:es swa:sw "
    "swe:sv tam:ta tgk:tg tel:te tha:th tur:tr ukr:uk umb:umb urd:ur uzb:uz vie:vi cym:cy "
    "wol:wo xho:xh zul:zu"
)
_ISO_639_3 = dict(pair.split(":") for pair in _PAIRS.split())
"""The languages that Scribe understands: ISO 639-3, as it reports them, and BCP-47."""
# Written as BCP-47 has them, and what ElevenLabs calls them.
_OWN_CODES = {"nb": "no", "nn": "no", "cmn": "zh", "tl": "fil"}
HEARD = (*_ISO_639_3.values(), *_OWN_CODES)
"""BCP-47 tags of the languages that the recognizers understand."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ElevenLabsAccount:
    """Whose account it is, and where.

    Attributes:
        api_key: the key.
        base_url: where; residency regions have addresses of their own, such as
            `https://api.eu.residency.elevenlabs.io`.
        stt_model: which model recognizes streams.
        files_model: which model recognizes recordings.
        tts_model: which model speaks.
        voice_id: who speaks when no voice is chosen.

    Raises:
        MissingKeyError: there is no key.
    """

    api_key: str = field(default="", repr=False)
    base_url: str = "https://api.elevenlabs.io"
    stt_model: str = "scribe_v2_realtime"
    files_model: str = "scribe_v2"
    tts_model: str = "eleven_flash_v2_5"
    voice_id: str = "JBFqnCBsd6RMkjVDRZzb"

    def __post_init__(self) -> None:
        if not self.api_key:
            raise MissingKeyError(PROVIDER, "no key", hint="set ELEVENLABS_API_KEY")

    @property
    def headers(self) -> dict[str, str]:
        """What proves the account; the key goes nowhere else."""
        return {"xi-api-key": self.api_key}

    def url(self, *path: str, query: Sequence[tuple[str, str]] = ()) -> str:
        """The address of what is under `path`, which begins with the version."""
        parts = [self.base_url.rstrip("/"), *(quote(part, safe="") for part in path)]
        return "/".join(parts) + (f"?{urlencode(query)}" if query else "")

    def socket_url(self, *path: str, query: Sequence[tuple[str, str]]) -> str:
        """Likewise, of a WebSocket."""
        scheme, _, rest = self.url(*path, query=query).partition("://")
        return f"{'wss' if scheme == 'https' else 'ws'}://{rest}"


def language_code(tag: str) -> str:
    """ElevenLabs' code for a BCP-47 tag: the language, without the region."""
    code = general(tag)
    return _OWN_CODES.get(code, code)


def tag_of(code: object) -> str | None:
    """The BCP-47 tag for a language as Scribe reports it, in two letters or three."""
    return _ISO_639_3.get(code, code) if isinstance(code, str) and code else None
