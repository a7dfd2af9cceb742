"""The module is in order, and every environment can be planned, with no account and no zip."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.helpers.terraform import SOURCE, Module, copied, mocked

pytestmark = pytest.mark.timeout(240)

ENVIRONMENTS = ("dev", "staging", "prod")


@pytest.fixture(scope="module")
def module(tmp_path_factory: pytest.TempPathFactory) -> Module:
    return copied(tmp_path_factory.mktemp("module") / "terraform").init("-backend=false")


def test_the_files_are_formatted(module: Module) -> None:
    assert module.run("fmt", "-check", "-recursive", "-no-color").stdout == ""


def test_it_is_valid(module: Module) -> None:
    assert not (module.folder.parent / "lambda").exists()
    assert "The configuration is valid" in module.succeed("validate", "-no-color")


def test_the_bootstrap_is_valid(module: Module) -> None:
    """It has the same lock, so the provider that was fetched for the module will do."""
    lock = ".terraform.lock.hcl"
    assert (SOURCE / "bootstrap" / lock).read_text() == (SOURCE / lock).read_text()
    fetched = {"TF_DATA_DIR": str(module.folder / ".terraform")}
    bootstrap = Module(module.folder / "bootstrap", fetched)
    assert "The configuration is valid" in bootstrap.succeed("validate", "-no-color")


@pytest.mark.slow
def test_every_environment_plans(module: Module) -> None:
    def plan(name: str) -> None:
        mocked(module, "environment.tftest.hcl", f"-var-file=environments/{name}.tfvars")

    assert {path.stem for path in (SOURCE / "environments").glob("*.tfvars")} == set(ENVIRONMENTS)
    with ThreadPoolExecutor(len(ENVIRONMENTS)) as pool:
        list(pool.map(plan, ENVIRONMENTS))


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_every_environment_has_a_place_for_its_state(name: str) -> None:
    lines = (SOURCE / "environments" / f"{name}.s3.tfbackend").read_text()
    assert f'"saleor-predictive-scaling/{name}.tfstate"' in lines
    assert "use_lockfile = true" in lines
    assert "encrypt      = true" in lines
