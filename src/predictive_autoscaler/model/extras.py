"""Libraries of the `lab` extra, imported where they are used, with a clear word if absent.

Only the lab and clusters need statsmodels, statsforecast and Dask: nothing else may fail without.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

from predictive_autoscaler.errors import UsageError


def holtwinters_module() -> Any:
    """`statsmodels.tsa.holtwinters`."""
    return _needed("statsmodels.tsa.holtwinters")


def statsforecast_models() -> Any:
    """`statsforecast.models`."""
    return _needed("statsforecast.models")


def distributed_module() -> Any:
    """`distributed`, Dask's scheduler and its clients."""
    return _needed("distributed")


def _needed(module: str) -> Any:
    """Import a module of the `lab` extra.

    Raises:
        UsageError: it is not installed; says how to get it.
    """
    try:
        return import_module(module)
    except ImportError as error:
        library = module.partition(".")[0]
        raise UsageError(
            f"{library} cannot be imported ({error}); it belongs to the extra 'lab': "
            'pip install "predictive-autoscaler[lab]"'
        ) from error
