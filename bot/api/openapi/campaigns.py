"""PURE: campaigns, their contacts and the do-not-call list in the OpenAPI description."""

from __future__ import annotations

from typing import Any

from pydantic import TypeAdapter

from bot.campaign.spec import CampaignSpec
from bot.campaign.status import Estimate
from bot.campaign.types import CampaignState, Contact, Progress
from bot.numbers import PHONE_NUMBER

from .parts import SCHEMAS, body, errors, object_, parameter, response

__all__ = ["paths", "schemas"]

_TEXT = {"type": "string"}
_NUMBER = {"type": "string", "pattern": PHONE_NUMBER, "examples": ["+15551234567"]}
_LINES = {"text/csv": {"schema": _TEXT}, "application/x-ndjson": {"schema": _TEXT}}
_STATUS = {"$ref": SCHEMAS + "Status"}
_FAULTS = {
    "400": "What was asked is not well-formed; the message has a line for each fault",
    "401": "The API key is missing or wrong",
    "403": "The API is closed: the worker has no PARLEY_API_KEY",
    "404": "There is no such campaign, contact or number",
    "408": "The body did not come in time; what was imported until then stays",
    "409": "The campaign's state does not allow it, or it lacks something: the message says what",
    "413": "The body is too large; what was imported until then stays",
    "415": "The body is of another type",
    "503": "Redis is away",
}


def paths() -> dict[str, Any]:
    """What can be asked, by path."""
    one = [parameter("id", "The campaign's id", {"type": "string"}, place="path")]
    number = [parameter("number", "In E.164 form", _NUMBER, place="path")]
    campaign = "/campaigns/{id}"
    accepting = body(object_({"accept_loss": {"type": "boolean"}}, required=[]), required=False)
    return {
        "/campaigns": {"get": _list(), "post": _create()},
        campaign: {"parameters": one, "get": _show(), "delete": _delete()},
        f"{campaign}/start": {
            "parameters": one,
            "post": {
                **_act("start", "Let it dial", "400", "408", "413"),
                "description": "Refused (409) while something that it needs is missing: contacts,"
                " credentials, a Redis that keeps what it is told; `accept_loss` does without that",
                "requestBody": accepting,
            },
        },
        f"{campaign}/pause": {
            "parameters": one,
            "post": _act("pause", "Let it dial nobody until it is resumed"),
        },
        f"{campaign}/resume": {
            "parameters": one,
            "post": {
                **_act("resume", "Let it dial again", "400", "408", "413"),
                "requestBody": accepting,
            },
        },
        f"{campaign}/cancel": {
            "parameters": one,
            "post": _act("cancel", "End it, and take back what is queued at Twilio or rings"),
        },
        f"{campaign}/contacts": {"parameters": one, "post": _import()},
        f"{campaign}/contacts/{{number}}": {"parameters": [*one, *number], "get": _contact()},
        f"{campaign}/export": {"parameters": one, "get": _export()},
        "/do-not-call": {"get": _refused(), "post": _refuse()},
        "/do-not-call/{number}": {"parameters": number, "delete": _allow()},
    }


def _list() -> dict[str, Any]:
    summaries = {"type": "array", "items": {"$ref": SCHEMAS + "Campaign"}}
    return {
        "operationId": "listCampaigns",
        "summary": "All campaigns, newest first",
        "responses": {
            "200": response("Campaigns", object_({"campaigns": summaries})),
            **errors(_FAULTS, "401", "403", "503"),
        },
    }


def _create() -> dict[str, Any]:
    return {
        "operationId": "createCampaign",
        "summary": "A new campaign, a draft",
        "description": "The dialog must be one that the workers' settings name. The webhook_url"
        " may be any: whoever may make campaigns may have the workers ask any address that they"
        " reach.",
        "requestBody": body({"$ref": SCHEMAS + "CampaignSpec"}),
        "responses": {
            "201": response("It is made", _STATUS),
            **errors(_FAULTS, "400", "401", "403", "408", "413", "503"),
        },
    }


def _show() -> dict[str, Any]:
    return {
        "operationId": "showCampaign",
        "summary": "A campaign, and where it stands",
        "responses": {
            "200": response("The campaign", _STATUS),
            **errors(_FAULTS, "401", "403", "404", "503"),
        },
    }


def _delete() -> dict[str, Any]:
    return {
        "operationId": "deleteCampaign",
        "summary": "Delete a campaign that does not run, with its contacts and attempts",
        "description": "The records of its calls stay.",
        "responses": {
            "200": response("It is deleted", object_({"deleted": _TEXT})),
            **errors(_FAULTS, "401", "403", "404", "409", "503"),
        },
    }


def _act(name: str, text: str, *more: str) -> dict[str, Any]:
    return {
        "operationId": f"{name}Campaign",
        "summary": text,
        "responses": {
            "200": response("The campaign as it is then", _STATUS),
            **errors(_FAULTS, *more, "401", "403", "404", "409", "503"),
        },
    }


def _import() -> dict[str, Any]:
    fields = ("rows", "added", "duplicates", "do_not_call", "withdrawn", "invalid", "bytes")
    reject = object_({"line": {"type": "integer"}, "number": _TEXT, "reason": _TEXT, "row": _TEXT})
    column = {"type": "array", "items": {"type": "string", "pattern": "^[^=]+=.+$"}}
    return {
        "operationId": "importContacts",
        "summary": "Add contacts: CSV, or an object of JSON in each line",
        "description": "What is wrong with one row costs that row; of those that were not taken"
        " the first thousand are answered. To send the same again changes nothing.",
        "parameters": [
            parameter("column", "Which column holds a field: number=Mobile", column),
            parameter("delimiter", "Between cells of CSV, if it cannot be told", _TEXT),
            parameter("encoding", "Of the body, if it is not UTF-8", _TEXT),
        ],
        "requestBody": {"required": True, "content": _LINES},
        "responses": {
            "200": response(
                "What became of the rows",
                object_(
                    {
                        **{name: {"type": "integer"} for name in fields},
                        "rejects": {"type": "array", "items": reject},
                    }
                ),
            ),
            **errors(_FAULTS, "400", "401", "403", "404", "408", "409", "413", "415", "503"),
        },
    }


def _contact() -> dict[str, Any]:
    return {
        "operationId": "showContact",
        "summary": "One contact",
        "responses": {
            "200": response("The contact", {"$ref": SCHEMAS + "Contact"}),
            **errors(_FAULTS, "401", "403", "404", "503"),
        },
    }


def _export() -> dict[str, Any]:
    return {
        "operationId": "exportCampaign",
        "summary": "Every attempt, and each contact that was not called",
        "description": "The header X-Parley-Lost, if there is one, says in words what is kept no"
        " more, and so is not in the table.",
        "responses": {
            "200": response("A table", _TEXT, "text/csv"),
            **errors(_FAULTS, "401", "403", "404", "503"),
        },
    }


def _refused() -> dict[str, Any]:
    entry = object_({"number": _NUMBER, "source": _TEXT, "at_ms": {"type": "integer"}})
    return {
        "operationId": "listDoNotCall",
        "summary": "The numbers that no campaign dials, with who asked for it, and when",
        "responses": {
            "200": response("The list", object_({"numbers": {"type": "array", "items": entry}})),
            **errors(_FAULTS, "401", "403", "503"),
        },
    }


def _refuse() -> dict[str, Any]:
    numbers = {"type": "array", "items": _TEXT, "minItems": 1, "maxItems": 1000}
    return {
        "operationId": "addDoNotCall",
        "summary": "Have numbers dialled by no campaign, from this moment on",
        "requestBody": body(object_({"numbers": numbers})),
        "responses": {
            "200": response("Those that are new", object_({"added": {**numbers, "minItems": 0}})),
            **errors(_FAULTS, "400", "401", "403", "408", "413", "503"),
        },
    }


def _allow() -> dict[str, Any]:
    return {
        "operationId": "removeDoNotCall",
        "summary": "Take a number off the list",
        "responses": {
            "200": response("It may be dialled again", object_({"removed": _NUMBER})),
            **errors(_FAULTS, "401", "403", "404", "503"),
        },
    }


def schemas() -> dict[str, Any]:
    """What requests and answers are made of."""
    template = SCHEMAS + "{model}"
    spec = CampaignSpec.model_json_schema(ref_template=template)
    own = spec["properties"]
    # They may be written, and are shown, as texts.
    own["window"] = {**_TEXT, "description": own["window"]["description"], "default": "09:00-20:00"}
    own["days"] = {**own["days"], "type": ["array", "string"]}
    contact = TypeAdapter(Contact).json_schema(ref_template=template)
    time = {"type": ["integer", "null"]}
    campaign = object_(
        {
            "id": _TEXT,
            "name": _TEXT,
            "reason": _TEXT,
            "state": TypeAdapter(CampaignState).json_schema(),
            "created_ms": {"type": "integer"},
            "started_ms": time,
            "ended_ms": time,
            "accepted_loss": {"type": "boolean"},
        }
    )
    estimate = TypeAdapter(Estimate).json_schema()
    status = object_(
        {
            "now_ms": {"type": "integer"},
            "spec": {"type": "object"},
            "progress": TypeAdapter(Progress).json_schema(),
            "answer_rate": {"type": ["number", "null"]},
            "calls_per_minute": {"type": "number"},
            "estimate": {"anyOf": [estimate, {"type": "null"}]},
            "warnings": {"type": "array", "items": _TEXT},
        }
    )
    return {
        "Retry": spec.pop("$defs")["Retry"],
        "Plan": contact.pop("$defs")["Plan"],
        "CampaignSpec": spec,
        "Campaign": campaign,
        "Contact": contact,
        "Status": {"allOf": [{"$ref": SCHEMAS + "Campaign"}, status]},
    }
