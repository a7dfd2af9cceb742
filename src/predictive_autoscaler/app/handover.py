"""Handing a group over between its own scaling policies and the controller.

In mode `full` the policies are a net: they add capacity where the controller has failed to,
or is dead, and take none away. In the other modes they scale the group.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from predictive_autoscaler.core.parameters import ControlParameters
from predictive_autoscaler.errors import AutoscalerError, DataError, SourceError, or_raise
from predictive_autoscaler.ports import ControlStore, GroupControl, Net, Nets

FULL = "full"
OBSERVE = "observe"
OTHER = "other"
NET_CPU_PERCENT = 85.0
NET_LOAD = 1.2
"""Times what an instance carries: a net must not catch what the controller means to serve."""
SAME_TARGET = 0.01
"""Targets that differ by this share are the same."""
SAME_CAPACITY = 0.1
"""What an instance carries is learned anew each day; the net follows when it is off by more."""
NOTHING_BEHIND = (
    "no target tracking policy stands behind the controller: if it dies, nothing scales the group"
)

CALENDAR_LOST = "calendar: empty now; what it was can be looked up in the old bytes, kept as"


@dataclass(frozen=True)
class Targets:
    """What the policies of a group should hold.

    Attributes:
        cpu_percent, requests: ordinarily, requests per target and minute.
        net_requests: as a net.
    """

    cpu_percent: float
    requests: float
    net_requests: float

    @classmethod
    def of(cls, parameters: ControlParameters, learned: float | None) -> Targets:
        """From the settings and what an instance has been found to carry per interval."""
        minutes = parameters.interval_seconds / 60
        carries = (
            parameters.capacity_per_instance or learned or parameters.default_capacity_per_instance
        )
        return cls(
            cpu_percent=parameters.objective_cpu_percent,
            requests=parameters.default_capacity_per_instance / minutes,
            net_requests=NET_LOAD * carries / minutes,
        )

    def as_net(self, net: Net) -> Net:
        """The policy as mode `full` wants it."""
        target = NET_CPU_PERCENT if net.metric == "cpu" else self.net_requests
        return replace(net, target=target, scale_in=False)

    def as_ordinary(self, net: Net) -> Net:
        """The policy as every other mode has it."""
        target = self.cpu_percent if net.metric == "cpu" else self.requests
        return replace(net, target=target, scale_in=True)


@dataclass(frozen=True)
class Change:
    """A policy to be set."""

    found: Net
    wanted: Net

    @property
    def in_words(self) -> str:
        return f"{self.found.policy}: from {described(self.found)} to {described(self.wanted)}"


def described(net: Net) -> str:
    """A policy's target and its say about scale-in, in a few words."""
    unit = " % CPU" if net.metric == "cpu" else " requests per target and minute"
    return f"{net.target:,.6g}{unit} {'with' if net.scale_in else 'without'} scale-in"


def others_in(nets: Sequence[Net]) -> str | None:
    """What to tell of policies that may scale in beside the controller; None if there are none."""
    names = ", ".join(repr(net.policy) for net in nets if net.metric == OTHER)
    if not names:
        return None
    return (
        f"{names} may scale in beside the controller, which leaves it alone: take away its "
        "scale-in, or the policy"
    )


def to_net(nets: Sequence[Net], targets: Targets) -> list[Change]:
    """What has to be set so that all are nets."""
    return [
        Change(net, targets.as_net(net))
        for net in _settable(nets)
        if net.scale_in or not _as_net(net, targets)
    ]


def to_ordinary(nets: Sequence[Net], targets: Targets) -> list[Change]:
    """What has to be set so that all are ordinary policies again."""
    changes = (Change(net, targets.as_ordinary(net)) for net in _cpu_last(_settable(nets)))
    return [
        change
        for change in changes
        if not change.found.scale_in or not _near(change.found, change.wanted, SAME_TARGET)
    ]


def left_as_nets(nets: Sequence[Net], targets: Targets) -> list[Change]:
    """What has to be set where nobody acts: policies that are our nets, and no others.

    The CPU net is known for sure. What an instance carries may have been learned anew since,
    so beside such a net any other policy without scale-in is taken for one, too.
    """
    held = [net for net in _settable(nets) if not net.scale_in]
    sure = any(net.metric == "cpu" and _as_net(net, targets) for net in held)
    ours = [net for net in held if _as_net(net, targets) or (sure and net.metric != "cpu")]
    return [Change(net, targets.as_ordinary(net)) for net in _cpu_last(ours)]


def _settable(nets: Sequence[Net]) -> list[Net]:
    return [net for net in nets if net.metric != OTHER]


def amiss(mode: str, nets: Sequence[Net], targets: Targets) -> list[Change]:
    """What has to be set so that mode and policies agree."""
    return to_net(nets, targets) if mode == FULL else left_as_nets(nets, targets)


def set_each(nets: Nets, group: str, changes: Sequence[Change]) -> None:
    """Set policies; one that is refused does not keep the others from being set.

    Raises:
        AutoscalerError: the first that was raised.
    """
    errors = []
    for change in changes:
        try:
            nets.set(group, change.wanted)
        except AutoscalerError as error:
            errors.append(error)
    if errors:
        raise errors[0]


class HandOver:
    """Changes a group's mode and its policies, in the order in which each step is safe.

    Into `full` the policies become nets first, out of it they become ordinary first, and
    only then is the mode saved. Cut short in between, the old mode goes on, and its next
    tick brings the policies back to it; the same change once more carries on.

    Args:
        tell: takes a line for each step.
    """

    def __init__(
        self, nets: Nets, controls: ControlStore, tell: Callable[[str], None] = lambda line: None
    ) -> None:
        self._nets = nets
        self._controls = controls
        self._tell = tell

    def change(
        self, group: str, before: str, after: str, targets: Targets, *, write_anew: bool = False
    ) -> None:
        """Hand over.

        Args:
            before, after: modes. If they are the same, what does not agree is put right.
            write_anew: where what was said cannot be read, replace it, keep its bytes, and tell
                of that. Only a person may decide that a calendar is lost.

        Raises:
            AutoscalerError: a step failed, or its answer was lost. Unless that was the answer
                to the saving of the mode, the mode is as it was.
        """
        control = self._controls.load_each([group])[group]
        if isinstance(control, DataError) and write_anew:
            self._tell(f"{control}; it is written anew")
        else:
            control = or_raise(control)
        nets = self._read(group)
        if not nets and after == FULL:
            self._tell(NOTHING_BEHIND)
        changes = self._needed(before, after, nets, targets)
        if nets and not changes:
            self._tell(f"policies: as mode {after} has them")
        self._set(group, changes)
        self._save(group, control, after)
        try:
            # A tick that began in the old mode may have set the policies back meanwhile.
            self._set(group, self._needed(before, after, self._read(group), targets))
        except AutoscalerError as error:
            self._tell(f"{error}; the next tick looks after the policies")

    def _needed(
        self, before: str, after: str, nets: Sequence[Net], targets: Targets
    ) -> list[Change]:
        if before == FULL and after != FULL:
            return to_ordinary(nets, targets)
        return amiss(after, nets, targets)

    def _save(self, group: str, control: GroupControl | AutoscalerError, mode: str) -> None:
        if isinstance(control, AutoscalerError):
            kept = self._controls.save_over_unreadable(group, GroupControl(mode))
            self._tell(f"mode: {mode}")
            self._tell(f"{CALENDAR_LOST} {kept}: enter it anew")
        elif control.mode == mode:
            self._tell(f"mode: {mode} already")
        else:
            self._controls.save(group, replace(control, mode=mode), instead_of=control)
            self._tell(f"mode: {mode}")

    def _read(self, group: str) -> tuple[Net, ...]:
        return or_raise(self._nets.read([group]).get(group, ()))

    def _set(self, group: str, changes: Sequence[Change]) -> None:
        for change in changes:
            self._tell(change.in_words)
        try:
            set_each(self._nets, group, changes)
        except AutoscalerError as error:
            raise SourceError(f"the policies could not all be set: {error}") from error


def _cpu_last(nets: Sequence[Net]) -> list[Net]:
    """As long as the CPU net is there, whoever carries on knows that the others are ours."""
    return sorted(nets, key=lambda net: net.metric == "cpu")


def _as_net(net: Net, targets: Targets) -> bool:
    return _near(net, targets.as_net(net), SAME_TARGET if net.metric == "cpu" else SAME_CAPACITY)


def _near(one: Net, other: Net, share: float) -> bool:
    return abs(one.target - other.target) <= share * other.target
