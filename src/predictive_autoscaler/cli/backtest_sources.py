"""Where `backtest` takes traffic from: files, or the group's own recorded metrics."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from predictive_autoscaler.cli.console import settings_from
from predictive_autoscaler.errors import AutoscalerError, DataError

if TYPE_CHECKING:
    from predictive_autoscaler.backtest.lab import LabOptions, LabTraffic
    from predictive_autoscaler.core.types import Bounds

MINUTE_FOLDER = "minute"
Load = Callable[["LabOptions"], "LabTraffic"]


@dataclass(frozen=True)
class Source:
    """A trace that can be put on the grid of any options.

    Attributes:
        label: what it is called when something is wrong with it.
        load: raises DataError if it cannot be used.
    """

    label: str
    load: Load


@dataclass(frozen=True, eq=False)
class World:
    """What there is to replay, and under which options.

    Attributes:
        of_group: whether boot and capacity in the options are those of a group that is there.
        notes: by trace name, what a reader must know.
    """

    sources: Sequence[Source]
    options: LabOptions
    hour_price: float | None
    of_group: bool = False
    notes: Mapping[str, Sequence[str]] = field(default_factory=dict)


def files(paths: Sequence[Path]) -> list[Source]:
    """Recordings; misses by the minute need the folder 'minute' beside them."""
    return [Source(str(path), _loader(path)) for path in paths]


def _loader(path: Path) -> Load:
    def load(options: LabOptions) -> LabTraffic:
        from predictive_autoscaler.backtest.lab import load_traffic, name_of

        folder, name = path.parent / MINUTE_FOLDER, name_of(path)
        places = (folder / f"{name}.csv.gz", folder / f"{name}.csv")
        minutes = next((place for place in places if place.exists()), None)
        return load_traffic(path, options, minutes if options.by_minute else None)

    return load


def own_group(
    base: LabOptions,
    bounds: Bounds | None,
    aim: Mapping[str, float],
    variables: Mapping[str, str | None],
    days: int,
    tell: Callable[[str], None],
) -> World:
    """The group that the environment names: its settings, its bounds and its history.

    Args:
        base: what neither the settings nor the group say.
        bounds: in place of the group's own.
        aim: how much to spend, in place of what the settings say; none leaves that.
        variables: settings laid over the environment.

    Raises:
        SettingsError, SourceError, DataError: with what is missing.
    """
    from predictive_autoscaler.backtest.from_settings import capacity_of, options_under
    from predictive_autoscaler.backtest.lab import traffic_of
    from predictive_autoscaler.backtest.what_if import AIMS
    from predictive_autoscaler.wiring import aws_group, aws_history

    settings = settings_from(**variables)
    group = settings.groups[0]
    tell(f"looking up {group.name}")
    bounds = bounds or aws_group(group.name).bounds
    recorded = aws_history(
        settings, group, datetime.now(UTC), days, lambda day: tell(f"reading the metrics of {day}")
    )
    capacity, known_from = capacity_of(group, recorded)
    options = replace(options_under(group, base), bounds=bounds, capacity_per_instance=capacity)
    if aim:
        others = {name: value for name, value in options.parameters.items() if name not in AIMS}
        options = replace(options, parameters=others | dict(aim))
    return World(
        [Source(group.name, lambda chosen: traffic_of(group.name, recorded, chosen))],
        options,
        group.instance_hour_price,
        of_group=True,
        notes={group.name: _notes(capacity, known_from)},
    )


def _notes(capacity: float, known_from: str) -> list[str]:
    return [
        f"An instance carries {capacity:,.0f} requests per interval: {known_from}.",
        "What the group had is its instances in service; those still booting are not in it. It is "
        "judged by the same capacity per instance as everything else, not by what its users saw.",
        "Everything is replayed with metrics that are complete the moment their interval ends.",
    ]


def loaded(
    sources: Sequence[Source], options: LabOptions
) -> tuple[list[LabTraffic], dict[str, str]]:
    """The traces that can be used, and what is wrong with the others."""
    traffics: list[LabTraffic] = []
    failed: dict[str, str] = {}
    for source in sources:
        try:
            traffic = source.load(options)
            if any(other.name == traffic.name for other in traffics):
                raise DataError(f"another trace is called {traffic.name!r} too")
            traffics.append(traffic)
        except AutoscalerError as error:
            failed[source.label] = str(error)
    return traffics, failed
