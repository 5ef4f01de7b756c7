"""Kernels in C, by arm-none-eabi-gcc, behind viper's calling convention.

The compiler's code takes the place of a viper function's in a .mpy file and is loaded and called
like it: it looks at the number of arguments, has them converted, and its result.  Where the
compiler is not installed, code that it made before is taken from `kernels/gcc.json`, which
`python -m bench.codegen --record` writes; it is executed all the same.
"""

from __future__ import annotations

import ast
import json
import re
import shutil
import subprocess
import tempfile
from functools import cache
from pathlib import Path
from typing import Final

import mpy_cross
from mpy_cross.loader.mpyfile import CodeKind, MpyFile
from mpy_cross.loader.objects import FunTable
from mpy_cross.loader.reader import read
from mpy_cross.loader.release import Release, get
from mpy_cross.loader.writer import write

KERNELS: Final = Path(__file__).resolve().parent / "kernels"
RECORDED: Final = KERNELS / "gcc.json"
COMPILER: Final = "arm-none-eabi-gcc"
TARGETS: Final = {
    "armv6m": ("-march=armv6s-m", "-mtune=cortex-m0plus"),
    "armv7m": ("-march=armv7-m", "-mtune=cortex-m4"),
    "armv7em": ("-march=armv7e-m", "-mtune=cortex-m4"),
    "armv7emsp": ("-march=armv7e-m", "-mtune=cortex-m4"),
}
# Python's int wraps in viper; no calls of memcpy, no jump tables: nothing is linked.
FLAGS: Final = ("-mthumb", "-std=gnu11", "-ffreestanding", "-fwrapv", "-fno-jump-tables",
                "-fno-tree-loop-distribute-patterns", "-fwhole-program", "-nostdlib")
LEVELS: Final = ("O2", "Os")
NATIVE_TYPES: Final = {"object": 0, "bool": 1, "int": 2, "uint": 3, "ptr": 4, "ptr8": 5,
                       "ptr16": 6, "ptr32": 7}
_LAYOUT: Final = "SECTIONS { .text 0 : { *(.text.entry) *(.text*) *(.rodata*) } }\n"


class NoCompiler(Exception):
    """There is neither the compiler nor a record of what it made."""


@cache
def version() -> str:
    """The compiler's own words; "" where it is not installed."""
    if shutil.which(COMPILER) is None:
        return ""
    done = subprocess.run([COMPILER, "--version"], capture_output=True, text=True, check=True)
    return done.stdout.splitlines()[0]


@cache
def _record() -> dict[str, object]:
    if not RECORDED.exists():
        return {}
    data: dict[str, object] = json.loads(RECORDED.read_text())
    return data


def recorded_version() -> str:
    return str(_record().get("compiler", ""))


def key_of(group: str, name: str, arch: str, release: Release, level: str) -> str:
    """Where code is in the record: the layout of function objects goes by the .mpy version."""
    return f"{group}/{name} {arch} v{release.mpy_version} {level}"


def code_of(group: str, name: str, arch: str, release: Release, level: str) -> bytes:
    """Machine code of a kernel whose first instruction is its entry.  Raises NoCompiler."""
    if version():
        return build(group, name, arch, release, level)
    codes = _record().get("code", {})
    assert isinstance(codes, dict)
    key = key_of(group, name, arch, release, level)
    if key not in codes:
        raise NoCompiler(f"{COMPILER} is not installed, and {RECORDED.name} has no {key}")
    return bytes.fromhex(codes[key])


def build(group: str, name: str, arch: str, release: Release, level: str) -> bytes:
    """The same, made now."""
    folder = KERNELS / group
    with tempfile.TemporaryDirectory() as scratch:
        place = Path(scratch)
        source = f'#include "{folder / (name + ".c")}"\n' + _entry(group, name, arch, release)
        (place / "entry.c").write_text(source)
        (place / "layout.ld").write_text(_LAYOUT)
        subprocess.run(
            [COMPILER, *TARGETS[arch], *FLAGS, f"-{level}", f"-I{KERNELS}", "-T", "layout.ld",
             "-Wl,--build-id=none", "-Wl,-e,entry", "entry.c", "-lgcc", "-o", "entry.elf"],
            cwd=place, check=True, capture_output=True)
        subprocess.run(["arm-none-eabi-objcopy", "-O", "binary", "-j", ".text", "entry.elf",
                        "entry.bin"], cwd=place, check=True)
        return (place / "entry.bin").read_bytes()


def signature(group: str, name: str) -> tuple[list[str], str]:
    """Types of arguments and of the result of a kernel; "" for a result that is None."""
    tree = ast.parse((KERNELS / group / f"{name}.py").read_text())
    (function,) = (one for one in tree.body if isinstance(one, ast.FunctionDef))
    types = []
    for argument in function.args.args:
        assert isinstance(argument.annotation, ast.Name)
        types.append(argument.annotation.id)
    returns = function.returns.id if isinstance(function.returns, ast.Name) else ""
    return types, returns


def _entry(group: str, name: str, arch: str, release: Release) -> str:
    """The function that the run-time calls, in C."""
    types, returns = signature(group, name)
    number = {entry: at for at, entry in enumerate(release.fun_table)}
    # Before version 6 the table is ahead of the constants, since then one of them.
    table = "fun[3]"
    if release.native_tables:
        objects = _compiled(group, name, arch, release).objects
        at = next(n for n, value in enumerate(objects) if isinstance(value, FunTable))
        table = f"((u32 **)fun[1])[3] + {at}"
    size = len(types)
    text = (KERNELS / group / f"{name}.c").read_text()
    found = re.search(rf"\b{name}\(([^)]*)\)", text)
    assert found is not None
    c_types = [part.strip().rpartition(" ")[0] + "*" * part.count("*")
               for part in found[1].split(",")]
    arguments = ", ".join(
        f"({c_type.replace('**', '*')})table[{number['convert_obj_to_native']}]"
        f"(args[{at}], {NATIVE_TYPES[kind]})"
        for at, (kind, c_type) in enumerate(zip(types, c_types, strict=True)))
    if returns:
        body = (f"return table[{number['convert_native_to_obj']}]"
                f"({name}({arguments}), {NATIVE_TYPES[returns]});")
    else:
        body = f"{name}({arguments}); return (u32)table[{number['const_none_obj']}];"
    signature_word = size << 17 | size << 1
    return f"""
typedef u32 (*rtf)();
__attribute__((externally_visible, section(".text.entry")))
u32 entry(u32 *fun, u32 n_args, u32 n_kw, u32 *args) {{
    rtf *table = *(rtf **)({table});
    if (n_args != {size} || n_kw)
        table[{number['arg_check_num_sig']}](n_args, n_kw, {signature_word});
    {body}
}}
"""


def _compiled(group: str, name: str, arch: str, release: Release) -> MpyFile:
    source = (KERNELS / group / f"{name}.py").read_text()
    return read(mpy_cross.compile(
        source, f"{name}.py", release=release, arch=arch, opt="0"), release)


def as_mpy(group: str, name: str, arch: str, release_name: str, code: bytes) -> bytes:
    """A .mpy file that has the code in place of the viper function's."""
    release = get(release_name)
    mpy = _compiled(group, name, arch, release)
    (raw,) = (one for one in mpy.root.children if one.kind is CodeKind.VIPER)
    raw.code, raw.qstr_links = code, []
    return write(mpy)
