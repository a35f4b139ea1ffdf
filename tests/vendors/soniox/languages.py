"""The languages that Soniox knows, by their two-letter codes."""

from __future__ import annotations

__all__ = ["LANGUAGES"]

_CODES = (
    "af ar az be bg bn bs ca cs cy da de el en es et eu fa fi fr gl gu he hi hr hu id it ja kk kn"
    " ko lt lv mk ml mr ms nl no pa pl pt ro ru sk sl sq sr sv sw ta te th tl tr uk ur vi zh"
)
LANGUAGES = frozenset(_CODES.split())
