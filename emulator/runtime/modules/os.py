"""Module `os` (manual 1.1.12): files, mounting, and facts about the board."""

from __future__ import annotations

import random
from typing import Any, Final

from mpy_cross.emulator.runtime.arguments import as_word, check_count, native
from mpy_cross.emulator.runtime.attribute_tuple import AttributeTuple
from mpy_cross.emulator.runtime.runtime import Runtime
from mpy_cross.emulator.runtime.types import Module
from mpy_cross.emulator.runtime.vfs import text_of
from mpy_cross.emulator.runtime.vfs_types import detect, types_of

NAMES: Final[tuple[str, ...]] = ("uos", "os")


def vfs_names(runtime: Runtime) -> dict[str, Any]:
    """Names that `os` has in common with `vfs`."""
    files = runtime.files
    files.detect = lambda device: detect(runtime, device)

    def mount(*args: Any, readonly: Any = False, mkfs: Any = False) -> Any:
        if not args and runtime.release.filesystems.mount_lists:
            return files.mounted()
        check_count(args, 2, 2)
        return files.mount(args[0], text_of(args[1]), readonly=readonly, mkfs=mkfs)

    return {
        "mount": mount,
        "umount": native(lambda what: files.umount(what)),
        **types_of(runtime),
    }


def build(runtime: Runtime) -> Module:
    files = runtime.files
    numbers = random.Random(runtime.seed)

    @native
    def ilistdir(path: Any = "", /) -> Any:
        return iter(list(files.ilistdir(path)))

    @native
    def listdir(path: Any = "", /) -> list[Any]:
        return [entry[0] for entry in files.ilistdir(path)]

    @native
    def urandom(size: Any, /) -> bytes:
        return numbers.randbytes(as_word(size))

    def uname() -> Any:
        platform, board = runtime.platform, runtime.board_title
        release = ".".join((runtime.release.version + ".0").split(".")[:3])
        version = f"{runtime.release.tag} on {runtime.release.date}"
        return AttributeTuple(
            ("sysname", "nodename", "release", "version", "machine"),
            (platform, platform, release, version, board),
        )

    @native
    def dupterm(stream: Any, index: Any = 0, /) -> Any:
        return runtime.console.duplicate(stream, as_word(index))

    has_dupterm = runtime.platform != "rp2" or runtime.release.library.rp_dupterm
    return Module(
        NAMES[0],
        {
            "chdir": native(lambda path: files.chdir(path)),
            "getcwd": native(lambda: files.getcwd()),
            "ilistdir": ilistdir,
            "listdir": listdir,
            "mkdir": native(lambda path: files.mkdir(path)),
            "remove": native(lambda path: files.remove(path)),
            "unlink": native(lambda path: files.remove(path)),
            "rename": native(lambda old, new: files.rename(old, new)),
            "rmdir": native(lambda path: files.rmdir(path)),
            "stat": native(lambda path: files.stat(path)),
            "statvfs": native(lambda path: files.statvfs(path)),
            **vfs_names(runtime),
            "sync": native(lambda: None),
            "uname": uname,
            "urandom": urandom,
        }
        | ({"dupterm": dupterm} if has_dupterm else {}),
    )
