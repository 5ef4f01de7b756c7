"""Assemblers as witnesses, GNU as and clang: instruction texts to bytes."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

SLOT = 16  # bytes from one instruction to the next; the first one stands at 0


@dataclass(frozen=True)
class Gnu:
    """An assembler: command, options, first lines of the source, program to extract the bytes.

    config: the environment variable with the path of an Xtensa core's configuration.
    """

    command: tuple[str, ...]
    options: tuple[str, ...]
    prologue: str
    objcopy: str
    config: str = ""

    def found(self) -> bool:
        if "ziglang" in self.command and find_spec("ziglang") is None:
            return False
        if self.config and self.config not in os.environ:
            return False
        return shutil.which(self.command[0]) is not None and shutil.which(self.objcopy) is not None

    def _environment(self) -> dict[str, str]:
        if not self.config:
            return dict(os.environ)
        return {**os.environ, "XTENSA_GNU_CONFIG": os.environ[self.config]}

    def version(self) -> str:
        done = subprocess.run([*self.command, "--version"], capture_output=True, text=True,
                              check=True)
        return done.stdout.splitlines()[0]

    def assemble(self, texts: list[str]) -> list[bytes | str]:
        """For each text SLOT bytes that begin with the instruction, or the error message."""
        results: list[bytes | str] = [""] * len(texts)
        left = list(range(len(texts)))
        with tempfile.TemporaryDirectory() as folder:
            source, binary = Path(folder, "s.s"), Path(folder, "s.o")
            image = Path(folder, "s.bin")
            while True:
                lines = [self.prologue]
                first = self.prologue.count("\n") + 2
                for slot, number in enumerate(left):
                    text = texts[number].replace("\n", "; ")
                    lines.append(f".org {slot * SLOT}; {text}")
                lines.append(f".org {len(left) * SLOT}")
                source.write_text("\n".join(lines) + "\n")
                done = subprocess.run([*self.command, *self.options, "-o", str(binary),
                                       str(source)], capture_output=True, text=True,
                                      env=self._environment())
                bad: dict[int, str] = {}
                for line in done.stderr.splitlines():
                    found = re.match(r".*?:(\d+):(?:\d+:)? (?:[Ee]rror|Fatal error): (.*)", line)
                    if found:
                        bad.setdefault(int(found.group(1)) - first, found.group(2))
                if done.returncode == 0:
                    break
                if not bad:
                    raise RuntimeError(done.stderr[:2000])
                for slot, message in bad.items():
                    results[left[slot]] = message
                left = [number for slot, number in enumerate(left) if slot not in bad]
            subprocess.run([self.objcopy, "-O", "binary", "-j", ".text", str(binary),
                            str(image)], check=True, env=self._environment())
            data = image.read_bytes()
        for slot, number in enumerate(left):
            results[number] = data[slot * SLOT:(slot + 1) * SLOT]
        return results


def _gnu(prefix: str, options: str, prologue: str) -> Gnu:
    return Gnu((prefix + "as",), tuple(options.split()), prologue, prefix + "objcopy")


def _clang(bits: int) -> Gnu:
    options = f"-target riscv{bits}-freestanding -mcpu=generic_rv{bits}+m+c+zcmp+zba -c"
    return Gnu((sys.executable, "-m", "ziglang", "cc"), tuple(options.split()), ".text",
               "riscv64-unknown-elf-objcopy")


THUMB = _gnu("arm-none-eabi-", "-mcpu=cortex-m7 -mfpu=fpv5-d16", ".syntax unified\n.thumb")
ARM = _gnu("arm-none-eabi-", "-march=armv6k -mfpu=vfpv2", ".syntax unified\n.arm")
RV32 = _gnu("riscv64-unknown-elf-", "-march=rv32imc_zicsr_zifencei_zba -mno-relax",
            ".option norelax")
RV64 = _gnu("riscv64-unknown-elf-", "-march=rv64imc_zicsr_zifencei_zba -mno-relax",
            ".option norelax")
LX106 = _gnu("xtensa-lx106-elf-", "--no-longcalls", ".begin no-transform")
# The shared object that xtensa-dynconfig makes of the ESP32's configuration.
LX6 = Gnu(("xtensa-lx106-elf-as",), ("--no-longcalls",), ".begin no-transform",
          "xtensa-lx106-elf-objcopy", "MPY_XTENSA_LX6")
CLANG32, CLANG64 = _clang(32), _clang(64)
