"""A group's mode as an operator sees and changes it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from predictive_autoscaler.app.figures import figures, in_words
from predictive_autoscaler.app.handover import FULL, HandOver, Targets, amiss
from predictive_autoscaler.app.record import capacity_of, part_of, state_of
from predictive_autoscaler.app.settings import GroupSettings
from predictive_autoscaler.core.trial import Trial
from predictive_autoscaler.core.types import Json
from predictive_autoscaler.errors import DataError, or_raise
from predictive_autoscaler.ports import ControlStore, GroupControl, Net, Nets


@dataclass(frozen=True)
class Standing:
    """How a group stands.

    Attributes:
        said: by operators or by the controller's falling back; else the mode is the setting's.
        unreadable: why what was said cannot be read; empty if it can. Then the mode is the one
            that the controller holds on to: its newest record's, else the setting's.
        wrong: how policies do not agree with the mode, in words.
        trial: of the present mode; `promise`: of the last time of observing, while acting.
        slot: of the decision that the trials come from.
    """

    group: str
    mode: str
    said: bool
    nets: tuple[Net, ...]
    wrong: tuple[str, ...]
    trial: Trial | None
    promise: Trial | None
    slot: str | None
    instance_hour_usd: float | None
    unreadable: str = ""

    @property
    def evidence(self) -> Trial | None:
        """What observing has shown of late."""
        return self.trial if self.trial is None or self.trial.observing else self.promise

    @property
    def doubt(self) -> str | None:
        """Why acting might not be worth it; None if a trial has shown that it is."""
        found = self.evidence
        if found is None:
            return f"nobody has observed {self.group!r} yet."
        if found.worth_it:
            return None
        return (
            "observing has not shown that acting is worth it. "
            f"{in_words(found, self.instance_hour_usd)}"
        )

    def to_json(self) -> Json:
        """Plain values."""
        price = self.instance_hour_usd
        return {
            "group": self.group,
            "mode": self.mode,
            "said": self.said,
            "policies": [vars(net) for net in self.nets],
            "wrong": list(self.wrong),
            "trial": figures(self.trial, price) if self.trial else None,
            "promise": figures(self.promise, price) if self.promise else None,
            "slot": self.slot,
            "unreadable": self.unreadable or None,
        }


@dataclass(frozen=True)
class ModeDesk:
    """Where one group's mode is seen and changed.

    Attributes:
        record: the newest decision record, if there is any.
    """

    group: GroupSettings
    nets: Nets
    controls: ControlStore
    record: Json | None

    def standing(self) -> Standing:
        """How the group stands now.

        Raises:
            AutoscalerError: the policies cannot be read, or the store did not answer.
        """
        name = self.group.name
        said = self.controls.load_each([name])[name]
        unreadable = str(said) if isinstance(said, DataError) else ""
        control = GroupControl() if unreadable else or_raise(said)
        nets = or_raise(self.nets.read([name]).get(name, ()))
        mode = mode_in_force(control, self.record, self.group)
        state = state_of(self.record, name)
        return Standing(
            group=name,
            mode=mode,
            said=control.mode is not None,
            nets=nets,
            wrong=tuple(change.in_words for change in amiss(mode, nets, self._targets)),
            trial=state.trial if state else None,
            promise=state.promise if state else None,
            slot=self.record["slot"] if self.record and state else None,
            instance_hour_usd=self.group.instance_hour_price,
            unreadable=unreadable,
        )

    def change(self, before: str, after: str, tell: Callable[[str], None]) -> None:
        """Hand the group over, also where what was said cannot be read; see `HandOver.change`."""
        HandOver(self.nets, self.controls, tell).change(
            self.group.name, before, after, self._targets, write_anew=True
        )

    @property
    def _targets(self) -> Targets:
        return Targets.of(self.group.parameters, capacity_of(self.record, self.group.name))


def mode_in_force(control: GroupControl, record: Json | None, group: GroupSettings) -> str:
    """What was said, else what the newest record has, else the setting: the controller's own
    settings may say another mode than those that are read here.
    """
    recorded: str | None = part_of(record, group.name).get("mode")
    return control.mode or recorded or group.mode


def needs_consent(standing: Standing, after: str) -> str | None:
    """Why a person has to agree to the change first; None if nobody has to."""
    if after != FULL or standing.mode == FULL:
        return None
    return standing.doubt
