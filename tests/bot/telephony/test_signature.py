"""Twilio's signatures: the vectors of its own validator, and properties against it."""

from __future__ import annotations

import hashlib
from urllib.parse import parse_qsl, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st
from twilio.request_validator import RequestValidator

from bot.telephony.signature import HMAC_SHA256, algorithm_of, sign, verify, verify_body

TOKEN = "12345"
FORM = [
    ("CallSid", "CA1234567890ABCDE"),
    ("Digits", "1234"),
    ("From", "+14158675309"),
    ("To", "+18005551212"),
    ("Caller", "+14158675309"),
]
MEDIA = "wss://bot.example.com/twilio/media"
SHA256 = "key=webhooks_sharedkey_1,algorithm=HMAC_SHA256"

# Computed with twilio-python 9.13.0's RequestValidator("12345").
VECTORS = [
    pytest.param(
        "https://mycompany.com/myapp.php?foo=1&bar=2",
        FORM,
        "RSOYDt4T1cUTdK1PDd93/VVr8B8=",
        id="form",
    ),
    pytest.param(
        "https://bot.example.com/status",
        [("CallSid", "CA1"), ("ToCity", ""), ("CallStatus", "ringing")],
        "8lpE0GHBjrRx7YtCTt+wjpJVgEg=",
        id="empty value",
    ),
    pytest.param(MEDIA, [], "xfHDfpT47+GGEe+HqDnVlPDvUCM=", id="wss"),
    pytest.param(MEDIA + "/", [], "bnRxQT+F4sRiM1+2b4aDWxZW23U=", id="wss trailing slash"),
    pytest.param(
        "wss://bot.example.com:443/twilio/media",
        [],
        "BVIsIfpV729XH/jRxeeCr/i12YI=",
        id="wss explicit port",
    ),
]


@pytest.mark.parametrize(("url", "params", "signature"), VECTORS)
def test_vectors(url: str, params: list[tuple[str, str]], signature: str) -> None:
    assert sign(TOKEN, url, params) == signature
    assert verify([TOKEN], url, params, signature)


def test_vector_of_the_sha256_variant() -> None:
    signature = "mCIGebbKwYWmiYx4B+kNZmnRnawfd22sPQ7cnfe2dtA="
    assert sign(TOKEN, MEDIA, algorithm=HMAC_SHA256) == signature
    assert verify([TOKEN], MEDIA, (), signature, settings=SHA256)
    assert not verify([TOKEN], MEDIA, (), signature)
    assert not verify([TOKEN], MEDIA, (), sign(TOKEN, MEDIA), settings=SHA256)


@pytest.mark.parametrize(
    ("settings", "algorithm"),
    [
        (None, "HMAC_SHA1"),
        ("", "HMAC_SHA1"),
        ("key=abc", "HMAC_SHA1"),
        ("key=abc,algorithm=", "HMAC_SHA1"),
        (SHA256, "HMAC_SHA256"),
        ("key=abc, algorithm = hmac_sha256", "HMAC_SHA256"),
        ("algorithm=HMAC_MD5", None),
        ("algorithm=none", None),
    ],
)
def test_algorithm_of_the_settings_header(settings: str | None, algorithm: str | None) -> None:
    assert algorithm_of(settings) == algorithm


def test_an_unknown_algorithm_is_refused() -> None:
    assert not verify([TOKEN], MEDIA, (), sign(TOKEN, MEDIA), settings="algorithm=HMAC_MD5")
    with pytest.raises(ValueError, match="HMAC_MD5"):
        sign(TOKEN, MEDIA, algorithm="HMAC_MD5")


@pytest.mark.parametrize(
    "signature", [None, "", "bm9uZQ==", "xfHDfpT47+GGEe+HqDnVlPDvUCM", "é\udc80"]
)
def test_a_missing_or_wrong_signature_is_refused(signature: str | None) -> None:
    assert not verify([TOKEN], MEDIA, (), signature)


@pytest.mark.parametrize(
    ("signed", "asked"),
    [
        (MEDIA, "wss://bot.example.com:443/twilio/media"),
        ("wss://bot.example.com:443/twilio/media", MEDIA),
        ("https://h/p?q=1", "https://h:443/p?q=1"),
        ("https://h:443/p?q=1", "https://h/p?q=1"),
        ("http://h:80/p", "http://h/p"),
        ("http://127.0.0.1:8000/p", "http://127.0.0.1:8000/p"),
        ("https://h/p", "https://h:8443/p"),
        ("https://[::1]:443/p", "https://[::1]/p"),
        ("https://[::1]/p", "https://[::1]:443/p"),
        ("https://user:secret@h:443/p", "https://user:secret@h/p"),
        ("https://user:secret@h/p", "https://user:secret@h:443/p"),
        ("HTTPS://h:443/p", "HTTPS://h/p"),
        ("https://h/p#rc=3", "https://h/p"),
        ("https://h/p", "https://h/p#rt=5000&rc=3"),
        ("tel:+1555", "tel:+1555"),
        ("sip://h/p", "sip://h/p"),
    ],
)
def test_the_port_may_be_there_or_not_and_the_fragment_is_not_signed(
    signed: str, asked: str
) -> None:
    assert verify([TOKEN], asked, FORM, sign(TOKEN, signed, FORM))


@pytest.mark.parametrize(
    ("signed", "asked"),
    [
        (MEDIA, MEDIA + "/"),
        (MEDIA, MEDIA.replace("wss", "https")),
        (MEDIA, "wss://bot.example.com:80/twilio/media".replace("bot", "bots")),
        ("wss://bot.example.com:80/twilio/media", MEDIA),
        ("https://h/p", "https://h/P"),
        ("https://h/p", "https://h/p?q=1"),
        ("https://h:80/p", "https://h/p"),
    ],
)
def test_another_url_is_refused(signed: str, asked: str) -> None:
    assert not verify([TOKEN], asked, (), sign(TOKEN, signed))


def test_either_token_verifies_during_rotation_and_an_empty_one_never() -> None:
    for token in ("old", "new"):
        assert verify(["new", "old"], MEDIA, (), sign(token, MEDIA))
    assert not verify(["new", "old"], MEDIA, (), sign("foreign", MEDIA))
    assert not verify([""], MEDIA, (), sign("", MEDIA))
    assert not verify([], MEDIA, (), sign(TOKEN, MEDIA))


def test_repeated_fields_count_once_for_each_value_in_order() -> None:
    url = "https://h/p"
    twice = [("b", "2"), ("a", "9"), ("b", "1"), ("b", "2")]
    assert sign(TOKEN, url, twice) == sign(TOKEN, url, [("a", "9"), ("b", "1"), ("b", "2")])
    assert not verify([TOKEN], url, [("a", "9"), ("b", "2")], sign(TOKEN, url, twice))


def test_a_json_body_is_covered_by_its_hash_in_the_query() -> None:
    body = b'{"event":"x"}'
    url = f"https://h/p?bodySHA256={hashlib.sha256(body).hexdigest()}"
    signature = sign(TOKEN, url)
    assert RequestValidator(TOKEN).validate(url, body.decode(), signature)
    assert verify_body([TOKEN], url, body, signature)
    assert not verify_body([TOKEN], url, body + b" ", signature)
    assert not verify_body(["foreign"], url, body, signature)
    assert not verify_body([TOKEN], url, body, None)
    assert verify_body([TOKEN], url, body, sign(TOKEN, url, algorithm=HMAC_SHA256), settings=SHA256)


def test_a_json_body_without_exactly_one_hash_is_refused() -> None:
    digest = hashlib.sha256(b"{}").hexdigest()
    for url in ("https://h/p", f"https://h/p?bodySHA256={digest}&bodySHA256={digest}"):
        assert not verify_body([TOKEN], url, b"{}", sign(TOKEN, url))


names = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12)
values = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
urls = st.builds(
    "{}://{}{}/{}{}".format,
    st.sampled_from(["http", "https"]),
    st.sampled_from(["bot.example.com", "127.0.0.1", "h"]),
    st.sampled_from(["", ":80", ":443", ":8080"]),
    st.sampled_from(["", "a", "twilio/next", "p/"]),
    st.sampled_from(["", "?a=1", "?a=1&b=%20"]),
)


class MultiDict(dict[str, list[str]]):
    """The repeated fields as the SDK's validator reads them from a web framework."""

    def getlist(self, name: str) -> list[str]:
        return self[name]


def multi(params: list[tuple[str, str]]) -> MultiDict:
    found = MultiDict()
    for name, value in params:
        found.setdefault(name, []).append(value)
    return found


@given(url=urls, params=st.lists(st.tuples(names, values), max_size=6), token=names)
def test_agrees_with_the_official_validator(
    url: str, params: list[tuple[str, str]], token: str
) -> None:
    official = RequestValidator(token)
    signature = official.compute_signature(url, multi(params))
    assert sign(token, url, params) == signature
    assert verify([token], url, params, signature)
    assert official.validate(url, multi(params), sign(token, url, params))


@given(params=st.lists(st.tuples(names, values), max_size=6))
def test_a_form_survives_its_encoding(params: list[tuple[str, str]]) -> None:
    parsed = parse_qsl(urlencode(params), keep_blank_values=True)
    assert verify([TOKEN], "https://h/p", parsed, sign(TOKEN, "https://h/p", params))


@given(
    params=st.lists(st.tuples(names, values), max_size=4),
    others=st.lists(st.tuples(names, values), max_size=4),
)
def test_other_fields_do_not_verify(
    params: list[tuple[str, str]], others: list[tuple[str, str]]
) -> None:
    def text(form: list[tuple[str, str]]) -> str:
        return "".join(name + value for name, value in sorted(set(form)))

    signature = sign(TOKEN, "https://h/p", params)
    assert verify([TOKEN], "https://h/p", others, signature) == (text(params) == text(others))
