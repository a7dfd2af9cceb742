"""What the launch templates hand to their instances, taken apart."""

from __future__ import annotations

import base64
import gzip
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tests.helpers.terraform import State

LIMIT_BYTES = 16 * 1024
"""Of user data, before it is encoded."""


@dataclass(frozen=True)
class UserData:
    """One kind's user data: size as sent, text, and the files that it writes."""

    sent_bytes: int
    text: str
    files: dict[str, str]

    def write(self, folder: Path) -> Path:
        """Write the files of /srv/shop into a folder, as cloud-init would."""
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in self.files.items():
            if name.startswith("/srv/shop/"):
                path = folder / Path(name).name
                path.write_text(content)
                path.chmod(0o755 if path.suffix == ".sh" else 0o644)
        return folder


def user_data(state: State, kind: str) -> UserData:
    """Of the launch template of a kind of instances."""
    sent = base64.b64decode(state[f'aws_launch_template.this["{kind}"]']["user_data"])
    text = gzip.decompress(sent).decode()
    assert text.startswith("#cloud-config\n")
    config: dict[str, Any] = yaml.safe_load(text)
    assert config["runcmd"] == ["/srv/shop/install.sh"]
    files = {row["path"]: row["content"] for row in config["write_files"]}
    return UserData(len(sent), text, files)
