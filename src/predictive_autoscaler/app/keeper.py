"""Within a tick: keeps the groups' own policies as their mode has them, and falls back."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from predictive_autoscaler.app.figures import in_words
from predictive_autoscaler.app.handover import (
    FULL,
    NOTHING_BEHIND,
    OBSERVE,
    Change,
    HandOver,
    Targets,
    amiss,
    others_in,
    set_each,
)
from predictive_autoscaler.app.record import capacity_of
from predictive_autoscaler.app.tick import GroupTick, Tick
from predictive_autoscaler.core.state import in_mode
from predictive_autoscaler.core.trial import Trial
from predictive_autoscaler.errors import AutoscalerError
from predictive_autoscaler.ports import ControlStore, Net, Nets

WRONG_IN_FULL = "the group's own scaling policies were not as mode full wants them"
STILL_NETS = "the group's own scaling policies were still a net, which nothing needs in mode"
UNREAD = "the group's own scaling policies could not be read"
SET_RIGHT = "they have been set right"


class Keeper:
    """Looks after the policies behind the groups, one listing a tick.

    Nothing that goes wrong with one group keeps it from the others.
    """

    def __init__(self, nets: Nets, controls: ControlStore) -> None:
        self._nets = nets
        self._hand_over = HandOver(nets, controls)

    def keep(self, tick: Tick, in_time: Callable[[], bool], *, dry_run: bool) -> None:
        """Compare the policies with the modes, and set right what does not agree.

        Where a group in mode `full` had other policies, or nobody knows what it has, it is
        not scaled in by this tick: two would have been at it.

        Args:
            in_time: whether there is time left to set policies.
            dry_run: find out only.
        """
        live = [group for group in tick.groups if group.state is not None]
        answers = self._read([group.name for group in live])
        for group in live:
            nets = answers.get(group.name)
            if nets is None:
                continue
            if isinstance(nets, AutoscalerError):
                _note(group, f"{UNREAD}: {nets}", UNREAD)
                continue
            if not nets and group.mode == FULL:
                group.faults.append(NOTHING_BEHIND)
            beside = others_in(nets) if group.mode == FULL else None
            if beside:
                group.faults.append(beside)
            changes = amiss(group.mode, nets, _targets(tick, group))
            if changes:
                _note(group, *self._put_right(group, changes, in_time, dry_run=dry_run))

    def fall_back(self, tick: Tick, in_time: Callable[[], bool]) -> None:
        """Give groups that the controller scales worse than target tracking would have back to
        their own policies: those first, then the mode, and people are told the figures.
        """
        for group in tick.groups:
            lost = group.next_state.lost if group.next_state and group.mode == FULL else None
            if lost is None or group.state is None:
                continue
            if not in_time():
                return
            try:
                targets = _targets(tick, group)
                self._hand_over.change(group.name, FULL, OBSERVE, targets)
            except AutoscalerError as error:
                group.troubles.append(f"it should fall back to mode observe, but: {error}")
                group.no_less = "its policies may scale it in again by now"
                continue
            _now_observes(group, lost)

    def _read(self, names: Sequence[str]) -> Mapping[str, tuple[Net, ...] | AutoscalerError]:
        if not names:
            return {}
        try:
            return self._nets.read(names)
        except AutoscalerError as error:
            return dict.fromkeys(names, error)

    def _put_right(
        self,
        group: GroupTick,
        changes: Sequence[Change],
        in_time: Callable[[], bool],
        *,
        dry_run: bool,
    ) -> tuple[str, str]:
        """What to tell of it, and the reason to hold scale-in."""
        wrong = WRONG_IN_FULL if group.mode == FULL else f"{STILL_NETS} {group.mode}"
        what = "; ".join(change.in_words for change in changes)
        if not group.control_known:
            return f"{wrong}; they stay while the mode is not known", wrong
        if dry_run:
            return f"{wrong}; a dry run leaves them so ({what})", wrong
        if not in_time():
            return f"{wrong}; the time was up before they could be set right", wrong
        try:
            set_each(self._nets, group.name, changes)
        except AutoscalerError as error:
            return f"{wrong}, and could not be set right: {error}", wrong
        return f"{wrong}; {SET_RIGHT} ({what})", f"{wrong}; {SET_RIGHT}"


def promote(group: GroupTick) -> None:
    """Once, tell people that a trial of observing says that acting would be worth it."""
    state = group.next_state
    if state is None or group.mode != OBSERVE or state.worth_told:
        return
    if not (state.trial.observing and state.trial.worth_it):
        return
    group.next_state = replace(state, worth_told=True)
    group.notices.append(
        f"{in_words(state.trial, group.settings.instance_hour_price)} To let the controller act: "
        f"predictive-autoscaler mode {group.name} full"
    )


def _note(group: GroupTick, fault: str, reason: str) -> None:
    group.faults.append(fault)
    if group.mode == FULL:
        group.hold(reason)


def _now_observes(group: GroupTick, lost: Trial) -> None:
    """Go on from what the group has, and tell people."""
    assert group.next_state is not None
    assert group.state is not None
    group.control = replace(group.control, mode=OBSERVE)
    left = group.next_state.having(group.state.desired_instances)
    group.next_state = in_mode(left, observing=True)
    group.notices.append(
        "of late it was scaled worse than target tracking would have, so its own policies scale "
        f"it again and the mode is observe. {in_words(lost, group.settings.instance_hour_price)}"
    )


def _targets(tick: Tick, group: GroupTick) -> Targets:
    return Targets.of(group.settings.parameters, capacity_of(tick.previous, group.name))
