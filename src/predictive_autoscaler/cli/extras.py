"""What to say where a command needs more than was installed."""

from __future__ import annotations

LIBRARIES = {
    "train": ("joblib", "pandas", "sklearn"),
    "load": ("locust",),
    "rehearsal": ("aiohttp", "graphql", "starlette", "uvicorn"),
    "web": ("fastapi", "jinja2", "plotly", "uvicorn"),
    "lab": ("dask", "distributed", "moto", "statsforecast", "statsmodels"),
}
"""By the project's extra: the modules that it brings."""


def lacking(error: ModuleNotFoundError) -> str | None:
    """Which extra a missing module belongs to, and how to get it; None if it is none of theirs."""
    module = (error.name or "").partition(".")[0]
    for extra, modules in LIBRARIES.items():
        if module in modules:
            return (
                f"{module} is not installed; it belongs to the extra '{extra}'. From the "
                f"repository's folder: pip install '.[{extra}]', or '.[lab,load]' for every command"
            )
    return None
