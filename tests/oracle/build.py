"""Build reference compilers from MicroPython's sources, for releases that PyPI has no binary of.

    python -m tests.oracle.build path/to/micropython 1.24 1.25 1.26 1.27 1.28

The path is that of a git repository with the tags, with or without a work tree.  gcc and make are
needed.  Each compiler goes to `reference.built_folder()`, where `reference.binary` looks first.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from mpy_cross.loader.release import Release, UnknownRelease, get
from tests.oracle.reference import built_folder

# What a build reads.  Before 1.20, the build takes the version from the documentation's settings.
SOURCES = (
    "py", "mpy-cross", "lib", "extmod", "shared", "drivers", "tools", "ports/windows",
    "docs/conf.py",
)  # fmt: skip
# Compilers newer than a release warn of more than its authors saw; a warning is no error here.
OPTIONS = ("CWARN=", "CFLAGS_EXTRA=-Wno-error")
TIMEOUT = 900.0


class BuildError(Exception):
    """The build failed; the text is the end of what was printed."""


def tag(release: Release) -> str:
    """The release's name in git."""
    zero = release.three_part_tag and release.version.count(".") == 1
    return f"v{release.version}" + (".0" if zero else "")


def _run(command: list[str], folder: Path) -> str:
    done = subprocess.run(
        command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        timeout=TIMEOUT, errors="replace",
    )  # fmt: skip
    if done.returncode != 0:
        raise BuildError("\n".join(done.stdout.splitlines()[-12:]))
    return done.stdout


def build(repository: Path, release: Release) -> Path:
    """Build the mpy-cross of `release`; where it is now.  Raises BuildError."""
    name = tag(release)
    target = built_folder() / release.version / "mpy-cross"
    with tempfile.TemporaryDirectory(prefix="mpy-build-") as scratch:
        folder = Path(scratch)
        # Not every release has every one of them.
        paths = _run(["git", "ls-tree", "--name-only", name, *SOURCES], repository).split()
        _run(["git", "archive", "-o", str(folder / "sources.tar"), name, *paths], repository)
        _run(["tar", "xf", "sources.tar"], folder)
        _run(["make", "-C", "mpy-cross", *OPTIONS], folder)
        made = [folder / "mpy-cross" / inside for inside in ("build/mpy-cross", "mpy-cross")]
        binary = next((path for path in made if path.is_file()), None)
        if binary is None:
            raise BuildError(f"make left no mpy-cross in {made[0].parent}")
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(binary, target)
    return target


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.oracle.build", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("repository", type=Path, help="git repository of MicroPython")
    parser.add_argument("releases", nargs="+", help="such as 1.24")
    args = parser.parse_args(argv)
    failed = False
    for name in args.releases:
        try:
            print(build(args.repository, get(name)))
        except (BuildError, UnknownRelease, OSError, subprocess.TimeoutExpired) as error:
            print(f"{name}: {error}", file=sys.stderr)
            failed = True
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
