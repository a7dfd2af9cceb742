"""The group's instances as processes: started, booting, serving, and ended, as asked for.

It does what Auto Scaling does with a desired capacity: launches at once what is wanted beyond what
is there, puts it into service when it has booted and answers, and takes out of service what is too
much. An instance costs from its launch until it is taken out.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

DRAINING_SECONDS = 2.0
"""An instance that is taken out of service may finish what it works at for so long."""


class Instance(Protocol):
    """A running instance."""

    @property
    def port(self) -> int | None:
        """Where it serves on loopback; None while it does not answer yet."""
        ...

    @property
    def alive(self) -> bool:
        """Whether its process is there."""
        ...

    def end(self) -> None:
        """End it; returns when it is gone."""
        ...


@dataclass
class Member:
    """An instance in the group; times in seconds of the same clock as `follow`'s."""

    instance: Instance
    launched: float
    leaving_since: float | None = None


@dataclass
class Fleet:
    """Holds as many instances as are desired.

    Attributes:
        launch: starts an instance and returns at once.
        retarget: tells the balancer where to send requests.
        boot_seconds: from launch until an instance may serve, however quick its process is.
        billed_seconds: instance-seconds so far.
        started, ended: how many instances were, all in all.
        lost: instances that ended by themselves.
    """

    launch: Callable[[], Instance]
    retarget: Callable[[Sequence[int]], None]
    boot_seconds: float
    billed_seconds: float = 0.0
    started: int = 0
    ended: int = 0
    lost: int = 0
    _members: list[Member] = field(default_factory=list)
    _targets: tuple[int, ...] = ()
    _looked: float | None = None
    _closed: bool = False

    def follow(self, desired: int, now: float) -> None:
        """Bring the fleet closer to what is desired; call it several times a second."""
        if self._closed:
            return
        self._bill(now)
        self._bury()
        staying = [member for member in self._members if member.leaving_since is None]
        for _ in range(desired - len(staying)):
            self._members.append(Member(self.launch(), now))
            self.started += 1
        # The youngest go first: those that do not serve yet are among them.
        for member in staying[max(desired, 0) :]:
            member.leaving_since = now
        self.route(now)
        self._end_drained(now)

    def serving(self, now: float) -> int:
        """How many instances are in service."""
        return len(self.in_service(now))

    def in_service(self, now: float) -> list[Instance]:
        """Instances that get requests."""
        return [
            member.instance
            for member in self._members
            if member.leaving_since is None
            and now - member.launched >= self.boot_seconds
            and member.instance.port is not None
        ]

    @property
    def held(self) -> int:
        """Instances that cost: launched, and not taken out."""
        return sum(member.leaving_since is None for member in self._members)

    def close(self) -> None:
        """End all of them, for good."""
        self._closed = True
        try:
            self.retarget([])
        finally:
            for member in self._members:
                member.instance.end()
                self.ended += 1
            self._members.clear()

    def _bill(self, now: float) -> None:
        if self._looked is not None:
            self.billed_seconds += (now - self._looked) * self.held
        self._looked = now

    def _bury(self) -> None:
        for member in [member for member in self._members if not member.instance.alive]:
            self.lost += member.leaving_since is None
            member.instance.end()
            self.ended += 1
            self._members.remove(member)

    def route(self, now: float) -> None:
        """Tell the balancer, if other instances serve than the last time."""
        found = [instance.port for instance in self.in_service(now)]
        ports = tuple(port for port in found if port is not None)
        if ports != self._targets:
            self.retarget(ports)
            self._targets = ports

    def _end_drained(self, now: float) -> None:
        for member in list(self._members):
            since = member.leaving_since
            if since is not None and now - since >= DRAINING_SECONDS:
                member.instance.end()
                self.ended += 1
                self._members.remove(member)
