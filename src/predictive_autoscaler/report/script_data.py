"""Values on their way into a page's own script."""

from __future__ import annotations

import json

import numpy as np

from predictive_autoscaler.core.types import FloatArray

_DIGITS = 6
_ESCAPES = {ord(sign): f"\\u{ord(sign):04x}" for sign in "<>&\u2028\u2029"}


def script_json(value: object) -> str:
    """JSON that cannot end the script element that it stands in."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return text.translate(_ESCAPES)


def plain(values: FloatArray, digits: int = _DIGITS) -> list[float | None]:
    """Numbers for JSON, of so many significant digits; what is not finite becomes null."""
    return [_shortened(value, digits) if np.isfinite(value) else None for value in values.tolist()]


def _shortened(value: float, digits: int) -> float:
    number = float(f"{value:.{digits}g}")
    return int(number) if number.is_integer() else number
