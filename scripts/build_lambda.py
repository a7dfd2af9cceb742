"""Build the Lambda's zip: the serving part of our package and what its lock names, trimmed.

Standard library only. The wheels come through pip, each checked against the hash in the lock. The
zip is the same to the bit for the same files, the same Python that made its .pyc files, and the
same Python and zlib that packed it; the last lines printed name them.
"""

from __future__ import annotations

import argparse
import ast
import base64
import hashlib
import importlib.util
import json
import os
import platform
import re
import shutil
import struct
import subprocess
import sys
import tempfile
import threading
import time
import tomllib
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SOURCES = ROOT / "src"
HANDLER = ROOT / "lambda" / "lambda_function.py"
LOCK = ROOT / "lambda" / "requirements.txt"
OUT = ROOT / "lambda" / "dist" / "predictive-autoscaler.zip"
PYPROJECT = ROOT / "pyproject.toml"

PACKAGE = "predictive_autoscaler"
ENTRY = f"{PACKAGE}.lambda_app"
IN_RUNTIME = frozenset({"boto3", "botocore"})
"""What AWS's Python runtime has already."""
DATA_ONLY = frozenset({"tzdata"})
"""What no module of ours imports: zoneinfo of the standard library does."""

ZIPPED_LIMIT = 18_000_000
UNZIPPED_LIMIT = 60_000_000
"""Both in bytes; the second without the overhead of a file system."""
PROGRESS_SECONDS = 2.0
TAIL_LINES = 12

MACHINES = {"arm64": ("aarch64", 183), "x86_64": ("x86_64", 62)}
"""By Lambda's name of an architecture: the name in wheels, and the number in ELF files."""
MAGIC = {"3.11": 3495, "3.12": 3531, "3.13": 3571}
"""By version of Python: the number that its .pyc files begin with."""
# Lambda's Python 3.12 and later run on Amazon Linux 2023, which has glibc 2.34.
GLIBC_MINORS = range(34, 16, -1)
IN_LAMBDA = "/var/task"
EARLIEST = (1980, 1, 1, 0, 0, 0)

# Files of wheels that nothing reads at run time. Of numpy 2, `import numpy` loads the folders named
# here only when somebody asks for them, which the serving part does not. numpy.ma stays: numpy's
# own median asks for it.
UNUSED = (
    *("*/tests/*", "*/conftest.py", "*.pyi", "*.pxd", "*.pyx", "*.h", "*.a", "*/py.typed"),
    *("numpy/_core/include/*", "numpy/_core/lib/*", "numpy/_core/_*_tests.*"),
    *("numpy/_core/_simd.*", "numpy/_pyinstaller/*", "numpy/char/*", "numpy/core/*"),
    *("numpy/ctypeslib/*", "numpy/doc/*", "numpy/typing/mypy_plugin.py"),
    *("numpy/f2py/*", "numpy/fft/*", "numpy/linalg/lapack_lite.*", "numpy/matlib.py"),
    *("numpy/polynomial/*", "numpy/random/*", "numpy/rec/*", "numpy/strings/*", "numpy/testing/*"),
    *("tzdata/zoneinfo/*.tab", "tzdata/zoneinfo/*.zi", "tzdata/zoneinfo/leapseconds"),
)

REQUIREMENT = re.compile(r"([A-Za-z0-9][\w.-]*)==([\w.!+]+)((?:\s+--hash=sha256:[0-9a-f]{64})+)")
WHEEL = re.compile(r"(?P<name>[^-]+)-(?P<version>[^-]+)(-\d[^-]*)?-[^-]+-[^-]+-(?P<platform>[^-]+)")
UNREACHABLE = re.compile(
    "NewConnectionError|ConnectTimeout|ReadTimeout|NameResolution|name resolution|ProxyError|"
    "ConnectionRefused|Connection refused|Connection aborted|Max retries|Could not fetch URL"
)


class BuildError(Exception):
    """Something the reader of the message has to put right; there is no zip."""


def say(text: str) -> None:
    """Print one line at once, also into a pipe."""
    print(f"lambda: {text}", flush=True)


def shown(path: Path) -> str:
    """Name a path as it is seen from the repository's root, if it lies below it."""
    inside = path.is_relative_to(ROOT)
    return path.relative_to(ROOT).as_posix() if inside else str(path)


# --- the lock -----------------------------------------------------------------------------------


def locked_versions(text: str, name: str) -> dict[str, str]:
    """Versions by project name, as a lock made for one Python names them.

    Args:
        text: of the lock.
        name: of its file, for messages.

    Raises:
        BuildError: a line is not NAME==VERSION with hashes.
    """
    lines = [line.split(" #")[0].strip() for line in text.splitlines()]
    joined = "\n".join(line for line in lines if line and not line.startswith("#"))
    versions: dict[str, str] = {}
    for line in joined.replace("\\\n", " ").splitlines():
        found = REQUIREMENT.fullmatch(line.rstrip("\\ "))
        if found is None:
            raise BuildError(
                f"{name}: {line[:60]!r} is not NAME==VERSION with --hash=sha256:... after it, and "
                "without a marker. 'make lock' writes the file anew"
            )
        versions[re.sub(r"[-_.]+", "-", found[1]).lower()] = found[2]
    if not versions:
        raise BuildError(f"{name} locks nothing. 'make lock' writes it anew")
    return versions


# --- our own part -------------------------------------------------------------------------------


@dataclass
class ServingPart:
    """What a module needs to run.

    Attributes:
        modules: of our package, with their files.
        others: top-level names of what it imports from elsewhere, with a module that does.
    """

    modules: dict[str, Path] = field(default_factory=dict)
    others: dict[str, str] = field(default_factory=dict)


class RunTimeImports(ast.NodeVisitor):
    """Names that a module imports anywhere in it, except for the eyes of a type checker."""

    def __init__(self, package: str) -> None:
        self.names: list[str] = []
        self._package = package.split(".")

    def visit_Import(self, node: ast.Import) -> None:
        """`import a.b`: both, as the second runs the first."""
        self.names += [alias.name for alias in node.names]

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        """`from a import b`: b may be a module."""
        above = self._package[: len(self._package) - node.level + 1] if node.level else []
        module = ".".join([*above, *filter(None, [node.module])])
        self.names += [module, *(f"{module}.{alias.name}" for alias in node.names)]

    def visit_If(self, node: ast.If) -> None:
        """Leave out what stands below `if TYPE_CHECKING:`."""
        checked = ast.unparse(node.test) in ("TYPE_CHECKING", "typing.TYPE_CHECKING")
        for child in node.orelse if checked else [*node.body, *node.orelse]:
            self.visit(child)


PARSING = threading.Lock()
"""CPython 3.11 mixes up its depth of recursion where threads take turns in ast.parse (CPython's
issue 106905), and then raises SystemError."""


def module_file(sources: Path, name: str) -> Path | None:
    """The file of a module or package, if there is one."""
    path = sources.joinpath(*name.split("."))
    candidates = (path / "__init__.py", path.with_suffix(".py"))
    return next((file for file in candidates if file.is_file()), None)


def serving_part(sources: Path = SOURCES, entry: str = ENTRY) -> ServingPart:
    """Everything that a module reaches by imports, those inside functions too.

    The files are read, not run: what a function imports only under some circumstance is in it.

    Raises:
        BuildError: there is no such module, or a file cannot be parsed.
    """
    part = ServingPart()
    if module_file(sources, entry) is None:
        raise BuildError(f"there is no module {entry} in {shown(sources)}")
    waiting = [entry]
    while waiting:
        name = waiting.pop()
        file = module_file(sources, name)
        if file is None or name in part.modules:
            continue
        part.modules[name] = file
        # A module runs the packages above it first.
        waiting += [name.rpartition(".")[0]] if "." in name else []
        for imported in _imports(name, file):
            top = imported.partition(".")[0]
            if top == entry.partition(".")[0]:
                waiting.append(imported)
            elif top not in sys.stdlib_module_names:
                part.others.setdefault(top, name)
    return part


def _imports(name: str, file: Path) -> list[str]:
    package = name if file.name == "__init__.py" else name.rpartition(".")[0]
    finder = RunTimeImports(package)
    try:
        with PARSING:
            tree = ast.parse(file.read_text(encoding="utf-8"))
        finder.visit(tree)
    except SyntaxError as error:
        raise BuildError(f"{shown(file)}: {error}") from error
    return finder.names


def check_lock_fits(part: ServingPart, locked: Iterable[str], name: str) -> None:
    """Refuse a lock that lacks what our part imports, or holds what it does not.

    Raises:
        BuildError: it does.
    """
    there = {project.replace("-", "_") for project in locked}
    for missing in sorted(part.others.keys() - there - IN_RUNTIME):
        raise BuildError(
            f"{part.others[missing]} imports {missing}, which neither {name} nor the Lambda "
            "runtime has. Name it in requirements/lambda.in and run 'make lock'"
        )
    for unused in sorted(there - part.others.keys() - DATA_ONLY):
        raise BuildError(
            f"{name} holds {unused}, which nothing in the Lambda imports. "
            "Take it out of requirements/lambda.in and run 'make lock'"
        )


# --- running other programs ---------------------------------------------------------------------


def run(what: str, command: Sequence[str], environment: Mapping[str, str]) -> tuple[int, str]:
    """Run a program, saying every few seconds that it is still at work.

    Returns:
        Its exit code and all that it printed.
    """
    started = time.monotonic()
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        try:
            while True:
                try:
                    process.wait(timeout=PROGRESS_SECONDS)
                    break
                except subprocess.TimeoutExpired:
                    say(f"  {time.monotonic() - started:.0f} s: still {what}")
        except BaseException:
            process.terminate()
            process.wait()
            raise
        output.seek(0)
        return process.returncode, output.read().decode(errors="replace")


def tail(output: str) -> str:
    """The last lines that a program printed, indented."""
    lines = [line for line in output.splitlines() if line.strip()]
    return "\n".join(f"    {line}" for line in lines[-TAIL_LINES:])


# --- wheels -------------------------------------------------------------------------------------


def platform_tags(machine: str) -> list[str]:
    """Tags of the wheels that run on Lambda's Linux, newest first."""
    newer = [f"manylinux_2_{minor}_{machine}" for minor in GLIBC_MINORS]
    return [*newer, f"manylinux2014_{machine}"]


def fetch_wheels(
    lock: Path, versions: Mapping[str, str], python: str, architecture: str, folder: Path
) -> list[Path]:
    """Have pip fetch what is locked, checking every hash.

    Raises:
        BuildError: pip is not there, a wheel is not to be had, or it is not the one locked.
    """
    if importlib.util.find_spec("pip") is None:
        raise BuildError(
            f"{sys.executable} has no pip to fetch wheels with. Set PYTHON to one that has, "
            "such as .venv/bin/python after 'make setup'"
        )
    machine, _ = MACHINES[architecture]
    platforms = [f"--platform={tag}" for tag in platform_tags(machine)]
    abi = "cp" + python.replace(".", "")
    listed = ", ".join(f"{name} {version}" for name, version in versions.items())
    say(f"fetching {listed} for Python {python} on {architecture}")
    command = [
        # -I keeps PYTHONPATH and the user's own packages out of it.
        *(sys.executable, "-I", "-m", "pip", "--disable-pip-version-check", "download"),
        *("--no-input", "--progress-bar=off", "--retries=2", "--require-hashes", "--no-deps"),
        *("--only-binary=:all:", "--implementation=cp", f"--python-version={python}"),
        *(f"--abi={abi}", "--abi=abi3", "--abi=none", *platforms),
        *(f"--requirement={lock}", f"--dest={folder}"),
    ]
    code, output = run("fetching", command, os.environ)
    if code != 0:
        reason = pip_trouble(output, shown(lock), f"CPython {python} on Linux {machine}")
        # pip tells every hash that would have done: dozens, before the one that it got.
        told = tail(re.sub(r"(?m)^\s+Expected .*\n", "", output))
        raise BuildError(f"{reason}. pip's last lines:\n{told}")
    wheels = sorted(folder.glob("*.whl"))
    check_wheels(wheels, versions, machine)
    return wheels


def pip_trouble(output: str, lock: str, target: str) -> str:
    """What it means that pip printed this and failed."""
    if "DO NOT MATCH THE HASHES" in output:
        return (
            f"a file that pip was given is not the one that {lock} locks. Either the lock is "
            "broken ('make lock' writes it anew) or somebody has changed the file"
        )
    missing = re.search(r"No matching distribution found for (\S+)", output)
    # Where versions were found, an index has answered, though perhaps not all of them have.
    if UNREACHABLE.search(output) and (missing is None or "(from versions: none)" in output):
        return "the package index cannot be reached: look at the network and at 'pip config list'"
    if missing is not None:
        return (
            f"there is no wheel of {missing[1]} for {target} where pip looks "
            "('pip config list' and the PIP_ variables say where that is)"
        )
    return "pip could not fetch the wheels"


def check_wheels(wheels: Sequence[Path], versions: Mapping[str, str], machine: str) -> None:
    """Make sure that there is one wheel of each locked version, for any machine or for this one.

    Raises:
        BuildError: there is not.
    """
    found = {}
    for wheel in wheels:
        parts = WHEEL.fullmatch(wheel.stem)
        if parts is None:
            raise BuildError(f"{wheel.name} is not a wheel's name")
        tags = parts["platform"].split(".")
        if tags != ["any"] and not any(tag in platform_tags(machine) for tag in tags):
            raise BuildError(f"{wheel.name} is not for Linux on {machine}")
        found[re.sub(r"[-_.]+", "-", parts["name"]).lower()] = parts["version"]
    if found != dict(versions):
        raise BuildError(f"pip fetched {found}, and {dict(versions)} is locked")


# --- the tree that is zipped --------------------------------------------------------------------


def place_of(name: str) -> str | None:
    """Where a file of a wheel goes in the zip; None if it is left out.

    Of a wheel's own papers only the licences stay: who passes the code on has to pass them on.
    """
    top, _, rest = name.partition("/")
    if top.endswith(".dist-info"):
        kept = rest.startswith("licenses/") or re.match("(?i)(licen[cs]e|copying|notice)", rest)
        distribution = top.removesuffix(".dist-info")
        return f"licenses/{distribution}/{rest.removeprefix('licenses/')}" if kept else None
    return None if any(fnmatchcase(name, pattern) for pattern in UNUSED) else name


def unpack(wheel: Path, tree: Path) -> None:
    """Put what is used of a wheel into the tree."""
    with zipfile.ZipFile(wheel) as archive:
        for entry in archive.infolist():
            place = None if entry.is_dir() else place_of(entry.filename)
            if place is not None:
                write(tree / place, archive.read(entry))


def write(path: Path, content: bytes) -> None:
    """Write a file, making the folders above it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def check_machines(tree: Path, architecture: str) -> None:
    """Make sure that every shared library is for the architecture.

    Raises:
        BuildError: one is not.
    """
    _, expected = MACHINES[architecture]
    for file in files_in(tree):
        if ".so" in file.suffixes:
            head = file.read_bytes()[:20]
            machine = struct.unpack("<H", head[18:])[0] if len(head) == 20 else None
            if head[:4] != b"\x7fELF" or machine != expected:
                raise BuildError(
                    f"{file.relative_to(tree)} is for ELF machine {machine}, "
                    f"and {architecture} is {expected}"
                )


def files_in(tree: Path) -> list[Path]:
    """All files, sorted by name so that the order does not depend on the file system."""
    return sorted(
        (path for path in tree.rglob("*") if path.is_file()),
        key=lambda path: path.relative_to(tree).as_posix(),
    )


# --- .pyc files ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class Interpreter:
    """A Python that has been run and said what it is."""

    path: str
    version: str


ASK = "import importlib.util as u, platform as p, sys; print(p.python_implementation(), \
p.python_version(), int.from_bytes(u.MAGIC_NUMBER[:2], 'little'), sys.executable)"


def asked(command: Sequence[str], python: str) -> Interpreter | None:
    """Run an interpreter, and take it if it is CPython of this version."""
    try:
        answer = subprocess.run(
            [*command, "-I", "-c", ASK],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
            timeout=30,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    name, version, magic, path = [*answer.stdout.strip().split(" ", 3), "", "", "", ""][:4]
    right = name == "CPython" and version.rpartition(".")[0] == python
    return Interpreter(path, version) if right and magic == str(MAGIC[python]) else None


def find_interpreter(python: str) -> Interpreter | None:
    """A CPython of this version, such as "3.13": named, this one, on PATH, or of pyenv.

    Raises:
        BuildError: the variable PYTHON313 (or alike) names something else.
    """
    variable = "PYTHON" + python.replace(".", "")
    named = os.environ.get(variable)
    if named:
        interpreter = asked([named], python)
        if interpreter is None:
            raise BuildError(f"{variable} is {named!r}, which is no CPython {python} that runs")
        return interpreter
    return next(filter(None, (asked(each, python) for each in _commands(python))), None)


def _commands(python: str) -> Iterator[list[str]]:
    """Ways to call a Python of this version; what they call need not be one."""
    yield [sys.executable]
    for folder in os.environ.get("PATH", "").split(os.pathsep):
        found = shutil.which(f"python{python}", path=folder) if folder else None
        if found:
            yield [found]
    if shutil.which("py"):  # The launcher of Windows.
        yield ["py", f"-{python}"]
    if shutil.which("pyenv"):
        yield from ([path] for path in _of_pyenv(python))


def _of_pyenv(python: str) -> list[str]:
    """Interpreters that pyenv has installed without having them switched on."""
    name = f"python{python}"
    versions = _output(["pyenv", "whence", name], {}).split()
    return [_output(["pyenv", "which", name], {"PYENV_VERSION": each}) for each in versions]


def _output(command: Sequence[str], variables: Mapping[str, str]) -> str:
    environment = {**os.environ, **variables}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    return done.stdout.strip() if done.returncode == 0 else ""


def compile_tree(tree: Path, interpreter: Interpreter) -> None:
    """Write a .pyc beside every source, to be used without a look at the source.

    Raises:
        BuildError: a file does not compile.
    """
    rest = {name: text for name, text in os.environ.items() if not name.startswith("PYTHON")}
    command = [
        # -S: no start-up files of the machine. PYTHONHASHSEED: the order of constant sets.
        *(interpreter.path, "-s", "-S", "-P", "-m", "compileall", "-q", "-f", "-j1"),
        *("--invalidation-mode=unchecked-hash", "-s", str(tree), "-p", IN_LAMBDA, str(tree)),
    ]
    code, output = run("compiling", command, {**rest, "PYTHONHASHSEED": "0"})
    if code != 0:
        raise BuildError(f"{interpreter.path} cannot compile the zip's files:\n{tail(output)}")


# --- the zip ------------------------------------------------------------------------------------


def write_zip(tree: Path, path: Path) -> None:
    """Pack a folder, the same bytes for the same contents."""
    with zipfile.ZipFile(path, "w") as archive:
        for file in files_in(tree):
            entry = zipfile.ZipInfo(file.relative_to(tree).as_posix(), EARLIEST)
            entry.create_system = 3  # Unix, or the permissions do not count.
            entry.external_attr = (0o100755 if ".so" in file.suffixes else 0o100644) << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, file.read_bytes(), compresslevel=9)


@dataclass(frozen=True)
class Built:
    """A finished zip; sizes in bytes."""

    path: Path
    zipped: int
    unzipped: int
    files: int
    sha256: bytes
    compiled_by: str | None


def measured(path: Path, compiled_by: str | None) -> Built:
    """Sizes and hash of a zip.

    Raises:
        BuildError: it is larger than allowed.
    """
    content = path.read_bytes()
    with zipfile.ZipFile(path) as archive:
        entries = archive.infolist()
    unzipped = sum(entry.file_size for entry in entries)
    for what, size, limit in (
        ("zipped", len(content), ZIPPED_LIMIT),
        ("unzipped", unzipped, UNZIPPED_LIMIT),
    ):
        if size >= limit:
            largest = max(entries, key=lambda entry: entry.file_size).filename
            raise BuildError(
                f"the Lambda is {size / 1e6:.1f} MB {what}, and has to stay below "
                f"{limit / 1e6:g} MB; its largest file is {largest}"
            )
    digest = hashlib.sha256(content).digest()
    return Built(path, len(content), unzipped, len(entries), digest, compiled_by)


def manifest(
    architecture: str, python: str, compiled_by: str | None, wheels: Iterable[Path]
) -> bytes:
    """The zip's build.json: nothing in it depends on when or where it was built."""
    project = tomllib.loads(PYPROJECT.read_text(encoding="utf-8"))["project"]["version"]
    content = {
        "version": project,
        "architecture": architecture,
        "python": python,
        "compiled_by": compiled_by,
        "wheels": [wheel.name for wheel in wheels],
    }
    return (json.dumps(content, indent=2, sort_keys=True) + "\n").encode()


def fill(tree: Path, part: ServingPart, wheels: Iterable[Path]) -> None:
    """Put all sources and libraries into the tree."""
    for wheel in wheels:
        unpack(wheel, tree)
    for file in part.modules.values():
        write(tree / file.relative_to(SOURCES), file.read_bytes())
    write(tree / HANDLER.name, HANDLER.read_bytes())


def build(architecture: str, python: str, out: Path, lock: Path) -> Built:
    """Build the zip. While it is at work, and when it fails, there is none at `out`.

    Args:
        architecture: one of `MACHINES`.
        python: one of `MAGIC`.
        out: file to write; builds at the same time do not disturb each other.
        lock: hashed requirements, made for this Python.

    Raises:
        BuildError: there is something to be put right.
        OSError: a file cannot be read or written.
    """
    # What lies there after a failure must not be taken for the result.
    out.unlink(missing_ok=True)
    versions = locked_versions(lock.read_text(encoding="utf-8"), shown(lock))
    part = serving_part()
    check_lock_fits(part, versions, shown(lock))
    interpreter = find_interpreter(python)
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="lambda-") as scratch:
        wheel_folder, tree = Path(scratch, "wheels"), Path(scratch, "tree")
        wheels = fetch_wheels(lock, versions, python, architecture, wheel_folder)
        fill(tree, part, wheels)
        check_machines(tree, architecture)
        if interpreter is not None:
            say(f"compiling with CPython {interpreter.version}")
            compile_tree(tree, interpreter)
        compiled_by = interpreter.version if interpreter else None
        write(tree / "build.json", manifest(architecture, python, compiled_by, wheels))
        say("packing")
        return packed(tree, out, compiled_by)


def packed(tree: Path, out: Path, compiled_by: str | None) -> Built:
    """Zip the tree, and put the zip in its place once it is known to be good."""
    handle, name = tempfile.mkstemp(prefix=f".{out.name}.", dir=out.parent)
    os.close(handle)
    fresh = Path(name)
    try:
        write_zip(tree, fresh)
        built = measured(fresh, compiled_by)
        fresh.chmod(0o644)
        fresh.replace(out)
    finally:
        fresh.unlink(missing_ok=True)
    return Built(out, built.zipped, built.unzipped, built.files, built.sha256, compiled_by)


def tell(built: Built, python: str) -> None:
    """Print what was built."""
    say(shown(built.path))
    say(
        f"  zipped {built.zipped / 1e6:.1f} MB of {ZIPPED_LIMIT / 1e6:g}, unzipped "
        f"{built.unzipped / 1e6:.1f} MB of {UNZIPPED_LIMIT / 1e6:g}, {built.files} files"
    )
    say(f"  SHA-256 {built.sha256.hex()}")
    say(f"  as Lambda and Terraform show it: {base64.b64encode(built.sha256).decode()}")
    packer = f"packed by Python {platform.python_version()} with zlib {zlib.ZLIB_RUNTIME_VERSION}"
    if built.compiled_by is None:
        variable = "PYTHON" + python.replace(".", "")
        say(
            f"  no CPython {python} was found to run, so it holds no .pyc files and starts slower "
            f"({variable} can name one); {packer}"
        )
    else:
        say(f"  .pyc files by CPython {built.compiled_by}; {packer}")


def arguments(words: Sequence[str] | None) -> argparse.Namespace:
    """What the command line asks for."""
    parser = argparse.ArgumentParser(
        description="Build the Lambda's zip from this repository and its hashed lock. A zip that "
        "is there already is removed first, so that after a failure there is none.",
        epilog="The same files give the same zip, as long as the Python that makes the .pyc files "
        "(PYTHON313, this one, python3.13 on PATH, or one of pyenv's) and the Python and zlib that "
        "pack it are the same. pip's own settings say where wheels come from.",
    )
    option = parser.add_argument
    option(
        "--arch",
        metavar="NAME",
        choices=list(MACHINES),
        default="arm64",
        help="architecture of the function: arm64 (default) or x86_64; lambda.architecture in "
        "Terraform has to say the same",
    )
    option(
        "--python",
        metavar="VERSION",
        choices=list(MAGIC),
        default="3.13",
        help="Python of the runtime; default 3.13, which is what Terraform sets. 3.11 and 3.12 "
        "are for trying the zip on a machine that has no other; the lock has to fit",
    )
    option("--out", metavar="FILE", type=Path, default=OUT, help=f"default {shown(OUT)}")
    option(
        "--lock",
        metavar="FILE",
        type=Path,
        default=LOCK,
        help=f"requirements with hashes, made for this Python; default {shown(LOCK)}",
    )
    return parser.parse_args(words)


def main(words: Sequence[str] | None = None) -> int:
    """Run from the command line."""
    options = arguments(words)
    try:
        out, lock = options.out.absolute(), options.lock.absolute()
        tell(build(options.arch, options.python, out, lock), options.python)
    except (BuildError, OSError, UnicodeDecodeError) as error:
        print(f"lambda: error: {error}", file=sys.stderr, flush=True)
        return 1
    except KeyboardInterrupt:
        print("lambda: interrupted", file=sys.stderr, flush=True)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
