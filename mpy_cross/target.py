"""What machine code is made for: `-march` and `-X emit` as a release understands them."""

from __future__ import annotations

import sys
from typing import final

from mpy_cross.emitters.ssa.settings import LEVELS
from mpy_cross.loader.release import Release

EMITTERS = ("bytecode", "native", "viper")
"""Kinds of code, as `-X emit` names them."""

OPTIMISED_LEVEL = "2"
"""The level of optimisation where none is named, for the targets in `Release.optimised`."""

HOSTS = {
    ("x86", 32): "x86",
    ("x86", 64): "x64",
    ("arm", 32): "armv6",
    ("riscv", 64): "rv64imc",
}
"""Family and bits of a pointer of the machine that runs the compiler -> what `host` stands for."""

FAMILY_PREFIXES = {
    "x86": "x86",
    "amd64": "x86",
    "i386": "x86",
    "i486": "x86",
    "i586": "x86",
    "i686": "x86",
    "arm": "arm",
    "aarch64": "arm",
    "riscv": "riscv",
}
"""How `platform.machine()` begins -> family."""


@final
class UnknownTarget(ValueError):
    """No such architecture or kind of code; the text names what there is."""


def check_emit(emit: str) -> None:
    """Is that a kind of code?  Raises UnknownTarget."""
    if emit not in EMITTERS:
        raise UnknownTarget(f"emit={emit} is none of {', '.join(EMITTERS)}")


def check_opt(level: str) -> str:
    """Is that a level of optimisation?  Raises UnknownTarget."""
    if level not in LEVELS:
        raise UnknownTarget(f"opt={level} is none of {', '.join(LEVELS)}")
    return level


def opt_for(release: Release, arch: str, opt: str | None) -> str:
    """The level of optimisation: the one asked for, else that of the target.

    `arch` is what `check_target` returned, `opt` the value of -X opt, "" or None without one.
    Raises UnknownTarget.
    """
    if opt:
        return check_opt(opt)
    return OPTIMISED_LEVEL if (arch or release.default_arch) in release.optimised else "0"


def check_target(release: Release, arch: str, emit: str) -> str:
    """The architecture that `arch` stands for, "" if none is named.  Raises UnknownTarget.

    `arch` is the value of -march, or "" without one, and `emit` that of -X emit.
    """
    check_emit(emit)
    if arch and arch not in release.march:
        known = ", ".join(release.march)
        raise UnknownTarget(
            f"-march={arch} not known to mpy-cross {release.version}: it knows {known}"
        )
    if emit != "bytecode" and not (arch or release.default_arch):
        raise UnknownTarget(f"arch not specified: emit={emit} goes with -march=ARCH")
    return host_arch(release) if arch == "host" else arch


def host_arch(release: Release) -> str:
    """The architecture of the machine that this runs on.  Raises UnknownTarget.

    Where the reference asks what it was compiled for, what counts here is the interpreter: a 32-bit
    one on a 64-bit machine is a 32-bit host.  Every ARM with 32 bits is armv6, which they all run.
    """
    import platform  # slow to load

    machine = platform.machine()
    bits = 64 if sys.maxsize > 1 << 32 else 32
    lower = machine.lower()
    family = next((f for prefix, f in FAMILY_PREFIXES.items() if lower.startswith(prefix)), "")
    arch = HOSTS.get((family, bits), "")
    if arch not in release.march:
        raise UnknownTarget(
            "unable to determine host architecture for -march=host: no architecture that "
            f"mpy-cross {release.version} knows is that of a {bits}-bit {machine or 'machine'}"
        )
    return arch
