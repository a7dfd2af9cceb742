"""Every fault that is tried, and the one right outcome of each.

docs/reliability.md shows this table; scripts/write_fault_table.py writes it there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from enum import Enum
from typing import Any

from predictive_autoscaler.core.timegrid import merge
from predictive_autoscaler.core.types import Bounds, Samples
from predictive_autoscaler.errors import (
    AccessDeniedError,
    DataError,
    GroupNotFoundError,
    ModelError,
    ModelNotFoundError,
    RefusedRequestError,
    SourceError,
    ThrottledError,
)
from predictive_autoscaler.ports import Net
from tests.faults.scene import AS_NETS, FAULTY, Scene
from tests.helpers.shop import GROUP, model


class Outcome(Enum):
    """What the controller has to do while a fault lasts."""

    HOLD = "hold"
    """Capacity may grow, and does not shrink."""
    DEGRADE = "degrade"
    """The next rung of the ladder decides."""
    REFUSE = "refuse"
    """Nothing is changed in this tick."""
    RETRY = "retry"
    """The change fails, and is made once it can be."""
    RESUME = "resume"
    """The state is rebuilt from the metrics, and decisions go on from there."""
    GO_ON = "go on"
    """Decisions are those of a calm run."""


@dataclass(frozen=True)
class Fault:
    """One row.

    Attributes:
        area, kind: where it strikes, and in which way.
        what: in words, for the document.
        plant: makes it happen to a scene, until `Scene.heal` (or for good).
        says: words that must be found in a message, the log, the record or an error.
        heals: whether the fault is over once it has been healed.
        ticks: how long it lasts.
    """

    area: str
    kind: str
    what: str
    outcome: Outcome
    plant: Callable[[Scene], None]
    says: str = ""
    heals: bool = True
    ticks: int = FAULTY

    @property
    def name(self) -> str:
        return f"{self.area}, {self.kind}: {self.what}"


ERRORS = {
    "throttled": ThrottledError("Rate exceeded"),
    "timeout": SourceError("Read timeout on endpoint"),
    "5xx": SourceError("InternalFailure: sorry"),
    "permission denied": AccessDeniedError("not authorized to do this"),
}


def failing(port: str, method: str, error: Exception) -> Callable[[Scene], None]:
    """Every call of a method raises."""

    def fault(real: Any, *given: Any, **options: Any) -> Any:
        raise error

    return lambda scene: scene.ports[port].faults.__setitem__(method, fault)


def answering(port: str, method: str, change: Callable[[Any], Any]) -> Callable[[Scene], None]:
    """Every answer of a method is changed."""

    def fault(real: Any, *given: Any, **options: Any) -> Any:
        return change(real(*given, **options))

    return lambda scene: scene.ports[port].faults.__setitem__(method, fault)


def metrics(change: Callable[[Samples], Samples]) -> Callable[[Scene], None]:
    """The metrics that are read are changed."""
    return answering(
        "metrics", "read", lambda found: {name: change(one) for name, one in found.items()}
    )


def newest(samples: Samples, bins: int = 4, **values: float) -> Samples:
    """The samples with the newest bins of some columns set to a value."""
    columns = {}
    for name, value in values.items():
        columns[name] = getattr(samples, name).copy()
        columns[name][-bins:] = value
    return samples.replaced(**columns)


def late(samples: Samples) -> Samples:
    """The newest two bins have not arrived."""
    kept = samples.window(0, len(samples) - 2)
    return merge(Samples.empty(samples.start, samples.interval_seconds, len(samples)), kept)


def group_is(**fields: Any) -> Callable[[Scene], None]:
    """Another hand changes the group, for good."""
    return lambda scene: scene.world.change_group(**fields)


def published(change: Callable[[Any], Any]) -> Callable[[Scene], None]:
    """The model that is loaded is another one, or none."""
    return answering(
        "models",
        "load_each",
        lambda found: iter([(name, change(one)) for name, one in found]),
    )


def with_card(**fields: Any) -> Callable[[Scene], None]:
    def change(found: Any) -> Any:
        if isinstance(found, Exception):
            return found
        return replace(found, card=replace(found.card, **fields))

    return published(change)


def no_model(error: Exception) -> Callable[[Scene], None]:
    return published(lambda _: error)


def model_load_breaks(scene: Scene) -> None:
    def fault(real: Any, groups: Any) -> Iterator[Any]:
        for name in groups:
            yield name, SourceError("the listing failed")

    scene.ports["models"].faults["load_each"] = fault


def history_fails(error: Exception) -> Callable[[Scene], None]:
    def plant(scene: Scene) -> None:
        failing("history", "load", error)(scene)
        failing("history", "save", error)(scene)

    return plant


def deciding_twice(scene: Scene) -> None:
    """Another run has the slot already."""
    answering("decisions", "claim", lambda _: False)(scene)


def crash_after_claim(scene: Scene) -> None:
    """The run ends between claiming and acting: the change is lost, and nothing else."""
    failing("actuator", "set_desired", SourceError("the run was killed"))(scene)
    failing("decisions", "complete", SourceError("the run was killed"))(scene)


def event_late(scene: Scene) -> None:
    scene.controller.run_once = _shifted(scene, timedelta(minutes=-40))  # type: ignore[method-assign]


def event_early(scene: Scene) -> None:
    scene.controller.run_once = _shifted(scene, timedelta(minutes=40))  # type: ignore[method-assign]


def _shifted(scene: Scene, by: timedelta) -> Any:
    real = scene.controller.run_once
    return lambda **options: real(scene.world.clock.now() + by, **options)


def clock_jumps_back(scene: Scene) -> None:
    scene.world.clock.advance(timedelta(minutes=-15))


def ticks_missed(scene: Scene) -> None:
    scene.world.clock.advance(timedelta(hours=1))


def records_lost(scene: Scene) -> None:
    answering("decisions", "newest_before", lambda _: None)(scene)


def record_is(content: Any) -> Callable[[Scene], None]:
    return answering("decisions", "newest_before", lambda _: content)


def record_of_another_schema(scene: Scene) -> None:
    answering("decisions", "newest_before", lambda found: found and found | {"schema": 99})(scene)


def huge_record(scene: Scene) -> None:
    answering(
        "decisions", "newest_before", lambda found: found and found | {"padding": "x" * 5_000_000}
    )(scene)


def set_applies_and_then_times_out(scene: Scene) -> None:
    """AWS did it, but its answer was lost."""

    def fault(real: Any, group: str, instances: int) -> None:
        real(group, instances)
        raise SourceError("Read timeout on endpoint")

    scene.ports["actuator"].faults["set_desired"] = fault


def group_vanishes_before_acting(scene: Scene) -> None:
    calls = []

    def fault(real: Any, groups: Any) -> Any:
        calls.append(groups)
        return real(groups) if len(calls) % 2 else {}

    scene.ports["actuator"].faults["describe"] = fault


def somebody_is_quicker(scene: Scene) -> None:
    """Between deciding and acting a person asks for more."""
    calls = []

    def fault(real: Any, groups: Any) -> Any:
        calls.append(groups)
        found = real(groups)
        if len(calls) % 2:
            return found
        return {name: replace(one, desired_instances=50) for name, one in found.items()}

    scene.ports["actuator"].faults["describe"] = fault


def policies_are(*nets: Net) -> Callable[[Scene], None]:
    """Another hand sets the group's own policies, for good."""
    return lambda scene: scene.world.nets.nets.__setitem__(GROUP, nets)


def policies_cannot_be_set(error: Exception) -> Callable[[Scene], None]:
    """Another hand has set them, and they cannot be set right."""

    def plant(scene: Scene) -> None:
        policies_are(*ORDINARY)(scene)
        failing("nets", "set", error)(scene)

    return plant


def policies_are_set_and_then_time_out(scene: Scene) -> None:
    """AWS did it, but its answers were lost."""

    def fault(real: Any, group: str, net: Net) -> None:
        real(group, net)
        raise SourceError("Read timeout on endpoint")

    policies_are(*ORDINARY)(scene)
    scene.ports["nets"].faults["set"] = fault


def policies_vanish_before_they_are_set(scene: Scene) -> None:
    """Another hand deletes them between the look and the change."""
    policies_are()(scene)
    answering("nets", "read", lambda _: {GROUP: ORDINARY})(scene)


def everything_at_once(scene: Scene) -> None:
    for port, method in (
        ("metrics", "read"),
        ("controls", "load_each"),
        ("nets", "read"),
        ("sink", "publish"),
        ("notifier", "notify"),
        ("history", "load"),
        ("history", "save"),
    ):
        failing(port, method, SourceError("the network is down"))(scene)
    model_load_breaks(scene)


CPU, REQUESTS = AS_NETS
ORDINARY = (
    replace(CPU, target=70.0, scale_in=True),
    replace(REQUESTS, target=1000.0, scale_in=True),
)
HOLD, DEGRADE, REFUSE, RETRY, RESUME, GO_ON = Outcome


def _rows() -> Iterator[Fault]:
    nan = float("nan")
    for kind, error in ERRORS.items():
        words = str(error)
        yield Fault(
            "CloudWatch",
            kind,
            "no metrics can be read",
            HOLD,
            failing("metrics", "read", error),
            words,
        )
        yield Fault(
            "Auto Scaling",
            kind,
            "the group cannot be described",
            REFUSE,
            failing("actuator", "describe", error),
            words,
        )
        yield Fault(
            "Auto Scaling",
            kind,
            "the capacity cannot be set",
            RETRY,
            failing("actuator", "set_desired", error),
            words,
        )
        yield Fault(
            "S3",
            kind,
            "the record before cannot be read",
            HOLD,
            failing("decisions", "newest_before", error),
            words,
        )
        yield Fault(
            "S3",
            kind,
            "the slot cannot be claimed",
            REFUSE,
            failing("decisions", "claim", error),
            words,
        )
        yield Fault(
            "S3",
            kind,
            "the record cannot be completed",
            GO_ON,
            failing("decisions", "complete", error),
            words,
        )
        yield Fault("S3", kind, "the model cannot be read", DEGRADE, no_model(error), words)
        yield Fault(
            "S3",
            kind,
            "mode and calendar cannot be read",
            GO_ON,
            failing("controls", "load_each", error),
            words,
        )
        yield Fault(
            "S3",
            kind,
            "kept history cannot be read or written",
            GO_ON,
            history_fails(error),
        )
        yield Fault(
            "SNS", kind, "people cannot be told", GO_ON, failing("notifier", "notify", error)
        )
        yield Fault(
            "policies",
            kind,
            "the group's own policies cannot be read",
            HOLD,
            failing("nets", "read", error),
            f"the group's own scaling policies could not be read: {words}",
        )
        yield Fault(
            "policies",
            kind,
            "somebody has set them, and they cannot be set right",
            HOLD,
            policies_cannot_be_set(error),
            f"could not be set right: {words}",
        )
        yield Fault(
            "CloudWatch",
            kind,
            "our own metrics cannot be written",
            GO_ON,
            failing("sink", "publish", error),
            words,
        )
    yield Fault(
        "CloudWatch",
        "empty",
        "no series has a value",
        HOLD,
        metrics(lambda one: Samples.empty(one.start, one.interval_seconds, len(one))),
        "the newest request count is absent",
    )
    yield Fault(
        "CloudWatch",
        "empty",
        "RequestCount alone is absent amid traffic",
        HOLD,
        metrics(lambda one: newest(one, requests=nan, coverage=0.0)),
        "the newest request count is absent",
    )
    yield Fault(
        "CloudWatch",
        "late",
        "the newest half hour has not arrived",
        HOLD,
        metrics(late),
        "the newest request count is absent",
    )
    yield Fault(
        "CloudWatch",
        "partial",
        "minutes are absent from the newest interval",
        HOLD,
        metrics(lambda one: newest(one, coverage=0.5)),
        "minutes are absent",
    )
    yield Fault(
        "CloudWatch",
        "partial",
        "CPU is absent",
        GO_ON,
        metrics(lambda one: newest(one, cpu_percent=nan)),
    )
    yield Fault(
        "CloudWatch",
        "garbage",
        "zero requests amid traffic",
        HOLD,
        metrics(lambda one: newest(one, 1, requests=0.0)),
        "zero in the midst of traffic",
    )
    yield Fault(
        "CloudWatch",
        "garbage",
        "CPU at its limit: the count is a lower bound",
        HOLD,
        metrics(lambda one: newest(one, cpu_percent=99.0)),
        "overloaded",
    )
    yield Fault(
        "CloudWatch",
        "garbage",
        "a tenth of the traffic, most of it failing",
        HOLD,
        metrics(lambda one: newest(one, requests=300.0, errors=270.0)),
        "lower bound",
    )
    yield Fault(
        "CloudWatch",
        "garbage",
        "answers take ten seconds",
        HOLD,
        metrics(lambda one: newest(one, response_time_seconds=10.0)),
        "answers took",
    )
    yield Fault(
        "CloudWatch",
        "huge",
        "10^15 requests in the newest interval",
        HOLD,
        metrics(lambda one: newest(one, 1, requests=1e15)),
        "maximum",
    )
    yield Fault(
        "CloudWatch",
        "duplicated",
        "every range is read twice over",
        GO_ON,
        metrics(lambda one: merge(one, one)),
    )
    yield Fault(
        "Auto Scaling",
        "empty",
        "the group is gone",
        REFUSE,
        answering("actuator", "describe", lambda _: {}),
        "there is no group",
    )
    yield Fault(
        "Auto Scaling",
        "empty",
        "the group vanishes between deciding and acting",
        REFUSE,
        group_vanishes_before_acting,
        "there is no group",
    )
    yield Fault(
        "Auto Scaling",
        "garbage",
        "the change is refused as invalid",
        RETRY,
        failing("actuator", "set_desired", RefusedRequestError("ValidationError: no")),
        "ValidationError",
    )
    yield Fault(
        "Auto Scaling",
        "late",
        "the change is made, but the answer is lost",
        RETRY,
        set_applies_and_then_times_out,
        "Read timeout",
    )
    yield Fault(
        "Auto Scaling",
        "permission denied",
        "the group is gone when it is set",
        RETRY,
        failing("actuator", "set_desired", GroupNotFoundError("no such group")),
        "no such group",
    )
    yield Fault(
        "model",
        "empty",
        "none has been published",
        DEGRADE,
        no_model(ModelNotFoundError("no model has been published")),
        "no model",
    )
    yield Fault(
        "model",
        "garbage",
        "it is damaged",
        DEGRADE,
        no_model(ModelError("model.npz has another SHA-256")),
        "SHA-256",
    )
    yield Fault(
        "model",
        "garbage",
        "it is of another group",
        DEGRADE,
        with_card(group="api"),
        "of group 'api'",
    )
    yield Fault(
        "model",
        "late",
        "its data end 15 days ago",
        DEGRADE,
        with_card(trained_until=model().card.trained_until - timedelta(days=15)),
        "MAX_MODEL_AGE_DAYS",
    )
    yield Fault(
        "model",
        "garbage",
        "it was no better than the baselines",
        DEGRADE,
        with_card(skilled=False),
        "no better than the baselines",
    )
    yield Fault(
        "model",
        "garbage",
        "it needs features that the metrics lack",
        DEGRADE,
        with_card(feature_names=("queue_length", *model().card.feature_names[1:])),
        "queue_length",
    )
    yield Fault(
        "model",
        "5xx",
        "the listing of models fails",
        DEGRADE,
        model_load_breaks,
        "the listing failed",
    )
    yield Fault(
        "clock",
        "late",
        "the event is 40 minutes old",
        REFUSE,
        event_late,
        "the event is of",
        heals=False,
    )
    yield Fault(
        "clock",
        "reordered",
        "the event is 40 minutes early",
        REFUSE,
        event_early,
        "the event is of",
        heals=False,
    )
    yield Fault(
        "clock",
        "duplicated",
        "the clock goes back to a slot that was decided",
        REFUSE,
        clock_jumps_back,
        "taken",
    )
    yield Fault("concurrency", "late", "an hour of ticks is missing", RESUME, ticks_missed)
    yield Fault(
        "concurrency", "duplicated", "another run has the slot", REFUSE, deciding_twice, "taken"
    )
    yield Fault(
        "concurrency",
        "partial",
        "the run is killed between claiming and acting",
        RETRY,
        crash_after_claim,
        "killed",
    )
    yield Fault("S3", "empty", "all records are lost", RESUME, records_lost)
    yield Fault(
        "S3", "garbage", "the record before is of another schema", RESUME, record_of_another_schema
    )
    yield Fault(
        "S3",
        "garbage",
        "the record before holds nothing of ours",
        RESUME,
        record_is({"schema": 1, "groups": []}),
    )
    yield Fault(
        "S3",
        "garbage",
        "the record before has a state that makes no sense",
        RESUME,
        record_is({"schema": 1, "groups": {GROUP: {"state": {"instances": "many"}}}}),
    )
    yield Fault("S3", "huge", "the record before has five megabytes", GO_ON, huge_record)
    yield Fault(
        "S3",
        "garbage",
        "mode and calendar are no JSON",
        GO_ON,
        failing("controls", "load_each", DataError("control/web.json: not JSON")),
        "not JSON",
    )
    yield Fault(
        "other hands",
        "garbage",
        "a person asks for more",
        HOLD,
        group_is(desired_instances=55, changed_by="a person"),
        "a person has added",
        heals=False,
    )
    yield Fault(
        "other hands",
        "garbage",
        "a scaling policy adds",
        HOLD,
        group_is(desired_instances=55, changed_by="a scaling policy"),
        "a scaling policy has added",
        heals=False,
        ticks=1,
    )
    yield Fault(
        "other hands",
        "reordered",
        "a person asks for more between deciding and acting",
        HOLD,
        somebody_is_quicker,
    )
    yield Fault(
        "other hands",
        "partial",
        "the group's processes are suspended",
        HOLD,
        group_is(blocked_by="suspended processes: Launch"),
        "suspended processes",
        heals=False,
    )
    yield Fault(
        "other hands",
        "garbage",
        "the group's minimum is raised above what we want",
        HOLD,
        group_is(bounds=Bounds(45, 60), desired_instances=45),
        "minimum",
        heals=False,
    )
    yield from _about_policies()
    yield Fault(
        "settings",
        "garbage",
        "the load balancer is a wrong one: nobody has its metrics",
        HOLD,
        metrics(lambda one: newest(one, len(one), requests=nan, coverage=0.0)),
        "absent",
    )
    yield Fault(
        "settings",
        "huge",
        "history of sixty days is asked for and is not there",
        GO_ON,
        lambda scene: None,
    )
    yield Fault(
        "all at once",
        "5xx",
        "nothing answers but the group itself",
        HOLD,
        everything_at_once,
        "the network is down",
    )


def _about_policies() -> Iterator[Fault]:
    nan = float("nan")
    yield Fault(
        "policies",
        "empty",
        "the group has none: nothing stands behind the controller",
        GO_ON,
        answering("nets", "read", lambda _: {GROUP: ()}),
        "no target tracking policy stands behind the controller",
    )
    yield Fault(
        "policies",
        "empty",
        "they vanish between the look and the change",
        HOLD,
        policies_vanish_before_they_are_set,
        "could not be set right: group 'web' has no policy",
        heals=False,
    )
    yield Fault(
        "policies", "partial", "one of the two is gone", GO_ON, policies_are(CPU), ticks=FAULTY
    )
    yield Fault(
        "policies",
        "late",
        "they are set right, but the answer is lost",
        HOLD,
        policies_are_set_and_then_time_out,
        "could not be set right: Read timeout",
        ticks=1,
    )
    for what, nets in (
        ("another hand makes them ordinary again", ORDINARY),
        ("another hand lets one scale in", (replace(CPU, scale_in=True), REQUESTS)),
        ("another hand gives one another target", (CPU, replace(REQUESTS, target=500.0))),
    ):
        yield Fault(
            "policies", "reordered", what, HOLD, policies_are(*nets), "set right (", ticks=1
        )
    for what, target in (
        ("a target that is no number", nan),
        ("a target of zero", 0.0),
        ("a target below zero", -85.0),
    ):
        yield Fault(
            "policies",
            "garbage",
            what,
            HOLD,
            policies_are(replace(CPU, target=target), REQUESTS),
            "set right (web-cpu",
            ticks=1,
        )


TABLE = tuple(_rows())
"""All rows."""
