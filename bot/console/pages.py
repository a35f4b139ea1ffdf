"""Serves the web pages: files as they are, which load nothing from elsewhere."""

from __future__ import annotations

from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

__all__ = ["PATH", "page_routes"]

PATH = "/console"
_FOLDER = Path(__file__).parent
_MEDIA_TYPES = {".html": "text/html", ".css": "text/css", ".js": "text/javascript"}
_HEADERS = {
    # No script but our files, no style but theirs, no connection but to us.
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; worker-src 'self'; style-src 'self';"
        " img-src data:; connect-src 'self'; base-uri 'none';"
        " form-action 'none'; frame-ancestors 'none'"
    ),
    "Permissions-Policy": "microphone=(self), camera=(), geolocation=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    # Another version of the worker has other files under the same names.
    "Cache-Control": "no-cache",
}


def page_routes() -> list[Route]:
    """Where the pages are: one folder each, `index.html` under the folder's own name."""
    return [
        _route(path)
        for path in sorted(_FOLDER.glob("*/*"))
        if path.suffix in _MEDIA_TYPES and path.is_file()
    ]


def _route(path: Path) -> Route:
    body, media_type = path.read_bytes(), _MEDIA_TYPES[path.suffix]
    name = "" if path.name == "index.html" else f"/{path.name}"

    async def answer(request: Request) -> Response:
        return Response(body, headers=_HEADERS, media_type=media_type)

    return Route(f"{PATH}/{path.parent.name}{name}", answer)
