"""Which AWS operations the controller calls, told by botocore itself."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest

from predictive_autoscaler.adapters.aws.clients import Clients


@dataclass(frozen=True)
class Call:
    """One call: "s3.GetObject" and its parameters."""

    operation: str
    parameters: dict[str, Any]


@dataclass
class Recorder:
    """Notes every call of every client that is made after `install`."""

    calls: list[Call] = field(default_factory=list)

    def install(self, patch: pytest.MonkeyPatch) -> Recorder:
        make = Clients._make

        def recording(clients: Clients, service: str) -> Any:
            client = make(clients, service)
            client.meta.events.register("provide-client-params.*", self._note)
            return client

        patch.setattr(Clients, "_make", recording)
        return self

    def _note(self, params: dict[str, Any], model: Any, **_: Any) -> None:
        service = model.service_model.service_name
        self.calls.append(Call(f"{service}.{model.name}", dict(params)))

    @property
    def operations(self) -> set[str]:
        return {call.operation for call in self.calls}
