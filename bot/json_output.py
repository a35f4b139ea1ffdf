"""What commands print with `--json`."""

from __future__ import annotations

from typing import Any

import click
import orjson

__all__ = ["print_json"]


def print_json(value: Any) -> None:
    """Print a value for a program to read, indented for whoever looks at it all the same."""
    # As bytes: JSON is UTF-8, whatever the locale.
    click.echo(orjson.dumps(value, option=orjson.OPT_INDENT_2))
