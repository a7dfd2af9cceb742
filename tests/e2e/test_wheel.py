"""The wheel as `pipx install .` has it: in an environment of its own, far from the repository."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import sysconfig
import venv
import zipfile
from dataclasses import dataclass
from email.parser import Parser
from pathlib import Path

import pytest

from predictive_autoscaler import __version__
from scripts.bench_training import make_groups
from tests.helpers.commands import ROOT, clean_environment

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

SITE = Path(sysconfig.get_path("purelib"))
UNREACHABLE = re.compile("No matching distribution|ConnectionError|Max retries")
LOCKED = re.compile(r"^([^\s#]+==[^\\\n]*?) *\\?$", re.MULTILINE)


@dataclass(frozen=True)
class Installed:
    """An environment with the command in it."""

    folder: Path

    @property
    def programs(self) -> Path:
        return self.folder / "bin"

    def run(
        self, *words: object, home: Path | None = None, shell: str | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run words with the environment first on the path, from an empty folder."""
        nowhere = self.folder.parent / "nowhere"
        nowhere.mkdir(exist_ok=True)
        variables = clean_environment(
            PATH=f"{self.programs}{os.pathsep}{os.environ['PATH']}",
            HOME=str(home or nowhere),
            TERM="dumb",
        )
        for name in ("PYTHONPATH", "VIRTUAL_ENV", "XDG_CONFIG_HOME", "ZDOTDIR"):
            variables.pop(name, None)
        return subprocess.run(
            list(map(str, words)),
            cwd=nowhere,
            env=variables,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )

    def command(self, *words: object) -> subprocess.CompletedProcess[str]:
        return self.run(self.programs / "predictive-autoscaler", *words)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    pip = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation"]
    done = subprocess.run(
        [*pip, "--wheel-dir", str(folder), str(ROOT)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    (built,) = folder.glob("*.whl")
    return built


def environment_with(wheel: Path, folder: Path, *options: str) -> Installed:
    venv.create(folder, with_pip=True)
    pip = [str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet"]
    done = subprocess.run(
        [*pip, "--disable-pip-version-check", *options, str(wheel)],
        capture_output=True,
        text=True,
        check=False,
    )
    if UNREACHABLE.search(done.stderr) and os.environ.get("CI") != "true":
        pytest.skip("packages cannot be fetched from here")
    assert done.returncode == 0, done.stderr
    return Installed(folder)


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Installed:
    """As pipx does it: with what the project depends on, and no extra."""
    folder = tmp_path_factory.mktemp("installed")
    # The versions that are tested elsewhere; a wheel of ours has no hash to be compared with.
    lock = (ROOT / "requirements" / "dev.txt").read_text()
    constraints = folder / "constraints.txt"
    constraints.write_text("\n".join(LOCKED.findall(lock)))
    return environment_with(wheel, folder / "environment", "--constraint", str(constraints))


@pytest.fixture(scope="module")
def equipped(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Installed:
    """The wheel alone, beside the libraries of .venv: these are not fetched a second time."""
    folder = tmp_path_factory.mktemp("equipped") / "environment"
    made = environment_with(wheel, folder, "--no-deps")
    (site,) = folder.glob("lib/python*/site-packages")
    # A folder named in a .pth file is searched; .pth files in it, ours among them, are not read.
    (site / "libraries.pth").write_text(f"{SITE}\n")
    return made


def test_it_holds_every_file_of_the_package_and_nothing_else(wheel: Path) -> None:
    source = ROOT / "src"
    files = {
        path.relative_to(source).as_posix()
        for path in (source / "predictive_autoscaler").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert {Path(name).suffix for name in files} >= {".py", ".j2", ".css", ".js", ".graphql"}
    with zipfile.ZipFile(wheel) as archive:
        held = {name for name in archive.namelist() if ".dist-info/" not in name}
    assert held == files


def test_it_says_what_it_is(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (name for name in archive.namelist() if name.endswith("/METADATA"))
        told = Parser().parsestr(archive.read(name).decode())
    assert told["Version"] == __version__
    assert told["Description-Content-Type"] == "text/markdown"
    assert str(told.get_payload()).strip() == (ROOT / "README.md").read_text().strip()
    versions = [line for line in told.get_all("Classifier", []) if "Python :: 3." in line]
    assert [line.rsplit(" ", 1)[1] for line in versions] == ["3.11", "3.12", "3.13"]
    assert told["Requires-Python"] == ">=3.11"
    # Nothing here may reach a public index by mistake.
    assert "Private :: Do Not Upload" in told.get_all("Classifier", [])


class TestWithoutExtras:
    def test_the_command_works(self, installed: Installed) -> None:
        assert installed.command("--version").stdout == f"predictive-autoscaler {__version__}\n"
        told = installed.command("--help")
        assert told.returncode == 0
        for name in ("demo", "decide", "explain", "mode", "--install-completion"):
            assert name in told.stdout

    def test_it_is_not_the_repositorys(self, installed: Installed) -> None:
        script = "import predictive_autoscaler as p; print(p.__file__)"
        where = installed.run(installed.programs / "python", "-c", script).stdout
        assert where.startswith(str(installed.folder))

    @pytest.mark.parametrize("command", ["demo", "quality"])
    def test_what_is_lacking_is_told_in_one_line(self, installed: Installed, command: str) -> None:
        done = installed.command(command)
        assert done.returncode == 1
        assert done.stderr.startswith("error: ")
        assert "'.[lab,load]' for every command" in done.stderr
        assert "Traceback" not in done.stderr


def test_a_command_finds_the_templates(equipped: Installed, tmp_path: Path) -> None:
    """The page of a fleet, from a wheel that knows nothing of the repository."""
    words = make_groups(tmp_path / "made", 2, 4)
    done = equipped.command("train", *words, "--max-bins", "300", "--out", tmp_path / "out")
    assert done.returncode == 0, done.stderr
    page = (tmp_path / "out" / "report.html").read_text()
    styles = (ROOT / "src/predictive_autoscaler/report/templates/fleet.css").read_text()
    assert styles.strip().splitlines()[0] in page
    script = "import predictive_autoscaler.storefront as s; print(s.__file__)"
    where = equipped.run(equipped.programs / "python", "-c", script).stdout
    assert where.startswith(str(equipped.folder))


class TestCompletion:
    """`--install-completion`, and what the shell then offers for `ret` and for `mode --as`."""

    def install(self, installed: Installed, shell: str, home: Path, *options: str) -> None:
        if shutil.which(shell) is None:
            pytest.skip(f"{shell} is not installed")
        # Two commands, so that the shell stays the parent that is looked for.
        script = "predictive-autoscaler --install-completion; true"
        done = installed.run(shell, *options, "-c", script, home=home)
        assert f"{shell} completion installed" in done.stdout, done.stdout + done.stderr
        shown = installed.run(
            shell, *options, "-c", "predictive-autoscaler --show-completion; true", home=home
        )
        assert "_PREDICTIVE_AUTOSCALER_COMPLETE=complete_" in shown.stdout

    def test_bash(self, installed: Installed, tmp_path: Path) -> None:
        self.install(installed, "bash", tmp_path, "--norc")
        script = """
            . ~/.bashrc
            offered() {
              COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)) COMPREPLY=()
              "$(complete -p predictive-autoscaler | sed 's/.*-F \\([^ ]*\\).*/\\1/')" "$1"
              echo "${COMPREPLY[*]}"
            }
            offered predictive-autoscaler ret
            offered predictive-autoscaler mode --as
        """
        done = installed.run("bash", "--norc", "-c", script, home=tmp_path)
        assert done.stdout.split() == ["retrain", "--asg-name"], done.stderr

    def test_zsh(self, installed: Installed, tmp_path: Path) -> None:
        self.install(installed, "zsh", tmp_path, "-f")
        script = """
            . ~/.zshrc
            autoload +X _predictive-autoscaler
            _arguments() { print -r -- "$@" }
            offered() { words=("$@") CURRENT=$#; _predictive-autoscaler; $_comps[$1] }
            offered predictive-autoscaler ret
            offered predictive-autoscaler mode --as
        """
        done = installed.run("zsh", "-f", "-c", script, home=tmp_path)
        assert '"retrain":' in done.stdout, done.stdout + done.stderr
        assert '"--asg-name":' in done.stdout
        assert "rollback" not in done.stdout

    def test_fish(self, installed: Installed, tmp_path: Path) -> None:
        self.install(installed, "fish", tmp_path)
        script = (
            'complete -C "predictive-autoscaler ret"; complete -C "predictive-autoscaler mode --as"'
        )
        done = installed.run("fish", "-c", script, home=tmp_path)
        names = [line.split("\t")[0] for line in done.stdout.splitlines() if "\t" in line]
        assert names == ["retrain", "--asg-name"], done.stdout + done.stderr
