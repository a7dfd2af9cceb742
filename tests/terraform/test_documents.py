"""The documents say what the code says: tables, sums, file names, alarms, commands."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from scripts.write_terraform_tables import README, blocks, with_tables
from tests.helpers.commands import ROOT
from tests.helpers.documents import runbook_entries
from tests.helpers.terraform import SOURCE

DEPLOYMENT = (ROOT / "DEPLOYMENT.md").read_text()
ENVIRONMENTS = ("dev", "staging", "prod")


def table(mark: str) -> list[list[str]]:
    """The cells of a table between marks, without its heading."""
    text = DEPLOYMENT.split(f"<!-- {mark} -->\n")[1].split(f"<!-- /{mark} -->")[0]
    return [[cell.strip() for cell in row.strip("|").split("|")] for row in text.splitlines()[2:]]


def shell_words() -> Iterator[str]:
    """Every word that the reader is told to type."""
    for block in re.findall(r"```sh\n(.*?)```", DEPLOYMENT, re.DOTALL):
        yield from block.replace("\\\n", " ").split()


def test_the_tables_of_variables_and_outputs_are_up_to_date() -> None:
    assert README.read_text() == with_tables(README.read_text())


def test_every_variable_and_output_has_a_row() -> None:
    """The premise of the test above: the script finds them all."""
    for kind in ("variable", "output"):
        text = (SOURCE / f"{kind}s.tf").read_text()
        names = [name for name, _ in blocks(kind, text)]
        assert len(names) == text.count(f'\n{kind} "') + text.startswith(f'{kind} "')
        for name in names:
            assert f"| `{name}` |" in README.read_text()


@pytest.mark.parametrize("column", [1, 2, 3], ids=ENVIRONMENTS)
def test_the_costs_add_up_and_fit_the_budget(column: int) -> None:
    prices = {row[0]: float(row[2]) for row in table("prices")}
    *rows, total = table("quantities")
    assert [row[0] for row in rows] == list(prices)
    cost = sum(prices[row[0]] * float(row[column]) for row in rows)
    assert total[column] == f"**{cost:.0f}**"
    tfvars = (SOURCE / "environments" / f"{ENVIRONMENTS[column - 1]}.tfvars").read_text()
    budget = re.search(r"monthly_usd = (\d+)", tfvars)
    assert budget is not None
    assert cost < float(budget[1]) < 1.6 * cost


def test_every_file_that_it_names_is_there() -> None:
    named = {word.split("=")[-1] for word in shell_words() if word.startswith("-var-file=")}
    named |= {word.split("=")[-1] for word in shell_words() if word.endswith(".s3.tfbackend")}
    assert len(named) >= 3
    for name in named:
        assert (SOURCE / name).is_file(), name
    for folder, name in re.findall(r"(terraform/|ml-model/|lambda/)([\w./-]+\.\w+)", DEPLOYMENT):
        made_by_the_reader = {"terraform.tfvars", "dist/predictive-autoscaler.zip", "bootstrap"}
        built = made_by_the_reader | {"bootstrap/terraform.tfstate"}
        assert name in built or (ROOT / folder / name).is_file(), folder + name


def test_every_alarm_that_it_names_is_there() -> None:
    named = set(re.findall(r"alarm\s+`([\w-]+)`", DEPLOYMENT))
    assert {"no-decision", "model-unused", "surplus-credits"} <= named
    assert named <= set(runbook_entries())


def test_every_output_that_it_reads_is_there() -> None:
    outputs = (SOURCE / "outputs.tf").read_text()
    read = set(re.findall(r"terraform(?: -chdir=\S+)?\s+output(?:\s+-raw)?\s+(\w+)", DEPLOYMENT))
    assert len(read) >= 3
    for name in read:
        assert f'output "{name}"' in outputs
