"""The Lambda's zip as it is uploaded, from the wheels that the lock names.

It is run the way Lambda runs it: a Python that finds nothing but its own standard library, the
unpacked zip and boto3. The zip of the other architecture cannot be run, and is looked at instead.
"""

from __future__ import annotations

import ast
import hashlib
import json
import platform
import re
import struct
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement

from predictive_autoscaler.core.timegrid import floor_to
from predictive_autoscaler.core.types import Json, utc_text
from predictive_autoscaler.demo.local_aws import BUCKET, GROUP, LocalAws, local_aws, put_metrics
from scripts.build_lambda import (
    LOCK,
    MACHINES,
    MAGIC,
    UNZIPPED_LIMIT,
    ZIPPED_LIMIT,
    find_interpreter,
    serving_part,
)
from tests.helpers.commands import (
    ROOT,
    TRAINING_SCRIPT,
    clean_environment,
    json_of,
    run,
    succeeded,
)
from tests.helpers.waves import DAYS, INTERVAL, controller_environment, recorded

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

HERE = f"3.{sys.version_info.minor}"
RUNTIME = "3.13"
HOST = {"x86_64": "x86_64", "AMD64": "x86_64", "aarch64": "arm64"}.get(platform.machine())
RUNTIME_HAS = ("boto3", "botocore", "s3transfer", "jmespath", "dateutil", "six", "urllib3")
TICK = """
import json, os, sys
task, runtime, names = sys.argv[1:]
sys.path[:0] = [task, runtime]
import zoneinfo
zoneinfo.reset_tzpath(())
from lambda_function import lambda_handler
record = lambda_handler({"source": "aws.events"}, None)
import numpy
loaded = {name: getattr(module, "__file__", None) for name, module in sys.modules.items()}
print("RESULT " + json.dumps({
    "record": record,
    "lacking": [name for name in names.split() if not hasattr(numpy, name)],
    "zones": len(zoneinfo.available_timezones()),
    "loaded": {name: file for name, file in loaded.items() if file},
    "library": os.path.dirname(os.__file__),
    "version": sys.version.split()[0],
}))
"""


@dataclass(frozen=True)
class Zip:
    """A zip that was built, and what the script printed."""

    path: Path
    told: str

    @property
    def names(self) -> list[str]:
        with zipfile.ZipFile(self.path) as archive:
            return archive.namelist()

    @property
    def manifest(self) -> Json:
        content: Json = json.loads(self.read("build.json"))
        return content

    def read(self, name: str) -> bytes:
        with zipfile.ZipFile(self.path) as archive:
            return archive.read(name)


Build = Callable[..., Zip]


@pytest.fixture(scope="module")
def build(tmp_path_factory: pytest.TempPathFactory) -> Build:
    """Build a zip, each kind once; `turn` is for having the same one twice."""

    @cache
    def made(architecture: str, python: str = RUNTIME, turn: int = 0) -> Zip:
        folder = tmp_path_factory.mktemp(f"zip-{turn}")
        lock = LOCK if python == RUNTIME else lock_of_this_python(folder)
        words = ["--arch", architecture, "--python", python, "--lock", str(lock)]
        done = subprocess.run(
            [str(ROOT / "lambda" / "build.sh"), *words, "--out", str(folder / "lambda.zip")],
            cwd=folder,
            env=clean_environment(PYTHON=sys.executable),
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return Zip(folder / "lambda.zip", done.stdout)

    return made


def lock_of_this_python(folder: Path) -> Path:
    """What the development lock says of the Lambda's packages for the Python that runs this."""
    text = (ROOT / "requirements" / "dev.txt").read_text()
    blocks = []
    for head, hashes in re.findall(
        r"^((?:numpy|tzdata)==[^\\\n]+?) ?\\\n((?:    --hash=\S+(?: \\)?\n)+)", text, re.MULTILINE
    ):
        requirement = Requirement(head)
        if requirement.marker is None or requirement.marker.evaluate():
            blocks.append(f"{requirement.name}{requirement.specifier} \\\n{hashes}")
    assert len(blocks) == 2
    (folder / "lock.txt").write_text("".join(blocks))
    return folder / "lock.txt"


def runs(python: str) -> str:
    """The interpreter of a version; the test is skipped if there is none here."""
    if HOST is None or sys.platform != "linux":
        pytest.skip("the zip runs on Linux on arm64 or x86_64")
    interpreter = find_interpreter(python)
    if interpreter is None:
        pytest.skip(f"there is no Python {python} here")
    return interpreter.path


class TestLookedAt:
    def test_two_builds_have_one_hash(self, build: Build) -> None:
        first, second = build("arm64"), build("arm64", turn=1)
        assert first.path != second.path
        assert first.path.read_bytes() == second.path.read_bytes()
        digest = hashlib.sha256(first.path.read_bytes()).hexdigest()
        assert digest in first.told
        assert digest in second.told

    @pytest.mark.parametrize("architecture", MACHINES)
    def test_it_is_for_the_architecture_and_python_that_were_asked_for(
        self, build: Build, architecture: str
    ) -> None:
        made = build(architecture)
        machine, number = MACHINES[architecture]
        libraries = [name for name in made.names if ".so" in name]
        assert len(libraries) >= 3
        for name in libraries:
            head = made.read(name)[:20]
            assert head[:4] == b"\x7fELF"
            assert struct.unpack("<H", head[18:])[0] == number, name
            assert name.startswith("numpy.libs/") or f".cpython-313-{machine}-" in name
        manifest = made.manifest
        assert (manifest["architecture"], manifest["python"]) == (architecture, RUNTIME)
        numpy, tzdata = manifest["wheels"]
        assert re.fullmatch(rf"numpy-[\d.]+-cp313-cp313-manylinux\S+_{machine}\.whl", numpy)
        assert re.fullmatch(r"tzdata-[\d.]+-\S+-none-any\.whl", tzdata)

    @pytest.mark.parametrize("architecture", MACHINES)
    def test_its_pyc_files_are_of_a_python_that_was_run(
        self, build: Build, architecture: str
    ) -> None:
        made = build(architecture)
        compiled = [name for name in made.names if name.endswith(".pyc")]
        interpreter = find_interpreter(RUNTIME)
        if interpreter is None:
            assert compiled == []
            assert made.manifest["compiled_by"] is None
            assert "it holds no .pyc" in made.told
            return
        assert made.manifest["compiled_by"] == interpreter.version
        sources = [name for name in made.names if name.endswith(".py")]
        assert len(compiled) == len(sources)
        start = struct.pack("<H2sI", MAGIC[RUNTIME], b"\r\n", 1)
        assert {made.read(name)[:8] for name in compiled} == {start}

    @pytest.mark.parametrize("architecture", MACHINES)
    def test_it_is_small_and_holds_nothing_else(self, build: Build, architecture: str) -> None:
        made = build(architecture)
        with zipfile.ZipFile(made.path) as archive:
            unzipped = sum(entry.file_size for entry in archive.infolist())
        assert made.path.stat().st_size < ZIPPED_LIMIT == 18_000_000
        assert unzipped < UNZIPPED_LIMIT == 60_000_000
        ours = {"predictive_autoscaler", "lambda_function.py", "build.json"}
        theirs = {"numpy", "numpy.libs", "tzdata", "licenses"}
        tops = {name.split("/")[0] for name in made.names}
        assert tops - {"__pycache__"} == ours | theirs
        assert {name.split("/")[1] for name in made.names if name.startswith("licenses/")} == {
            "-".join(wheel.split("-")[:2]) for wheel in made.manifest["wheels"]
        }


@pytest.fixture(scope="module")
def aws() -> Iterator[tuple[LocalAws, dict[str, str], str]]:
    """A local AWS with traffic and a published model; the Lambda's environment, the model's name.

    The hours are those of a zone, so that its data has to be found.
    """
    start = floor_to(datetime.now(UTC), INTERVAL)
    with local_aws(1, 60, 2) as made:
        put_metrics(made, made.client("cloudwatch"), recorded(start))
        environment = controller_environment(made) | {"AUTOSCALER_TIMEZONE": "Europe/Berlin"}
        training = run(
            *("--from", "cloudwatch", "--days", DAYS, "--until", utc_text(start)),
            *("--max-bins", "300", "--publish", "--json"),
            script=TRAINING_SCRIPT,
            env=clean_environment(**environment),
        )
        succeeded(run("mode", "full", "--yes", env=clean_environment(**environment)))
        yield made, environment, json_of(training)["published"]


@pytest.fixture(scope="module")
def runtime(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with boto3 and what it needs, and with nothing else."""
    folder = tmp_path_factory.mktemp("runtime")
    for name in RUNTIME_HAS:
        spec = find_spec(name)
        assert spec is not None
        assert spec.origin is not None
        origin = Path(spec.origin)
        place = origin.parent if origin.name == "__init__.py" else origin
        (folder / place.name).symlink_to(place)
    return folder


def names_of_numpy() -> list[str]:
    """Every `np.name` that is written in the serving part."""
    found = set()
    for file in serving_part().modules.values():
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Attribute) and ast.unparse(node.value) in ("np", "numpy"):
                found.add(node.attr)
    return sorted(found)


def contents(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def tick(
    interpreter: str, task: Path, runtime: Path, environment: dict[str, str]
) -> dict[str, Any]:
    """Call the handler once in a process that finds nothing else."""
    done = subprocess.run(
        [interpreter, "-I", "-S", "-c", TICK, str(task), str(runtime), " ".join(names_of_numpy())],
        cwd=task.parent,
        # Nothing of the developer's own: neither paths nor an account.
        env={"HOME": str(task.parent), "NO_PROXY": "127.0.0.1"} | environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    answer: dict[str, Any] = json.loads(done.stdout.split("RESULT ")[1])
    return answer


def as_at_first(aws: LocalAws) -> None:
    """Two instances, and no decision yet."""
    bucket = aws.client("s3")
    for found in bucket.list_objects_v2(Bucket=BUCKET, Prefix="decisions/").get("Contents", ()):
        bucket.delete_object(Bucket=BUCKET, Key=found["Key"])
    aws.client("autoscaling").set_desired_capacity(AutoScalingGroupName=GROUP, DesiredCapacity=2)


@pytest.mark.parametrize("python", sorted({HERE, RUNTIME}))
def test_the_handler_decides_from_the_zip_alone(
    build: Build,
    aws: tuple[LocalAws, dict[str, str], str],
    runtime: Path,
    tmp_path: Path,
    python: str,
) -> None:
    interpreter = runs(python)
    local, environment, model = aws
    as_at_first(local)
    task = tmp_path / "task"
    assert HOST is not None
    made = build(HOST, python)
    with zipfile.ZipFile(made.path) as archive:
        archive.extractall(task)
    before = contents(task)

    answer = tick(interpreter, task, runtime, environment)

    assert answer["version"].startswith(f"{python}.")
    record = answer["record"]
    assert record["status"] == "completed"
    decision = record["groups"][GROUP]["decision"]
    assert (decision["rung"], decision["model_id"], decision["faults"]) == ("forest", model, [])
    assert record["groups"][GROUP]["outcome"]["status"] == "applied"
    kept = local.client("s3").list_objects_v2(Bucket=BUCKET, Prefix="decisions/")["Contents"]
    assert len(kept) == 1

    assert answer["lacking"] == []
    assert answer["zones"] > 500
    # Python writes a .pyc file that it cannot use anew: each one was good.
    assert contents(task) == before
    places = tuple(f"{folder}/" for folder in (task, runtime, answer["library"]))
    loaded = answer["loaded"]
    assert [name for name, file in loaded.items() if not file.startswith(places)] == []
    assert [name for name, file in loaded.items() if "-packages/" in file] == []
    assert Path(loaded["numpy"]).is_relative_to(task)
    assert Path(loaded["boto3"]).is_relative_to(runtime)
    assert not {"pandas", "sklearn", "scipy", "joblib", "typer", "rich"} & loaded.keys()
