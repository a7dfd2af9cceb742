from __future__ import annotations

from pathlib import Path

import pytest

from predictive_autoscaler.app.settings import Settings
from predictive_autoscaler.app.settings_file import read_groups_file, read_settings_file
from predictive_autoscaler.errors import SettingsError


def written(folder: Path, text: str) -> Path:
    path = folder / "a.env"
    path.write_text(text)
    return path


def test_lines_are_read_as_a_shell_would(tmp_path: Path) -> None:
    text = """
    # a comment
    AUTOSCALER_MISS_PRICE=20   # and one behind
    export AUTOSCALER_TIMEZONE='Europe/Berlin'

    AUTOSCALER_BOOT_MINUTES="3"
    ASG_NAME=
    """
    # An empty value is one that is not set, and a name must be set
    with pytest.raises(SettingsError, match="ASG_NAME is not set"):
        read_settings_file(written(tmp_path, text))
    group = read_settings_file(written(tmp_path, text.replace("ASG_NAME=", ""))).groups[0]
    assert group.parameters.miss_price == 20
    assert group.parameters.timezone == "Europe/Berlin"
    assert group.parameters.boot_minutes == 3


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("\nAUTOSCALER_PRICE=2", "line 2: unknown setting AUTOSCALER_PRICE; known are ASG_NAME"),
        ("COLOUR=red", "line 1: unknown setting COLOUR"),
        ("AUTOSCALER_MISS_PRICE", "line 1: 'AUTOSCALER_MISS_PRICE' is not KEY=VALUE"),
        ("AUTOSCALER_MISS_PRICE=2 3", "is not KEY=VALUE"),
        ("AUTOSCALER_TIMEZONE='UTC", "is not KEY=VALUE"),
        ("AUTOSCALER_MODE=off\nAUTOSCALER_MODE=full", "line 2: AUTOSCALER_MODE is set a second"),
        ("AUTOSCALER_MISS_PRICE=0", "AUTOSCALER_MISS_PRICE is '0'; allowed is 1 to 1000000"),
        (
            "AUTOSCALER_MISS_PRICE=2\nAUTOSCALER_QUANTILE=0.9",
            "AUTOSCALER_MISS_PRICE and AUTOSCALER_QUANTILE are set together",
        ),
    ],
)
def test_what_is_wrong_is_told_with_the_file(tmp_path: Path, text: str, message: str) -> None:
    path = written(tmp_path, text)
    with pytest.raises(SettingsError) as caught:
        read_settings_file(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert message in str(caught.value)


def test_a_file_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="there is no such file"):
        read_settings_file(tmp_path / "none.env")
    (tmp_path / "binary.env").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(SettingsError, match="it is not text"):
        read_settings_file(tmp_path / "binary.env")


class TestGroups:
    """JSON as AUTOSCALER_GROUPS holds it."""

    def read(self, folder: Path, content: str, **environment: str) -> Settings:
        path = folder / "groups.json"
        path.write_text(content)
        return read_groups_file(path, environment, on_aws=False)

    def test_without_aws_nobody_says_where_groups_are_to_be_found(self, tmp_path: Path) -> None:
        settings = self.read(
            tmp_path,
            '{"groups": {"a": {"boot_minutes": 3}, "b": {"load_balancer": "app/b/1"}}}',
            ASG_NAME="another",
            AUTOSCALER_TIMEZONE="Europe/Berlin",
            AUTOSCALER_GROUPS="s3://elsewhere/groups.json",
        )
        assert [group.name for group in settings.groups] == ["a", "b"]
        assert settings.groups[0].parameters.boot_minutes == 3
        assert {group.parameters.timezone for group in settings.groups} == {"Europe/Berlin"}
        assert settings.groups[1].load_balancer == "app/b/1"

    def test_with_aws_they_must(self, tmp_path: Path) -> None:
        path = tmp_path / "groups.json"
        path.write_text('{"groups": {"a": {}, "b": {"load_balancer": "app/b/1"}}}')
        settings = read_groups_file(path, {"S3_BUCKET": "bucket"})
        assert settings.bucket == "bucket"
        assert list(settings.refused) == ["a"]
        assert "LOAD_BALANCER is not set" in settings.refused["a"]

    @pytest.mark.parametrize(
        ("content", "message"),
        [
            ("", " has no groups; it takes JSON"),
            ("{", " is not JSON: "),
            ("[]", " is no object"),
            ('{"groups": {}}', " has no groups"),
            ('{"groups": {"a": {"colour": 1}}}', ": no group has settings that can be used: "),
            ('{"defaults": {"colour": 1}, "groups": {"a": {}}}', ": defaults: unknown setting"),
        ],
    )
    def test_a_list_that_cannot_be_used_is_told_with_the_file(
        self, tmp_path: Path, content: str, message: str
    ) -> None:
        with pytest.raises(SettingsError) as caught:
            self.read(tmp_path, content)
        assert str(caught.value).startswith(f"{tmp_path / 'groups.json'}{message}")

    def test_a_file_that_cannot_be_read_is_told(self, tmp_path: Path) -> None:
        with pytest.raises(SettingsError, match="there is no such file"):
            read_groups_file(tmp_path / "none.json", {})
