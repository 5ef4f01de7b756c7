"""The GNU assembler as a witness: instruction texts to bytes."""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

SLOT = 16  # bytes from one instruction to the next; the first one stands at 0


@dataclass(frozen=True)
class Gnu:
    """A GNU cross assembler: command prefix, options, first lines of the source."""

    prefix: str
    options: tuple[str, ...]
    prologue: str
    align: int = 2

    def found(self) -> bool:
        return shutil.which(self.prefix + "as") is not None

    def version(self) -> str:
        done = subprocess.run([self.prefix + "as", "--version"], capture_output=True, text=True,
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
                done = subprocess.run([self.prefix + "as", *self.options, "-o", str(binary),
                                       str(source)], capture_output=True, text=True)
                bad: dict[int, str] = {}
                for line in done.stderr.splitlines():
                    found = re.match(r".*?:(\d+): (?:Error|Fatal error): (.*)", line)
                    if found:
                        bad.setdefault(int(found.group(1)) - first, found.group(2))
                if done.returncode == 0:
                    break
                if not bad:
                    raise RuntimeError(done.stderr[:2000])
                for slot, message in bad.items():
                    results[left[slot]] = message
                left = [number for slot, number in enumerate(left) if slot not in bad]
            subprocess.run([self.prefix + "objcopy", "-O", "binary", "-j", ".text", str(binary),
                            str(image)], check=True)
            data = image.read_bytes()
        for slot, number in enumerate(left):
            results[number] = data[slot * SLOT:(slot + 1) * SLOT]
        return results


THUMB = Gnu("arm-none-eabi-", ("-mcpu=cortex-m7", "-mfpu=fpv5-d16"), ".syntax unified\n.thumb")
ARM = Gnu("arm-none-eabi-", ("-march=armv6k", "-mfpu=vfpv2"), ".syntax unified\n.arm")
RV32 = Gnu("riscv64-unknown-elf-",
           ("-march=rv32imc_zicsr_zifencei_zba", "-mno-relax"), ".option norelax")
RV64 = Gnu("riscv64-unknown-elf-",
           ("-march=rv64imc_zicsr_zifencei_zba", "-mno-relax"), ".option norelax")
LX106 = Gnu("xtensa-lx106-elf-", ("--no-longcalls",), ".begin no-transform")
