"""The two Terraform modules of the repository: the state's bucket, and everything else."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from predictive_autoscaler.deployment.answers import Answers
from predictive_autoscaler.deployment.changes import Changes
from predictive_autoscaler.deployment.running import captured, shown
from predictive_autoscaler.errors import UsageError

_LOCAL_BACKEND = 'terraform {\n  backend "local" {}\n}\n'
_LEFT_OUT = shutil.ignore_patterns(".terraform", "*.tfstate*", "*.tfplan")


@dataclass(frozen=True)
class Place:
    """Where things lie in a clone.

    Attributes:
        root: of the repository.
    """

    root: Path

    @property
    def module(self) -> Path:
        """Everything but the state's bucket."""
        return self.root / "terraform"

    @property
    def bootstrap(self) -> Path:
        return self.module / "bootstrap"

    @property
    def tfvars(self) -> Path:
        return self.module / "terraform.tfvars"

    @property
    def former_tfvars(self) -> Path:
        """Where a file goes that was changed by hand and is to be written anew."""
        return self.module / "terraform.tfvars.before"

    @property
    def zip(self) -> Path:
        return self.root / "lambda" / "dist" / "predictive-autoscaler.zip"

    def environment(self, name: str) -> Path:
        """The file of an environment's variables."""
        return self.module / "environments" / f"{name}.tfvars"

    def environments(self) -> list[str]:
        """Those that have a file of variables and one of the backend."""
        found = (self.module / "environments").glob("*.tfvars")
        names = [file.stem for file in found if file.with_suffix(".s3.tfbackend").exists()]
        # What is tried out first comes first.
        return sorted(names, key=lambda name: (name.startswith("prod"), name))


@dataclass(frozen=True)
class Planned:
    """A plan, in a file that lives as long as the block in which it was made."""

    module: Path
    file: Path
    changes: Changes

    def show(self) -> None:
        """Print all of it."""
        shown(_terraform(self.module, "show", self.file), "terraform show")

    def apply(self) -> None:
        """Do it.

        Raises:
            ChildError: something of it could not be done; what could, is in the state.
        """
        words = _terraform(self.module, "apply", "-input=false", self.file)
        shown(words, "terraform apply")


def _terraform(module: Path, command: str, *arguments: str | Path) -> list[str | Path]:
    return ["terraform", f"-chdir={module}", command, "-no-color", *arguments]


def known_backend(place: Place) -> dict[str, str]:
    """Environment and state bucket that the module was last initialised with, as answers."""
    try:
        held = json.loads((place.module / ".terraform" / "terraform.tfstate").read_text())
        backend = held["backend"]
        bucket, key = backend["config"]["bucket"], backend["config"]["key"]
    except (OSError, ValueError, KeyError, TypeError):
        return {}
    environment = re.fullmatch(r".*/(\w+)\.tfstate", str(key))
    found = {"state_bucket": str(bucket)}
    return found | ({"environment": environment[1]} if environment else {})


def bucket_in_state(place: Place) -> tuple[str | None, bool]:
    """The bucket that was made from this clone, and whether all that belongs to it was, too.

    Raises:
        UsageError: the state of it cannot be read.
    """
    path = place.bootstrap / "terraform.tfstate"
    if not path.exists():
        return None, False
    try:
        resources = json.loads(path.read_text())["resources"]
        made = [row for row in resources if row["mode"] == "managed" and row["instances"]]
        names = [
            row["instances"][0]["attributes"]["bucket"]
            for row in made
            if row["type"] == "aws_s3_bucket"
        ]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UsageError(
            f"terraform/bootstrap/terraform.tfstate cannot be read ({error!r})"
        ) from None
    text = (place.bootstrap / "main.tf").read_text(encoding="utf-8")
    wanted = len(re.findall(r'^resource "', text, re.MULTILINE))
    return (str(names[0]) if names else None), len(made) >= wanted


def make_state_bucket(place: Place, bucket: str, region: str) -> None:
    """Make the bucket of the state, or what is missing of it.

    Raises:
        ChildError: it could not be made.
    """
    captured(_terraform(place.bootstrap, "init", "-input=false"), "terraform init")
    words = _terraform(
        place.bootstrap,
        *("apply", "-input=false", "-auto-approve"),
        *("-var", f"bucket={bucket}", "-var", f"aws_region={region}"),
    )
    shown(words, "making the state's bucket")


@contextmanager
def planned(place: Place, answers: Answers, bucket_region: str | None) -> Iterator[Planned]:
    """A plan of the environment.

    Args:
        bucket_region: of the state's bucket. None: there is none yet, and so no state. The plan is
            then made in a copy of the module, in which nothing can be applied that would be lost.

    Raises:
        ChildError: Terraform could not plan it.
    """
    with TemporaryDirectory(prefix="quick-start-") as folder:
        module = place.module
        if bucket_region is None:
            module = _without_backend(place, Path(folder))
            init = ["init", "-input=false", "-reconfigure"]
        else:
            init = [
                *("init", "-input=false", "-reconfigure"),
                f"-backend-config=environments/{answers.environment}.s3.tfbackend",
                f"-backend-config=bucket={answers.state_bucket}",
                f"-backend-config=region={bucket_region}",
            ]
        captured(_terraform(module, *init), "terraform init")
        file = Path(folder) / f"{answers.environment}.tfplan"
        variables = f"-var-file=environments/{answers.environment}.tfvars"
        words = _terraform(module, "plan", "-input=false", variables, f"-out={file}")
        captured(words, "terraform plan")
        told = captured(_terraform(module, "show", "-json", file), "terraform show")
        yield Planned(module, file, Changes.of(json.loads(told)))


def outputs(place: Place) -> dict[str, str]:
    """The module's outputs that are texts.

    Raises:
        ChildError: there is no state that can be read.
    """
    told = json.loads(captured(_terraform(place.module, "output", "-json"), "terraform output"))
    return {
        name: output["value"] for name, output in told.items() if isinstance(output["value"], str)
    }


def _without_backend(place: Place, folder: Path) -> Path:
    module = folder / "terraform"
    shutil.copytree(place.module, module, ignore=_LEFT_OUT)
    (module / "backend_override.tf").write_text(_LOCAL_BACKEND)
    if place.zip.exists():
        copy = folder / place.zip.relative_to(place.root)
        copy.parent.mkdir(parents=True)
        shutil.copy(place.zip, copy)
    return module
