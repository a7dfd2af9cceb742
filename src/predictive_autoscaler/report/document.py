"""One HTML file that needs nothing from elsewhere: how it is put together and written."""

from __future__ import annotations

import os
from collections.abc import Sequence
from importlib import resources
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from plotly.offline import get_plotlyjs

from predictive_autoscaler.report.script_data import script_json

_PACKAGE = "predictive_autoscaler.report"


def render_document(
    template: str,
    styles: Sequence[str],
    scripts: Sequence[str],
    data: object,
    *,
    with_plotly: bool = True,
    **context: object,
) -> str:
    """The page as text.

    Args:
        template: extends `base.html.j2`.
        styles, scripts: packaged files, in order, set into the page.
        data: what the scripts draw from.
        with_plotly: whether they draw with it; it takes megabytes.
        context: what the template names.
    """
    environment = Environment(
        loader=PackageLoader(_PACKAGE),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template(template).render(
        css=_packaged(styles),
        script=_packaged(scripts),
        plotly=Markup(get_plotlyjs()) if with_plotly else None,  # nosec B704 # a library's own
        data=Markup(script_json(data)),  # nosec B704 # every < in it is escaped
        **context,
    )


def write_document(text: str, path: Path) -> None:
    """Write the page; an earlier one is replaced at once or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        unfinished.write_text(text, encoding="utf-8", newline="\n")
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)


def _packaged(names: Sequence[str]) -> Markup:
    folder = resources.files(_PACKAGE) / "templates"
    texts = [(folder / name).read_text(encoding="utf-8") for name in names]
    return Markup("\n".join(texts))  # nosec B704 # the package's own files
