from __future__ import annotations

from predictive_autoscaler.loadtest.gate import Limits, Operation, judge

LIMITS = Limits(errors_percent=1.0, p95_seconds=5.0, key_operations=("products", "pay"))
GOOD = {"products": Operation(180, 0), "pay": Operation(20, 2)}


def test_what_keeps_the_limits_passes() -> None:
    assert judge(LIMITS, GOOD, 5.0) == []


def test_one_percent_of_errors_is_allowed_and_not_more() -> None:
    bad = GOOD | {"pay": Operation(20, 3)}
    (reason,) = judge(LIMITS, bad, 1.0)
    assert "3 of 200 requests failed, 1.50 %" in reason
    assert "--max-errors-percent" in reason


def test_slow_answers_fail_it() -> None:
    (reason,) = judge(LIMITS, GOOD, 5.01)
    assert "5.01 s" in reason
    assert "--max-p95-seconds" in reason


def test_a_key_operation_must_have_succeeded() -> None:
    (reason,) = judge(LIMITS, {"products": Operation(1000, 0)}, 1.0)
    assert reason.startswith("pay never succeeded, in 0 calls")
    reasons = judge(LIMITS, {"products": Operation(1000, 0), "pay": Operation(4, 4)}, 1.0)
    assert reasons == ["pay never succeeded, in 4 calls (--key-operations)"]


def test_nothing_sent_is_no_pass() -> None:
    assert judge(Limits(100.0, 5.0, ()), {}, 0.0) == ["no request was sent"]
