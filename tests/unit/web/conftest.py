"""A page over a fortnight in memory; made once, since nothing can change it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from starlette.testclient import TestClient

from predictive_autoscaler.web.pages import make_app
from predictive_autoscaler.web.question import Status
from tests.helpers.fortnight import Answered, Fortnight, answer_like, fortnight

PORT = 8765


@pytest.fixture(scope="package")
def made() -> Fortnight:
    """After one look at everything."""
    found = fortnight(Answered(Status(answer=answer_like())), hour_price="0.096")
    found.desk.look()
    found.desk.look_back()
    return found


@pytest.fixture(scope="package")
def client(made: Fortnight) -> Iterator[TestClient]:
    """Asks as a browser on this machine would."""
    app = make_app(made.desk, PORT, 5)
    with TestClient(app, base_url=f"http://127.0.0.1:{PORT}") as found:
        yield found
