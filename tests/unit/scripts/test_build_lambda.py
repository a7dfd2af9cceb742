"""The script that builds the Lambda's zip, with small wheels made here in place of the real ones.

pip is really run, and looks into a folder instead of an index. tests/e2e/test_lambda_zip.py builds
and runs the real thing.
"""

from __future__ import annotations

import base64
import hashlib
import importlib.util
import json
import marshal
import os
import re
import shutil
import socket
import struct
import subprocess
import sys
import zipfile
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from types import CodeType

import pytest

from scripts import build_lambda
from scripts.build_lambda import (
    BuildError,
    ServingPart,
    check_lock_fits,
    find_interpreter,
    locked_versions,
    pip_trouble,
    place_of,
    platform_tags,
    serving_part,
)
from tests.helpers.commands import ROOT
from tests.helpers.powershell import parsed

PYTHON = f"3.{sys.version_info.minor}"
"""Builds are for the Python that runs the tests, so that there is one to compile with."""
TAG = f"cp3{sys.version_info.minor}"
HASH = "a" * 64
AARCH64, X86_64 = 183, 62


def elf(machine: int) -> bytes:
    """The head of a shared library, and no more."""
    return b"\x7fELF\x02\x01\x01" + bytes(9) + struct.pack("<HH", 3, machine)


def wheel(folder: Path, name: str, version: str, tags: str, files: Mapping[str, bytes]) -> Path:
    """Write a wheel that pip takes."""
    papers = f"{name}-{version}.dist-info"
    metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
    about = f"Wheel-Version: 1.0\nRoot-Is-Purelib: false\nTag: {tags.split('.')[0]}\n"
    path = folder / f"{name}-{version}-{tags}.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for place, content in files.items():
            archive.writestr(place, content)
        archive.writestr(f"{papers}/METADATA", metadata)
        archive.writestr(f"{papers}/WHEEL", about)
        archive.writestr(f"{papers}/RECORD", "")
        archive.writestr(f"{papers}/licenses/LICENSE.txt", f"licence of {name}")
    return path


@dataclass
class Shelf:
    """A folder of wheels, and a lock of what lies in it."""

    folder: Path
    lock: Path

    def put(self, machine: int = AARCH64, name: str = "aarch64") -> None:
        """Lay small wheels of numpy and tzdata there, and lock them."""
        numpy = {
            "numpy/__init__.py": b'"""Numbers."""\n\n\ndef f():\n    return {"b", "a", "c"}\n',
            "numpy/__init__.pyi": b"",
            "numpy/_core/_umath.cpython-313-linux-gnu.so": elf(machine),
            "numpy/random/__init__.py": b"",
            "numpy/tests/test_all.py": b"no Python\n",
            "numpy.libs/libblas-1b71.so": elf(machine),
        }
        zones = {
            "tzdata/__init__.py": b"",
            "tzdata/zones": b"Europe/Berlin\n",
            "tzdata/zoneinfo/Europe/Berlin": b"TZif",
            "tzdata/zoneinfo/zone.tab": b"",
        }
        wheels = (
            wheel(self.folder, "numpy", "9.1", f"{TAG}-{TAG}-manylinux_2_28_{name}", numpy),
            wheel(self.folder, "tzdata", "2026.6", "py2.py3-none-any", zones),
        )
        self.write_lock({path: hashlib.sha256(path.read_bytes()).hexdigest() for path in wheels})

    def write_lock(self, hashes: Mapping[Path, str]) -> None:
        """As `make lock` writes it."""
        blocks = (
            f"{path.name.split('-')[0]}=={path.name.split('-')[1]} \\\n"
            f"    --hash=sha256:{HASH} \\\n    --hash=sha256:{digest}\n    # via -r lambda.in\n"
            for path, digest in hashes.items()
        )
        self.lock.write_text("# Written by a test.\n" + "".join(blocks))


@pytest.fixture
def shelf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shelf:
    """The only place where pip looks."""
    for variable in [name for name in os.environ if name.startswith(("PIP_", "PYTHON3"))]:
        monkeypatch.delenv(variable)
    made = Shelf(tmp_path / "shelf", tmp_path / "requirements.txt")
    made.folder.mkdir()
    made.put()
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(made.folder))
    return made


def built(shelf: Shelf, out: Path, *more: str) -> int:
    """Run the script; its exit code."""
    words = ["--python", PYTHON, "--out", str(out), "--lock", str(shelf.lock), *more]
    return build_lambda.main(words)


def complaint(shelf: Shelf, capfd: pytest.CaptureFixture[str], folder: Path, *more: str) -> str:
    """What a build fails with. The zip of an earlier one is gone, and nothing half made is left."""
    folder.mkdir()
    out = folder / "lambda.zip"
    out.write_bytes(b"an earlier one")
    assert built(shelf, out, *more) == 1
    assert list(folder.iterdir()) == []
    told = capfd.readouterr().err
    assert told.startswith("lambda: error: ")
    assert "Traceback" not in told
    return told


class TestServingPart:
    @pytest.fixture
    def sources(self, tmp_path: Path) -> Path:
        files = {
            "ours/__init__.py": "",
            "ours/entry.py": (
                "import os, ours.plain\nfrom typing import TYPE_CHECKING\n"
                "from ours.sub import part, value\n"
                "if TYPE_CHECKING:\n    import types_only\n    from ours import checked\n"
                "else:\n    import outside.deep\n"
                "def later():\n    from ours.late import thing\n"
            ),
            "ours/plain.py": "from . import sibling\nfrom .sub.deep import x\n",
            "ours/sibling.py": "",
            "ours/late.py": "",
            "ours/checked.py": "",
            "ours/unused.py": "",
            "ours/sub/__init__.py": "from .deep import value\n",
            "ours/sub/part.py": "",
            "ours/sub/deep.py": "import ours.entry\n",
        }
        for name, text in files.items():
            build_lambda.write(tmp_path / name, text.encode())
        return tmp_path

    def test_it_is_what_the_entry_reaches(self, sources: Path) -> None:
        part = serving_part(sources, "ours.entry")
        reached = {"ours", "ours.entry", "ours.plain", "ours.sibling", "ours.late"}
        assert part.modules.keys() == reached | {"ours.sub", "ours.sub.part", "ours.sub.deep"}
        assert part.others == {"outside": "ours.entry"}

    def test_a_missing_entry_and_a_broken_file(self, sources: Path) -> None:
        with pytest.raises(BuildError, match=r"no module ours\.gone"):
            serving_part(sources, "ours.gone")
        (sources / "ours" / "late.py").write_text("def (\n")
        with pytest.raises(BuildError, match=r"late\.py"):
            serving_part(sources, "ours.entry")

    def test_ours_holds_what_decides_and_not_what_trains_or_shows(self) -> None:
        part = serving_part()
        tops = {name.split(".")[1] for name in part.modules if "." in name}
        assert tops == {"adapters", "app", "core", "errors", "lambda_app", "ports", "wiring"}
        assert part.others.keys() == {"numpy", "boto3", "botocore"}
        assert "predictive_autoscaler.core.forest" in part.modules

    def test_it_uses_nothing_of_numpy_that_is_left_out(self) -> None:
        folders = (re.fullmatch(r"numpy/(\w+)/\*", pattern) for pattern in build_lambda.UNUSED)
        left_out = {found[1] for found in folders if found} | {"matlib"}
        assert {"random", "fft", "testing"} < left_out
        for file in serving_part().modules.values():
            used = set(re.findall(r"\b(?:np|numpy)\.(\w+)", file.read_text()))
            assert not used & left_out, file


class TestLock:
    def test_names_and_versions(self) -> None:
        text = f"# made\nNum_Py==2.5.5 \\\n    --hash=sha256:{HASH} \\\n    --hash=sha256:{HASH}\n"
        text += f"    # via -r lambda.in\ntzdata==2026.6 --hash=sha256:{HASH}\n"
        assert locked_versions(text, "lock") == {"num-py": "2.5.5", "tzdata": "2026.6"}

    @pytest.mark.parametrize(
        "line",
        [
            "numpy>=2",
            "numpy==2.5.5",
            f"numpy==2.5.5 --hash=sha256:{HASH[1:]}",
            f"numpy==2.5.5 ; python_version < '3.12' --hash=sha256:{HASH}",
            "--find-links elsewhere",
        ],
    )
    def test_anything_else_is_refused(self, line: str) -> None:
        with pytest.raises(BuildError, match=r"^lock: .* make lock|'make lock'") as error:
            locked_versions(f"{line}\n", "lock")
        assert line[:30] in str(error.value)

    def test_an_empty_one_is_refused(self) -> None:
        with pytest.raises(BuildError, match="locks nothing"):
            locked_versions("# nothing\n", "lock")

    def test_it_has_to_fit_what_is_imported(self) -> None:
        part = ServingPart({}, {"numpy": "ours.core", "boto3": "ours.aws"})
        check_lock_fits(part, ["numpy", "tzdata"], "lock")
        with pytest.raises(BuildError, match=r"ours\.core imports numpy, which neither lock nor"):
            check_lock_fits(part, ["tzdata"], "lock")
        with pytest.raises(BuildError, match="lock holds pandas, which nothing"):
            check_lock_fits(part, ["numpy", "pandas"], "lock")

    def test_the_real_one_fits(self) -> None:
        versions = locked_versions(build_lambda.LOCK.read_text(), "lock")
        assert versions.keys() == {"numpy", "tzdata"}
        check_lock_fits(serving_part(), versions, "lock")


class TestTrimming:
    @pytest.mark.parametrize(
        "name",
        [
            "numpy/__init__.py",
            "numpy/_core/_multiarray_umath.cpython-313-aarch64-linux-gnu.so",
            "numpy/lib/_npyio_impl.py",
            "numpy/linalg/_umath_linalg.cpython-313-aarch64-linux-gnu.so",
            "numpy/_typing/__init__.py",
            "numpy/typing/__init__.py",
            "numpy.libs/libscipy_openblas64_-1b7162d6.so",
            "tzdata/zones",
            "tzdata/zoneinfo/Europe/Berlin",
            "tzdata/zoneinfo/Europe/__init__.py",
        ],
    )
    def test_what_is_used_stays(self, name: str) -> None:
        assert place_of(name) == name

    @pytest.mark.parametrize(
        "name",
        [
            "numpy/__init__.pyi",
            "numpy/py.typed",
            "numpy/lib/tests/test_io.py",
            "numpy/tests/test_all.py",
            "numpy/_core/include/numpy/arrayobject.h",
            "numpy/_core/lib/libnpymath.a",
            "numpy/_core/_umath_tests.cpython-313-aarch64-linux-gnu.so",
            "numpy/random/mtrand.cpython-313-aarch64-linux-gnu.so",
            "numpy/f2py/__init__.py",
            "numpy/testing/__init__.py",
            "tzdata/zoneinfo/tzdata.zi",
            "numpy-2.5.5.dist-info/METADATA",
            "numpy-2.5.5.dist-info/RECORD",
        ],
    )
    def test_what_is_not_goes(self, name: str) -> None:
        assert place_of(name) is None

    def test_licences_stay(self) -> None:
        new, old = "numpy-2.5.5.dist-info/licenses/LICENSE.txt", "six-1.1.dist-info/LICENSE"
        assert place_of(new) == "licenses/numpy-2.5.5/LICENSE.txt"
        assert place_of(old) == "licenses/six-1.1/LICENSE"


class TestBuild:
    def test_what_is_in_it(
        self, shelf: Shelf, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        out = tmp_path / "new" / "lambda.zip"
        assert built(shelf, out) == 0
        with zipfile.ZipFile(out) as archive:
            entries = archive.infolist()
            manifest = json.loads(archive.read("build.json"))
        names = [entry.filename for entry in entries]
        assert names == sorted(names)
        theirs = {name for name in names if not name.startswith("predictive_autoscaler/")}
        cache = f"__pycache__/{{}}.{sys.implementation.cache_tag}.pyc"
        assert theirs == {
            "build.json",
            "lambda_function.py",
            cache.format("lambda_function"),
            "numpy/__init__.py",
            "numpy/" + cache.format("__init__"),
            "numpy/_core/_umath.cpython-313-linux-gnu.so",
            "numpy.libs/libblas-1b71.so",
            "tzdata/__init__.py",
            "tzdata/" + cache.format("__init__"),
            "tzdata/zones",
            "tzdata/zoneinfo/Europe/Berlin",
            "licenses/numpy-9.1/LICENSE.txt",
            "licenses/tzdata-2026.6/LICENSE.txt",
        }
        ours = {name for name in set(names) - theirs if name.endswith(".py")}
        assert ours == {
            file.relative_to(build_lambda.SOURCES).as_posix()
            for file in serving_part().modules.values()
        }
        assert {entry.date_time for entry in entries} == {(1980, 1, 1, 0, 0, 0)}
        modes = {entry.filename.endswith(".so"): entry.external_attr >> 16 for entry in entries}
        assert modes == {True: 0o100755, False: 0o100644}
        assert manifest == {
            "architecture": "arm64",
            "compiled_by": ".".join(map(str, sys.version_info[:3])),
            "python": PYTHON,
            "version": "0.1.0",
            "wheels": sorted(path.name for path in shelf.folder.iterdir()),
        }
        told = capsys.readouterr().out
        digest = hashlib.sha256(out.read_bytes())
        assert digest.hexdigest() in told
        assert base64.b64encode(digest.digest()).decode() in told
        assert f".pyc files by CPython {manifest['compiled_by']}; packed by Python" in told
        assert [path.name for path in out.parent.iterdir()] == ["lambda.zip"]

    def test_pyc_files_are_used_unchecked_and_tell_where_lambda_has_them(
        self, shelf: Shelf, tmp_path: Path
    ) -> None:
        assert built(shelf, tmp_path / "lambda.zip") == 0
        with zipfile.ZipFile(tmp_path / "lambda.zip") as archive:
            compiled = [name for name in archive.namelist() if name.endswith(".pyc")]
            for name in compiled:
                content = archive.read(name)
                assert content[:4] == importlib.util.MAGIC_NUMBER
                assert content[4:8] == struct.pack("<I", 1)  # hashed, and not to be checked
                code = marshal.loads(content[16:])
                assert isinstance(code, CodeType)
                source = name.replace("__pycache__/", "").split(".")[0] + ".py"
                assert code.co_filename == f"/var/task/{source}"
                assert archive.getinfo(source).file_size >= 0
        assert len(compiled) > 50

    def test_two_builds_are_one_to_the_bit_also_at_the_same_time(
        self, shelf: Shelf, tmp_path: Path
    ) -> None:
        here = tmp_path / "lambda.zip"
        with ThreadPoolExecutor() as pool:
            codes = pool.map(lambda out: built(shelf, out), [here, tmp_path / "b" / "other", here])
        assert list(codes) == [0, 0, 0]
        assert here.read_bytes() == (tmp_path / "b" / "other").read_bytes()
        assert list(tmp_path.glob(".*")) == []

    def test_without_an_interpreter_there_are_no_pyc_files_and_it_says_so(
        self,
        shelf: Shelf,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        monkeypatch.setattr(build_lambda, "_commands", lambda python: iter(()))
        assert built(shelf, tmp_path / "lambda.zip") == 0
        with zipfile.ZipFile(tmp_path / "lambda.zip") as archive:
            assert not [name for name in archive.namelist() if name.endswith(".pyc")]
            assert json.loads(archive.read("build.json"))["compiled_by"] is None
        told = capsys.readouterr().out
        assert f"no CPython {PYTHON} was found to run, so it holds no .pyc" in told

    def test_the_other_architecture(self, shelf: Shelf, tmp_path: Path) -> None:
        shutil.rmtree(shelf.folder)
        shelf.folder.mkdir()
        shelf.put(X86_64, "x86_64")
        assert built(shelf, tmp_path / "lambda.zip", "--arch", "x86_64") == 0


class TestFailures:
    def test_a_lock_with_another_hash(
        self, shelf: Shelf, tmp_path: Path, capfd: pytest.CaptureFixture[str]
    ) -> None:
        shelf.write_lock(dict.fromkeys(sorted(shelf.folder.iterdir()), "b" * 64))
        told = complaint(shelf, capfd, tmp_path / "out")
        assert "a file that pip was given is not the one that" in told
        assert str(shelf.lock) in told
        assert "make lock" in told
        # pip's own words: which file it was, and what it got in place of it.
        assert "numpy==9.1" in told
        assert hashlib.sha256(next(shelf.folder.glob("numpy*")).read_bytes()).hexdigest() in told
        assert "b" * 64 not in told

    def test_a_lock_that_is_none(
        self, shelf: Shelf, tmp_path: Path, capfd: pytest.CaptureFixture[str]
    ) -> None:
        shelf.lock.write_text("numpy>=2\n")
        assert "'numpy>=2' is not NAME==VERSION" in complaint(shelf, capfd, tmp_path / "out")
        shelf.lock.write_bytes(b"\xff\xfe")
        assert "decode" in complaint(shelf, capfd, tmp_path / "another")
        shelf.lock.unlink()
        assert str(shelf.lock) in complaint(shelf, capfd, tmp_path / "third")

    def test_a_wheel_that_is_not_there(
        self, shelf: Shelf, tmp_path: Path, capfd: pytest.CaptureFixture[str]
    ) -> None:
        told = complaint(shelf, capfd, tmp_path / "out", "--arch", "x86_64")
        assert f"no wheel of numpy==9.1 for CPython {PYTHON} on Linux x86_64" in told
        assert "pip config list" in told

    def test_no_network(
        self,
        shelf: Shelf,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
        capfd: pytest.CaptureFixture[str],
    ) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            nobody = f"http://127.0.0.1:{free.getsockname()[1]}/"
        monkeypatch.delenv("PIP_NO_INDEX")
        monkeypatch.delenv("PIP_FIND_LINKS")
        monkeypatch.setenv("PIP_INDEX_URL", nobody)
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        told = complaint(shelf, capfd, tmp_path / "out")
        assert "the package index cannot be reached" in told

    def test_a_library_of_another_machine(
        self, shelf: Shelf, tmp_path: Path, capfd: pytest.CaptureFixture[str]
    ) -> None:
        shelf.put(X86_64, "aarch64")
        told = complaint(shelf, capfd, tmp_path / "out")
        assert "numpy.libs/libblas-1b71.so is for ELF machine 62, and arm64 is 183" in told

    @pytest.mark.parametrize(
        ("limit", "message"),
        [
            ("ZIPPED_LIMIT", r"MB zipped, and has to stay below 0\.05 MB"),
            ("UNZIPPED_LIMIT", r"MB unzipped, and has to stay below 0\.05 MB"),
        ],
    )
    def test_too_large(
        self,
        shelf: Shelf,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
        capfd: pytest.CaptureFixture[str],
        limit: str,
        message: str,
    ) -> None:
        monkeypatch.setattr(build_lambda, limit, 50_000)
        told = complaint(shelf, capfd, tmp_path / "out")
        assert re.search(message, told)
        assert "its largest file is predictive_autoscaler/" in told

    def test_no_pip(
        self,
        shelf: Shelf,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
        capfd: pytest.CaptureFixture[str],
    ) -> None:
        monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
        assert f"{sys.executable} has no pip" in complaint(shelf, capfd, tmp_path / "out")

    def test_a_file_that_does_not_compile(
        self, shelf: Shelf, tmp_path: Path, capfd: pytest.CaptureFixture[str]
    ) -> None:
        files = {"numpy/__init__.py": b"def (\n"}
        tags = f"{TAG}-{TAG}-manylinux_2_28_aarch64"
        broken = wheel(shelf.folder, "numpy", "9.1", tags, files)
        digests = {
            path: hashlib.sha256(path.read_bytes()).hexdigest() for path in shelf.folder.iterdir()
        }
        assert broken in digests
        shelf.write_lock(digests)
        assert "cannot compile the zip's files" in complaint(shelf, capfd, tmp_path / "out")

    def test_an_interpreter_of_another_version(
        self,
        shelf: Shelf,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
        capfd: pytest.CaptureFixture[str],
    ) -> None:
        variable = f"PYTHON3{sys.version_info.minor}"
        monkeypatch.setenv(variable, str(tmp_path / "no-python"))
        told = complaint(shelf, capfd, tmp_path / "out")
        assert f"{variable} is '{tmp_path / 'no-python'}', which is no CPython {PYTHON}" in told

    @pytest.mark.parametrize(("option", "value"), [("--arch", "arm"), ("--python", "3.9")])
    def test_what_is_not_offered(
        self, capsys: pytest.CaptureFixture[str], option: str, value: str
    ) -> None:
        with pytest.raises(SystemExit) as ended:
            build_lambda.main([option, value])
        assert ended.value.code == 2
        told = capsys.readouterr().err
        assert f"argument {option}: invalid choice: '{value}'" in told
        assert "x86_64" in told if option == "--arch" else "3.13" in told


class TestInterpreter:
    def test_this_one_is_found(self) -> None:
        found = find_interpreter(PYTHON)
        assert found is not None
        assert found.version == ".".join(map(str, sys.version_info[:3]))

    def test_one_is_found_on_path_and_has_to_run(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A shim of a version manager is on PATH whether or not there is something behind it."""
        name = f"python{PYTHON}"
        for folder, text in (("bad", "#!/bin/sh\nexit 127\n"), ("good", None)):
            (tmp_path / folder).mkdir()
            if text is None:
                (tmp_path / folder / name).symlink_to(sys.executable)
            else:
                (tmp_path / folder / name).write_text(text)
                (tmp_path / folder / name).chmod(0o755)
        real = sys.executable
        monkeypatch.setattr(sys, "executable", str(tmp_path / "gone"))
        monkeypatch.setenv("PATH", str(tmp_path / "bad"))
        assert find_interpreter(PYTHON) is None
        monkeypatch.setenv("PATH", f"{tmp_path / 'bad'}{os.pathsep}{tmp_path / 'good'}")
        found = find_interpreter(PYTHON)
        assert found is not None
        assert Path(found.path).resolve() == Path(real).resolve()

    def test_one_of_pyenv_that_is_not_switched_on(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        pyenv = tmp_path / "pyenv"
        pyenv.write_text(
            f'#!/bin/sh\ncase "$1 $2 $PYENV_VERSION" in\n'
            f'"whence python{PYTHON} ") echo {PYTHON}.99 ;;\n'
            f'"which python{PYTHON} {PYTHON}.99") echo "{sys.executable}" ;;\n'
            "*) exit 1 ;;\nesac\n"
        )
        pyenv.chmod(0o755)
        monkeypatch.setattr(sys, "executable", str(tmp_path / "gone"))
        monkeypatch.setenv("PATH", str(tmp_path))
        monkeypatch.delenv("PYENV_VERSION", raising=False)
        assert find_interpreter(PYTHON) is not None

    def test_the_magic_of_this_one_is_known(self) -> None:
        magic = int.from_bytes(importlib.util.MAGIC_NUMBER[:2], "little")
        assert build_lambda.MAGIC[PYTHON] == magic


@pytest.mark.parametrize(
    ("found", "message"),
    [
        ("none", "the package index cannot be reached"),
        ("1, 2", "there is no wheel of a==3"),
    ],
)
def test_an_index_that_answers_counts(found: str, message: str) -> None:
    """One of several may be out of reach, and the wheel be missing all the same."""
    output = (
        "WARNING: Retrying after connection broken by 'NewConnectionError('nobody there')'\n"
        f"ERROR: Could not find a version that satisfies a==3 (from versions: {found})\n"
        "ERROR: No matching distribution found for a==3\n"
    )
    assert pip_trouble(output, "lock", "here").startswith(message)


def test_tags_are_of_what_amazon_linux_2023_runs() -> None:
    tags = platform_tags("aarch64")
    assert {"manylinux_2_34_aarch64", "manylinux_2_17_aarch64", "manylinux2014_aarch64"} < set(tags)
    assert "manylinux_2_35_aarch64" not in tags


class TestScripts:
    def test_the_shell_script_passes_everything_on(self, tmp_path: Path) -> None:
        python = tmp_path / "a python"
        python.write_text('#!/bin/sh\nprintf "%s\\n" "$@"\n')
        python.chmod(0o755)
        done = subprocess.run(
            [str(ROOT / "lambda" / "build.sh"), "--arch", "x86_64", "--out", "a file.zip"],
            cwd=tmp_path,
            env=os.environ | {"PYTHON": str(python)},
            capture_output=True,
            text=True,
            check=True,
        )
        script, *words = done.stdout.splitlines()
        assert Path(script) == ROOT / "scripts" / "build_lambda.py"
        assert words == ["--arch", "x86_64", "--out", "a file.zip"]

    def test_the_shell_script_finds_a_python_and_its_help_teaches(self, tmp_path: Path) -> None:
        environment = {name: text for name, text in os.environ.items() if name != "PYTHON"}
        done = subprocess.run(
            [str(ROOT / "lambda" / "build.sh"), "--help"],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            check=True,
        )
        for word in ("--arch", "arm64", "--python", "3.13", "--lock", "PYTHON313", "zlib"):
            assert word in done.stdout

    def test_the_powershell_script_can_be_parsed_and_calls_the_same_script(self) -> None:
        text = parsed(ROOT / "lambda" / "build.ps1")
        assert text.count(b"$script @args") == 3
        assert b"'build_lambda.py'" in text
