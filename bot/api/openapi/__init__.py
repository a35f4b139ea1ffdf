"""PURE: the OpenAPI description of the JSON API.

Source: https://spec.openapis.org/oas/v3.1.1.html.
"""

from __future__ import annotations

from importlib.metadata import version
from typing import Any

from . import calls, campaigns, keys
from .parts import object_, response

__all__ = ["describe"]


def describe(server_url: str) -> dict[str, Any]:
    """The API at `server_url` as an OpenAPI 3.1 document."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Parley",
            "version": version("parley"),
            "summary": "Calls, campaigns and keys of a telephone voice-bot worker",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": server_url}],
        "security": [{"key": []}],
        "paths": {
            "/openapi.json": {"get": _description()},
            **calls.paths(),
            **campaigns.paths(),
            **keys.paths(),
        },
        "components": {
            "securitySchemes": {
                "key": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "PARLEY_API_KEY; a worker with --dev, no key, and a public URL"
                    " on loopback asks for none",
                }
            },
            "schemas": {
                **calls.schemas(),
                **campaigns.schemas(),
                **keys.schemas(),
                "Error": object_({"error": {"type": "string"}}),
            },
        },
    }


def _description() -> dict[str, Any]:
    return {
        "operationId": "describe",
        "summary": "This document",
        "security": [],
        "responses": {"200": response("The description", {"type": "object"})},
    }
