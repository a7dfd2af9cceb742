"""The report of a rehearsal: that of the demonstration, with latency as it was measured."""

from __future__ import annotations

import numpy as np

from predictive_autoscaler.backtest.peers import Setting, oracle
from predictive_autoscaler.core.demand import instances_for
from predictive_autoscaler.core.scoring import score_scaling
from predictive_autoscaler.core.types import Samples
from predictive_autoscaler.demo.controller import explained, forecast_band
from predictive_autoscaler.demo.run import ORACLE, Day
from predictive_autoscaler.rehearsal.course import HISTORY_DAYS, RehearsalOptions
from predictive_autoscaler.rehearsal.play import Take
from predictive_autoscaler.rehearsal.rehearse import Rehearsal
from predictive_autoscaler.report.replay import MeasuredLatency, PolicyRun, ReplayReport

NO_MODEL = (
    "On held-back time the trained forest was no better than the baselines, so it was not "
    "published; forecasts came from the season and from the last value instead."
)


def report_of(rehearsal: Rehearsal) -> ReplayReport:
    """Everything on the page."""
    options = rehearsal.options
    first = rehearsal.takes[0]
    demand = Samples.of(
        options.time_of(0), options.interval_seconds, {"requests": first.demand.copy()}
    )
    decisions = explained(rehearsal.records)
    setting = Setting(options.capacity, options.bounds, options.interval_seconds, options.boot_bins)
    prepared = Day(demand, setting, 0).run(ORACLE, oracle(demand.requests, setting), prepared=True)
    needed = [instances_for(value, options.capacity) for value in first.demand.tolist()]
    return ReplayReport(
        title=f"{options.scenario}, rehearsed",
        subtitle=(
            "Real requests to real instances of a small shop on this machine, "
            f"{options.speed:g} times as fast as time; decided by the real Lambda handler"
        ),
        times=list(demand.times()),
        interval_seconds=options.interval_seconds,
        capacity_per_instance=options.capacity,
        demand=demand.requests,
        needed=np.array(needed, dtype=np.float64),
        band=forecast_band(decisions, demand, options.boot_bins),
        runs=[*(run_of(take, options) for take in rehearsal.takes), prepared],
        decisions=decisions,
        model_scores=rehearsal.card["scores"] if rehearsal.card else {},
        facts=_facts(rehearsal),
        notes=_notes(rehearsal),
        objective_seconds=options.objective_seconds,
    )


def run_of(take: Take, options: RehearsalOptions) -> PolicyRun:
    """One pass, scored by the rules of the lab and by what was measured."""
    total = take.total
    score = score_scaling(
        take.demand, take.asked, take.ready, options.capacity, options.interval_seconds
    )
    latency = MeasuredLatency(
        p95_seconds=np.array([window.latency(0.95) for window in take.windows]),
        p95_of_all=total.latency(0.95),
        requests=total.requests,
        slow=total.slow,
        failed=total.errors + total.refused,
        instance_minutes=take.billed_seconds * options.speed / 60,
        started=take.started,
    )
    return PolicyRun(take.name, take.asked, take.ready, score, latency)


def load_rates(take: Take) -> tuple[float, float]:
    """Share of a core that the load test took, and requests a second that one core could make."""
    seconds = sum(window.seconds for window in take.windows)
    share = take.load_cpu_seconds / seconds
    return share, take.total.requests / take.load_cpu_seconds


def _facts(rehearsal: Rehearsal) -> dict[str, str]:
    options = rehearsal.options
    past = (
        f"{HISTORY_DAYS} days generated from the same scenario, over and over"
        if rehearsal.course.repeats
        else f"{HISTORY_DAYS} days generated, as calm as the beginning"
    )
    facts = {
        "Scenario": f"{options.scenario}, {rehearsal.course.pattern.summary}; here up to "
        f"{options.users} users with pauses {options.think_scale:g} times as long",
        "One instance carries": f"{options.capacity:,.4g} requests per "
        f"{options.interval_minutes} simulated minutes ({options.bin_seconds:g} s)",
        "Instances allowed": f"{options.bounds.min_instances} to {options.bounds.max_instances}",
        "Boot time": f"{options.boot_minutes} simulated minutes",
        "History": f"{past}; a user's rate "
        f"({rehearsal.requests_per_user_second:.3f} requests a second) was measured first",
        "Seed": str(options.seed),
    }
    if rehearsal.options.announced:
        facts["Calendar"] = "the event was announced"
    for take in rehearsal.takes:
        share, possible = load_rates(take)
        facts[f"Load test, {take.name}"] = (
            f"{share:.0%} of a core; it could make about {possible:,.0f} requests a second"
        )
    return facts


def _notes(rehearsal: Rehearsal) -> list[str]:
    notes = [] if rehearsal.card else [NO_MODEL]
    notes += [
        f"{take.name}: {take.lost} instances ended by themselves."
        for take in rehearsal.takes
        if take.lost
    ]
    for take in rehearsal.takes:
        share, _ = load_rates(take)
        if share > 0.8:
            notes.append(
                f"{take.name}: the load test itself took {share:.0%} of a core, so it may have "
                "been what was slow."
            )
    return notes
