"""The index at `/`: the catalog as JSON for programs and as an HTML page for browsers."""

from collections.abc import Sequence
from html import escape

from aiohttp import hdrs, web

from services.catalog import TECHNIQUES
from services.chassis.application import json_response
from services.chassis.media_type import best_media_type
from services.contract import Technique

_STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 52rem; padding: 0 1rem;
       color: #1d2733; background: #fff; }
h1 { font-size: 1.6rem; margin-bottom: .2rem; }
h2 { font-size: 1.1rem; margin: 1.6rem 0 .2rem; }
p { margin: .2rem 0 .4rem; }
a { color: #0b5cad; text-decoration: none; } a:hover { text-decoration: underline; }
li { margin: .15rem 0; }
code { font-size: .9em; background: #eef2f6; padding: .1em .3em; border-radius: .2em; }
.quiet { color: #5a6775; }
@media (prefers-color-scheme: dark) {
  body { color: #dde5ee; background: #12181f; } code { background: #1f2933; }
  a { color: #7db8f0; } .quiet { color: #93a1b0; }
}
"""


async def index(request: web.Request) -> web.Response:
    """The handler of the index."""
    if prefers_html(request.headers.getall(hdrs.ACCEPT, ())):
        response = web.Response(text=_page(), content_type="text/html")
    else:
        response = json_response({"techniques": [technique.card() for technique in TECHNIQUES]})
    response.headers["Vary"] = "Accept"
    return response


def prefers_html(accept_lines: Sequence[str]) -> bool:
    """Whether the Accept header prefers HTML to JSON, as browsers do."""
    return best_media_type(accept_lines, ("application/json", "text/html")) == "text/html"


def _page() -> str:
    sections = "".join(_section(technique) for technique in TECHNIQUES)
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>API Performance Lab</title><style>{_STYLE}</style></head><body>"
        "<h1>API Performance Lab</h1>"
        '<p class="quiet">Each technique as a naive and an optimized variant with the same answer.'
        ' <a href="/openapi.json">OpenAPI</a> · <a href="/readyz">readiness</a> ·'
        ' <a href="/metrics">metrics</a></p>'
        f"{sections}</body></html>"
    )


def _section(technique: Technique) -> str:
    variants = "".join(
        f'<li><a href="{technique.path(variant.name)}"><code>{variant.name}</code></a>'
        f" {escape(variant.summary)}</li>"
        for variant in technique.variants
    )
    title = f'<a href="{technique.path()}">{escape(technique.title)}</a>'
    return f"<h2>{title}</h2><p>{escape(technique.question)}</p><ul>{variants}</ul>"
