"""Every vendor is declared in the same shape, and whatever is declared is there."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from providers.catalog import TABLES, VENDORS, account_of, class_of
from providers.declaration import Declaration, declaration_of
from providers.domain import is_within
from providers.facts import KINDS
from providers.settings import VendorSettings

ROOT = Path(__file__).parents[2]
FILES = ROOT / "providers" / "vendors"
each = pytest.mark.parametrize("vendor", VENDORS.values(), ids=list(VENDORS))


def test_every_file_is_in_the_catalogue() -> None:
    assert {path.stem for path in FILES.glob("*.toml")} == set(VENDORS)
    assert {path.stem for path in FILES.glob("*.md")} == set(VENDORS)


@each
def test_who_it_is_and_what_to_know_is_said(vendor: Declaration) -> None:
    assert vendor.title
    assert vendor.url.startswith("https://")
    sentences = (vendor.about, *vendor.limits, *vendor.assumed, *vendor.notes)
    assert [text for text in sentences if not text.endswith(".")] == []
    assert vendor.limits


@each
def test_what_it_offers_is_there(vendor: Declaration) -> None:
    assert any(vendor.offers.values())
    for kind in KINDS:
        for name, offer in vendor.offers[kind].items():
            assert account_of(name) == vendor.account
            assert class_of(kind, name) is not None
            assert 0 < len(offer.about) <= 80


@each
def test_what_it_needs_can_be_set(vendor: Declaration) -> None:
    settings = vendor.settings.keys()
    own = {offer.own_server for offers in vendor.offers.values() for offer in offers.values()}
    assert {key for group in vendor.needs for key in group} | own - {None} <= settings
    assert {f"{vendor.account}_{key}" for key in settings} <= VendorSettings.model_fields.keys()
    assert (own == {None}) == (vendor.domain is None)


@each
def test_its_extra_is_one_of_parley_s(vendor: Declaration) -> None:
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    assert (vendor.package is None) == (vendor.extra is None)
    assert vendor.extra is None or vendor.extra in extras["optional-dependencies"]


def test_no_name_is_two_vendors() -> None:
    for kind, table in TABLES.items():
        assert len(table) == sum(len(vendor.offers[kind]) for vendor in VENDORS.values())


def test_a_variable_is_the_account_s() -> None:
    assert declaration_of("soniox").variable("api_key") == "SONIOX_API_KEY"


def test_a_stranger_is_not_declared() -> None:
    with pytest.raises(FileNotFoundError):
        declaration_of("nobody")


@pytest.mark.parametrize(
    ("url", "within"),
    [
        ("https://openai.com/v1", True),
        ("https://eu.api.OpenAI.com:443/v1", True),
        ("https://notopenai.com/v1", False),
        ("https://openai.com.example/v1", False),
        ("/v1", False),
    ],
)
def test_whose_an_address_is(url: str, within: bool) -> None:
    assert is_within(url, "openai.com") is within
