"""QEMU's Xtensa cores as a judge, through its stub for debuggers.

Needs qemu-system-xtensa (Debian: qemu-system-misc).  Registers are read and written all at once;
their order is that of QEMU's tables for each core.
"""

from __future__ import annotations

import contextlib
import shutil
import socket
import struct
import subprocess
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Final, final

PROGRAM: Final = "qemu-system-xtensa"


def installed() -> bool:
    return shutil.which(PROGRAM) is not None


def _numbered(name: str, first: int, last: int) -> list[str]:
    return [f"{name}{number}" for number in range(first, last + 1)]


_GENERAL: Final = _numbered("a", 0, 15)
_WINDOWED: Final = ["pc", *_numbered("ar", 0, 31), "lbeg", "lend", "lcount", "sar", "windowbase",
                    "windowstart", "configid0", "configid1", "ps"]
_MAC: Final = ["scompare1", "acclo", "acchi", *_numbered("m", 0, 3), "expstate"]
_DEBUG: Final = ["ibreakenable", "atomctl", "ddr", "ibreaka0", "ibreaka1", "dbreaka0", "dbreaka1",
                 "dbreakc0", "dbreakc1"]
_LEVELS: Final = [*_numbered("epc", 1, 7), "depc", *_numbered("eps", 2, 7),
                  *_numbered("excsave", 1, 7)]
_INTERRUPT: Final = ["interrupt", "intset", "intclear", "intenable", "vecbase", "exccause",
                     "debugcause", "ccount", "prid", "icount", "icountlevel", "excvaddr",
                     *_numbered("ccompare", 0, 2), "misc0", "misc1"]

# The words of a packet; names beginning with - are of no interest.
ORDER: Final[dict[str, list[str]]] = {
    "lx106": [*_GENERAL, "pc", "sar", "litbase", "-", "-", "ps", "-", "ibreakenable", "ddr",
              "ibreaka0", "dbreaka0", "dbreakc0", "epc1", "epc2", "epc3", "depc", "eps2", "eps3",
              "excsave1", "excsave2", "excsave3", "interrupt", "-", "-", "intenable", "vecbase",
              "exccause", "debugcause", "ccount", "prid", "icount", "icountlevel", "excvaddr",
              "ccompare0"],
    "de212": [*_WINDOWED, *_MAC, "-mmid", *_DEBUG, *_LEVELS, *_INTERRUPT, *["-"] * 46, *_GENERAL],
    "de233_fpu": [*_WINDOWED, "threadptr", "br", *_MAC,
                  *(name for number in range(16) for name in (f"f{number}", "-")), "fcr", "fsr",
                  "-ptevaddr", "-mmid", "-rasid", "-", "-", "-", *_DEBUG, *_LEVELS, "cpenable",
                  *_INTERRUPT, *_GENERAL],
}


@final
class Stub:
    """A QEMU that waits for orders; a context manager."""

    def __init__(self, cpu: str) -> None:
        self.order = ORDER[cpu]
        self._folder = tempfile.TemporaryDirectory()
        path = Path(self._folder.name) / "stub"
        self._process = subprocess.Popen(
            [PROGRAM, "-M", "sim", "-cpu", cpu, "-semihosting", "-display", "none",
             "-serial", "none", "-monitor", "none", "-S",
             "-chardev", f"socket,path={path},server=on,wait=off,id=g", "-gdb", "chardev:g"],
            stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.settimeout(20)
        for _ in range(200):
            with contextlib.suppress(OSError):
                self._socket.connect(str(path))
                break
            time.sleep(0.05)
        self._buffer = b""
        self._acknowledge = True
        self.order_to("QStartNoAckMode")
        self._socket.sendall(b"+")
        self._acknowledge = False
        self._template = bytearray(bytes.fromhex(self.order_to("g").replace("x", "0")))

    def __enter__(self) -> Stub:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        self._socket.close()
        self._process.kill()
        self._process.wait()
        self._folder.cleanup()

    def order_to(self, order: str) -> str:
        """Sends a packet; the answer."""
        data = order.encode()
        self._socket.sendall(b"$%s#%02x" % (data, sum(data) & 255))
        while True:
            start = self._buffer.find(b"$")
            end = self._buffer.find(b"#", start)
            if start >= 0 and end >= 0 and len(self._buffer) >= end + 3:
                answer = self._buffer[start + 1:end]
                self._buffer = self._buffer[end + 3:]
                if self._acknowledge:
                    self._socket.sendall(b"+")
                return answer.decode()
            got = self._socket.recv(65536)
            if not got:
                raise EOFError("QEMU has ended")
            self._buffer += got

    def read(self) -> dict[str, int]:
        """All registers."""
        data = bytes.fromhex(self.order_to("g").replace("x", "0"))
        words = struct.unpack_from(f"<{len(self.order)}I", data)
        return {name: word for name, word in zip(self.order, words, strict=True)
                if name[0] != "-"}

    def pc(self) -> int:
        at = 8 * self.order.index("pc")
        return int.from_bytes(bytes.fromhex(self.order_to("g")[at : at + 8]), "little")

    def write(self, registers: dict[str, int]) -> None:
        """Registers by name; the others get what they had first of all.  Set a0 to a15 rather than
        the file, which is written before these."""
        data = bytearray(self._template)
        for at, name in enumerate(self.order):
            if name in registers:
                struct.pack_into("<I", data, 4 * at, registers[name])
        self.order_to("G" + bytes(data).hex())

    def write_memory(self, address: int, data: bytes) -> None:
        for at in range(0, len(data), 1024):
            piece = data[at : at + 1024]
            answer = self.order_to(f"M{address + at:x},{len(piece):x}:{piece.hex()}")
            if answer != "OK":
                raise OSError(f"no memory at {address + at:#x}")

    def read_memory(self, address: int, size: int) -> bytes:
        return b"".join(bytes.fromhex(self.order_to(f"m{address + at:x},{min(1024, size - at):x}"))
                        for at in range(0, size, 1024))

    def step(self) -> None:
        self.order_to("s")
