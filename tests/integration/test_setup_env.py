"""The settings of a deployment in a shell: sourced and evaluated, in bash, zsh and fish."""

from __future__ import annotations

import json
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.helpers.clones import LINES, Clone, clone

SHELLS = [
    pytest.param(
        shell,
        marks=pytest.mark.skipif(shutil.which(shell) is None, reason=f"{shell} is not installed"),
    )
    for shell in ("bash", "zsh")
]
# What a shell would do something with, if it were not a text.
NASTY = 'it\'s $(touch made) `touch made` "$HOME" \\ ; & * ! é'


@pytest.fixture
def place(tmp_path: Path) -> Clone:
    return clone(tmp_path)


def in_shell(
    place: Clone, shell: str, script: str, *arguments: str, **variables: str
) -> subprocess.CompletedProcess[str]:
    """Run a script of a few lines, strict as scripts should be, from the clone's folder."""
    options = {"bash": ["--noprofile", "--norc"], "zsh": ["-f"], "fish": ["--no-config"]}[shell]
    strict = "" if shell == "fish" else "set -eu\n"
    return subprocess.run(
        [shell, *options, "-c", strict + script, "name", *arguments],
        cwd=place.root,
        env=place.environment(**variables),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


@pytest.mark.parametrize("shell", SHELLS)
class TestSourced:
    def test_it_sets_what_terraform_put_out_for_programs_too(
        self, place: Clone, shell: str
    ) -> None:
        done = in_shell(place, shell, '. scripts/setup_env.sh\nenv | grep -E "^(ASG|S3|AWS_R)"')
        assert done.returncode == 0, done.stderr
        assert sorted(done.stdout.split()) == [
            "ASG_NAME=shop-web",
            "AWS_REGION=eu-central-1",
            "S3_BUCKET=records",
        ]
        assert (
            done.stderr
            == "ASG_NAME=shop-web, S3_BUCKET=records, AWS_REGION=eu-central-1 and 0 more\n"
        )

    def test_it_is_found_from_anywhere(self, place: Clone, shell: str) -> None:
        script = f"cd /\n. {shlex.quote(str(place.root))}/scripts/setup_env.sh\necho $ASG_NAME"
        assert in_shell(place, shell, script).stdout == "shop-web\n"

    def test_it_leaves_nothing_else_behind(self, place: Clone, shell: str) -> None:
        look = "set -o >before; . scripts/setup_env.sh; set -o >after; cmp before after\n"
        look += "set | grep ^_autoscaler_ || echo nothing\n"
        done = in_shell(place, shell, look)
        assert done.stdout == "nothing\n", done.stderr

    def test_the_callers_own_arguments_are_not_taken(self, place: Clone, shell: str) -> None:
        done = in_shell(place, shell, ". scripts/setup_env.sh\necho $#", "--format", "json")
        assert done.stdout == "2\n", done.stderr

    def test_a_value_is_a_text_whatever_is_in_it(self, place: Clone, shell: str) -> None:
        held = NASTY.replace("'", "'\\''")
        place.put_lines(f"{LINES}\nexport AUTOSCALER_MODEL='{held}'")
        script = ". scripts/setup_env.sh\nprintf '%s' \"$AUTOSCALER_MODEL\""
        assert in_shell(place, shell, script).stdout == NASTY
        assert not (place.root / "made").exists()

    def test_settings_of_another_deployment_go(self, place: Clone, shell: str) -> None:
        script = ". scripts/setup_env.sh\necho ${AUTOSCALER_MISS_PRICE-gone}"
        done = in_shell(place, shell, script, AUTOSCALER_MISS_PRICE="20")
        assert done.stdout == "gone\n"
        assert "unset, since this deployment has none: AUTOSCALER_MISS_PRICE\n" in done.stderr

    def test_where_it_fails_it_says_why_and_ends_no_shell(self, place: Clone, shell: str) -> None:
        place.put_lines(None)
        script = "if . scripts/setup_env.sh; then :; else echo failed; fi\necho ${ASG_NAME-unset}"
        done = in_shell(place, shell, script)
        assert done.stdout == "failed\nunset\n"
        assert done.stderr.startswith("error: the output environment_lines is no text")
        strict = in_shell(place, shell, ". scripts/setup_env.sh\necho further")
        assert (strict.returncode, strict.stdout) == (1, "")

    def test_evaluated(self, place: Clone, shell: str) -> None:
        script = 'eval "$(scripts/setup_env.sh)"\necho $S3_BUCKET'
        assert in_shell(place, shell, script).stdout == "records\n"


@pytest.mark.skipif(shutil.which("fish") is None, reason="fish is not installed")
def test_fish_reads_its_own_form(place: Clone) -> None:
    held = NASTY.replace("'", "'\\''")
    place.put_lines(f"{LINES}\nexport AUTOSCALER_MODEL='{held}'")
    script = (
        "scripts/setup_env.sh --format fish | source\n"
        "printf '%s|' $ASG_NAME $AUTOSCALER_MODEL; set -q SNS_TOPIC_ARN; or printf gone"
    )
    done = in_shell(place, "fish", script, SNS_TOPIC_ARN="old")
    assert done.stdout == f"shop-web|{NASTY}|gone", done.stderr


class TestPrinted:
    def run(self, place: Clone, *options: str, **variables: str) -> tuple[int, str, str]:
        done = subprocess.run(
            [place.root / "scripts" / "setup_env.sh", *options],
            env=place.environment(**variables),
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        return done.returncode, done.stdout, done.stderr

    def test_json_is_for_other_programs(self, place: Clone) -> None:
        code, out, _ = self.run(place, "--format", "json", AUTOSCALER_QUANTILE="0.9")
        assert code == 0
        assert json.loads(out) == {
            "set": {"AWS_REGION": "eu-central-1", "ASG_NAME": "shop-web", "S3_BUCKET": "records"},
            "unset": ["AUTOSCALER_QUANTILE"],
        }

    @pytest.mark.parametrize(
        "line",
        [
            "export PATH='/somewhere'",
            "export AWS_SECRET_ACCESS_KEY='x'",
            "export LD_PRELOAD='x.so'",
            "touch made",
            "export ASG_NAME='a' S3_BUCKET='b'",
            "export ASG_NAME='a",
            "ASG_NAME=a",
        ],
    )
    def test_anything_but_a_setting_is_refused_and_nothing_printed(
        self, place: Clone, line: str
    ) -> None:
        place.put_lines(f"{LINES}\n{line}")
        code, out, err = self.run(place)
        assert (code, out) == (1, "")
        assert "allowed is export NAME='value' with the name of a setting" in err

    def test_what_is_lacking_is_named(self, place: Clone) -> None:
        place.put_lines("export AWS_REGION='eu-central-1'")
        assert self.run(place) == (
            1,
            "",
            "error: the output environment_lines lacks ASG_NAME, S3_BUCKET: apply again\n",
        )

    def test_without_terraform_it_says_so(self, place: Clone, tmp_path: Path) -> None:
        (place.stand_ins / "bin" / "terraform").unlink()
        found = [shutil.which(name) for name in ("bash", "dirname")]
        for program in filter(None, found):
            (tmp_path / Path(program).name).symlink_to(program)
        code, out, err = self.run(place, PATH=str(tmp_path))
        assert (code, out) == (1, "")
        assert err == "error: terraform is not on the PATH, so its outputs cannot be read\n"

    def test_terraforms_own_complaint_is_passed_on(self, place: Clone) -> None:
        assert self.run(place, FAILS="output") == (
            1,
            "",
            "error: terraform output: output went wrong\n",
        )


def test_the_real_terraform_without_a_state(tmp_path: Path) -> None:
    """A module of which nothing was applied, and one that was never initialised."""
    if shutil.which("terraform") is None:
        pytest.skip("terraform is not installed")
    place = clone(tmp_path)
    (place.stand_ins / "bin" / "terraform").unlink()
    done = in_shell(place, "bash", "scripts/setup_env.sh")
    assert done.returncode == 1
    assert "Backend initialization required; run scripts/quick_start.sh" in done.stderr
    empty = clone(tmp_path / "empty")
    (empty.stand_ins / "bin" / "terraform").unlink()
    for file in (empty.root / "terraform").glob("*.*"):
        if file.suffix == ".tf" or file.name == ".terraform.lock.hcl":
            file.unlink()
    done = in_shell(empty, "bash", "scripts/setup_env.sh")
    assert done.returncode == 1
    assert "nothing is applied yet: run scripts/quick_start.sh" in done.stderr
    assert "Traceback" not in done.stderr
