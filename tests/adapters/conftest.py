from __future__ import annotations

import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from moto.server import ThreadedMotoServer

from predictive_autoscaler.adapters.aws.clients import Clients
from predictive_autoscaler.adapters.aws.s3 import S3Objects
from predictive_autoscaler.adapters.objects import DirectoryObjects, ObjectStore

BUCKET = "autoscaler-tests"
REGION = "eu-central-1"


@pytest.fixture(scope="session")
def moto_server() -> Iterator[str]:
    """The address of a simulated AWS that lives as long as the tests."""
    server = ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture(scope="session")
def shared_clients() -> Clients:
    """Making a client takes longer than most tests, so they share them."""
    return Clients()


@pytest.fixture
def aws(
    shared_clients: Clients,
    moto_server: str,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path_factory: pytest.TempPathFactory,
) -> Clients:
    """Clients of an empty simulated AWS. Nothing of the developer's own account is looked at."""
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_DEFAULT_REGION", "AWS_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
    nothing = str(tmp_path_factory.getbasetemp() / "no-such-file")
    settings = {
        "AWS_ENDPOINT_URL": moto_server,
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_REGION": REGION,
        "AWS_CONFIG_FILE": nothing,
        "AWS_SHARED_CREDENTIALS_FILE": nothing,
        "AWS_EC2_METADATA_DISABLED": "true",
        "NO_PROXY": "127.0.0.1",
    }
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    reset = urllib.request.Request(f"{moto_server}/moto-api/reset", method="POST")
    urllib.request.urlopen(reset).close()
    return shared_clients


@pytest.fixture
def s3_objects(aws: Clients) -> S3Objects:
    aws.s3.create_bucket(
        Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": "eu-central-1"}
    )
    return S3Objects(aws.s3, BUCKET)


@pytest.fixture(params=["directory", "s3"])
def objects(request: pytest.FixtureRequest, tmp_path: Path) -> ObjectStore:
    """Both kinds of object store."""
    if request.param == "directory":
        return DirectoryObjects(tmp_path / "store")
    found: S3Objects = request.getfixturevalue("s3_objects")
    return found
