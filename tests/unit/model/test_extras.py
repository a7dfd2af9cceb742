from __future__ import annotations

import sys

import pytest

from predictive_autoscaler.errors import UsageError
from predictive_autoscaler.model.extras import holtwinters_module, statsforecast_models


def test_an_absent_library_is_named_with_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "statsmodels.tsa.holtwinters", None)
    monkeypatch.setitem(sys.modules, "statsforecast.models", None)
    with pytest.raises(UsageError, match=r"statsmodels .*predictive-autoscaler\[lab\]"):
        holtwinters_module()
    with pytest.raises(UsageError, match=r"statsforecast .*predictive-autoscaler\[lab\]"):
        statsforecast_models()


def test_holt_winters_is_installed() -> None:
    assert holtwinters_module().ExponentialSmoothing
