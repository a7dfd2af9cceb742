"""The routes: one page, what it is made of, and what it asks for. All of them only read."""

from __future__ import annotations

import re
from hashlib import sha256
from importlib import resources

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from plotly.offline import get_plotlyjs
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp

from predictive_autoscaler.core.types import utc_from_text
from predictive_autoscaler.errors import AutoscalerError
from predictive_autoscaler.report.script_data import script_json
from predictive_autoscaler.web.desk import Desk
from predictive_autoscaler.web.guard import Guard

CSS, JS = "text/css", "text/javascript"
PARTS = {
    "common.css": ("report", CSS),
    "serve.css": ("web", CSS),
    "common.js": ("report", JS),
    "why.js": ("report", JS),
    "serve.js": ("web", JS),
}
"""Packaged files that the page loads, with the package that each lies in."""
CHARTS = "plotly.js"
INLINE_STYLES = re.compile(r'getElementById\("([0-9a-f]{64})"\)\)\{var \w=document\.createElement')
"""The chart library adds styles for its maps to any page, unless an element of this name is there.
Ours allows no inline styles, and has no maps."""
A_DAY = {"Cache-Control": "private, max-age=86400"}


def make_app(desk: Desk, port: int, refresh_seconds: int) -> ASGIApp:
    """The page of a desk, behind its guard.

    Args:
        port: that it is served on.
        refresh_seconds: between two looks of the page.
    """
    # Its own pages about the routes would load scripts from elsewhere.
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None, redirect_slashes=False)
    pages = Environment(
        loader=PackageLoader("predictive_autoscaler.web"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    parts = {name: (_packaged(folder, name), kind) for name, (folder, kind) in PARTS.items()}
    charts = get_plotlyjs()
    parts[CHARTS] = (charts.encode(), JS)
    # Other parts get other addresses, so that a browser may keep these.
    version = sha256(b"".join(content for content, _ in parts.values())).hexdigest()[:12]

    @app.get("/")
    def page() -> Response:
        words = desk.now()
        data = {"refresh_seconds": refresh_seconds, "now": words}
        text = pages.get_template("serve.html.j2").render(
            words=words,
            version=version,
            styles_left_out=INLINE_STYLES.findall(charts),
            data=Markup(script_json(data)),  # nosec B704 # every < in it is escaped
        )
        return Response(text, media_type="text/html; charset=utf-8")

    @app.get("/parts/{name}")
    def part(name: str) -> Response:
        if name not in parts:
            raise HTTPException(404, "there is no such part")
        content, kind = parts[name]
        return Response(content, media_type=f"{kind}; charset=utf-8", headers=A_DAY)

    @app.get("/api/now")
    def now() -> JSONResponse:
        return JSONResponse(desk.now())

    @app.get("/api/series")
    def series() -> JSONResponse:
        return JSONResponse(desk.series())

    @app.get("/api/what-if")
    def what_if() -> JSONResponse:
        return JSONResponse(desk.what_if())

    @app.get("/api/decisions/{slot}")
    def decision(slot: str) -> JSONResponse:
        try:
            moment = utc_from_text(slot)
        except (ValueError, OverflowError):
            raise HTTPException(
                404, "write the slot as 2026-11-20T08:05:00Z, with a zone"
            ) from None
        found = desk.decision(moment)
        if found is None:
            raise HTTPException(404, "there is no record of that time")
        return JSONResponse(found)

    @app.exception_handler(AutoscalerError)
    def told(request: Request, error: AutoscalerError) -> JSONResponse:
        return JSONResponse({"detail": str(error)}, status_code=502)

    return Guard(app, port)


def _packaged(folder: str, name: str) -> bytes:
    place = resources.files(f"predictive_autoscaler.{folder}") / "templates" / name
    return place.read_bytes()
