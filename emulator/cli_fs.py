"""The command `mpy-emu fs`: files in images of a board's flash, without running the board."""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NoReturn

import click

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mpy_cross.emulator.board import Board
    from mpy_cross.emulator.filesystems.volume import Filesystem, Found
    from mpy_cross.emulator.image_file import ImageFile

_EXAMPLES: Final = """\b
Examples:
  mpy-emu fs image project/ --board pico -o flash.bin
  mpy-emu run --board pico --flash flash.bin main.py
  mpy-emu fs ls flash.bin
  mpy-emu fs cat flash.bin log.txt
  mpy-emu fs get -r flash.bin data saved/
  mpy-emu fs put flash.bin config.json lib/driver.py :lib/
  mpy-emu fs rm flash.bin old.py
  mpy-emu fs info --board pico dump-of-the-whole-flash.bin
"""
_TEXTS: Final = {
    2: "there is no such file or folder",
    5: "the image is damaged",
    13: "that is not possible (a folder that is not empty, a full directory)",
    17: "there is something of that name already",
    20: "that is not a folder",
    21: "that is a folder",
    22: "such a name is not possible here",
    28: "there is no space left",
    36: "the name is too long",
    39: "the folder is not empty",
    84: "the image is damaged",
}


def _fail(message: str) -> NoReturn:
    from mpy_cross.emulator.program_run import fail

    fail(message)


@contextmanager
def _explained(what: str) -> Iterator[None]:
    """Errors as messages: of the filesystem, of the host, of the library."""
    from mpy_cross.emulator.filesystems.image import ImageError
    from mpy_cross.emulator.filesystems.littlefs2 import MissingLibraryError

    try:
        yield
    except (ImageError, MissingLibraryError) as error:
        _fail(str(error))
    except OSError as error:
        if error.filename is not None:
            _fail(f"{error.filename}: {error.strerror or error}")
        number = error.args[0] if error.args else 0
        _fail(f"{what}: {_TEXTS.get(number, f'error {number}')}")


def _board_of(name: str | None) -> Board | None:
    if name is None:
        return None
    from mpy_cross.emulator.boards import UnknownBoardError, board

    try:
        return board(name)
    except UnknownBoardError as error:
        raise click.BadParameter(str(error), param_hint="--board") from None


def _open(image: str, board: str | None) -> ImageFile:
    from mpy_cross.emulator.image_file import ImageFile

    facts = _board_of(board)
    with _explained(image):
        return ImageFile(Path(image), facts)


def _path(text: str) -> str:
    """A path in an image; mpremote's colon before it is allowed."""
    return "/" + text.removeprefix(":").strip("/")


_board_option = click.option(
    "--board", metavar="B", help="The board whose whole flash this is, if that is not found out."
)


def _command(name: str, summary: str) -> Callable[[Callable[..., Any]], click.Command]:
    """A command of the group with an image as its first argument."""

    def decorate(function: Callable[..., Any]) -> click.Command:
        with_image = click.argument("image", metavar="IMAGE")(_board_option(function))
        return fs_group.command(name=name, short_help=summary)(with_image)

    return decorate


@click.group(name="fs", short_help="Files in images of a board's flash.", epilog=_EXAMPLES,
             no_args_is_help=True)
def fs_group() -> None:
    """Read and write files in an image of a board's flash: FAT, littlefs 1 or 2.

    IMAGE is a file with the board's part for files, or with its whole flash; UF2 files can be read.
    Paths in an image may begin with a colon, as for mpremote.  Files get the time of
    $SOURCE_DATE_EPOCH, or else always the same: equal folders give equal images.
    """


# ------------------------------------------------------------------------------------- reading


@_command("ls", "List a folder.")
@click.argument("path", metavar="[PATH]", default="/")
@click.option("-r", "--recursive", is_flag=True, help="With what is in its folders.")
def ls_command(image: str, path: str, board: str | None, recursive: bool) -> None:
    """List what is in a folder of IMAGE, the root if no PATH is given: size and name."""
    from mpy_cross.emulator.filesystems.image import is_folder, tree

    place = _path(path)
    filesystem = _open(image, board).filesystem
    with _explained(f"{image}: {place}"):
        if not (place == "/" or filesystem.status(place).folder):
            click.echo(f"{filesystem.status(place).size:12} {place[1:]}")
            return
        is_folder(filesystem, place)
        if not recursive:
            for name, status in sorted(filesystem.entries(place)):
                click.echo(f"{status.size:12} {name}{'/' if status.folder else ''}")
            return
        for inner, folder in tree(filesystem, place.rstrip("/")):
            size = 0 if folder else filesystem.status(inner).size
            click.echo(f"{size:12} {inner[1:]}{'/' if folder else ''}")


@_command("cat", "Print files.")
@click.argument("paths", metavar="PATH...", nargs=-1, required=True)
def cat_command(image: str, paths: tuple[str, ...], board: str | None) -> None:
    """Write the contents of files in IMAGE to standard output."""
    from mpy_cross.emulator.filesystems.image import read_file

    filesystem = _open(image, board).filesystem
    for path in paths:
        with _explained(f"{image}: {_path(path)}"):
            data = read_file(filesystem, _path(path))
        sys.stdout.buffer.write(data)


@_command("get", "Copy files out of an image.")
@click.argument("path", metavar="PATH")
@click.argument("target", metavar="[DEST]", default=".")
@click.option("-r", "--recursive", is_flag=True, help="A folder, with all that is in it.")
def get_command(image: str, path: str, target: str, board: str | None, recursive: bool) -> None:
    """Copy a file of IMAGE to DEST, a file or folder of the host (default: here)."""
    from mpy_cross.emulator.filesystems.image import read_file, tree

    filesystem = _open(image, board).filesystem
    place, dest = _path(path), Path(target)
    with _explained(f"{image}: {place}"):
        if place == "/" or filesystem.status(place).folder:
            if not recursive:
                _fail(f"{image}: {place} is a folder; -r copies all that is in it")
            root = dest / place.rpartition("/")[2]
            root.mkdir(parents=True, exist_ok=True)
            base = place.rstrip("/")
            for inner, folder in tree(filesystem, base):
                host = _inside(root, inner[len(base) :])
                if folder:
                    host.mkdir(exist_ok=True)
                else:
                    host.write_bytes(read_file(filesystem, inner))
            return
        data = read_file(filesystem, place)
        (dest / place.rpartition("/")[2] if dest.is_dir() else dest).write_bytes(data)


def _inside(root: Path, path: str) -> Path:
    """The place of a file in a folder of the host; nothing leads out of it."""
    names = path.strip("/").split("/")
    if any(name in ("", ".", "..") or "\\" in name or "\0" in name for name in names):
        _fail(f"{path!r}: no name for a file of the host")
    return root.joinpath(*names)


@_command("info", "Tell about an image.")
def info_command(image: str, board: str | None) -> None:
    """Tell what IMAGE holds: the kind of filesystem, where it is, its size and free space."""
    from mpy_cross.emulator.filesystems.image import tree

    opened = _open(image, board)
    with _explained(image):
        space = opened.filesystem.space()
        paths = tree(opened.filesystem)
        rows = [
            ("filesystem", opened.filesystem.kind),
            ("board", opened.board.name if opened.board is not None else ""),
            ("place", f"{opened.start:#x}, {opened.size} bytes of {len(opened.data)}"),
            ("blocks", f"{opened.size // opened.block_size} of {opened.block_size} bytes"),
            ("free", f"{max(space.free, 0) * space.block} bytes"),
            ("label", opened.label),
            ("files", f"{sum(not folder for _, folder in paths)}"),
            ("folders", f"{sum(folder for _, folder in paths)}"),
        ]
    for title, text in rows:
        if text:
            click.echo(f"{title:12}{text}")


# ------------------------------------------------------------------------------------- writing


@_command("put", "Copy files into an image.")
@click.argument("sources", metavar="FILE...", nargs=-1, required=True)
@click.option("-r", "--recursive", is_flag=True, help="Folders, with all that is in them.")
def put_command(image: str, sources: tuple[str, ...], board: str | None, recursive: bool) -> None:
    """Copy files of the host into IMAGE.

    A last argument that begins with a colon is where they go: ":lib/" is a folder, ":main.py" a
    name.  Folders that are missing are made.  The image is written as a whole or not at all.
    """
    from mpy_cross.emulator.filesystems.host import host_files
    from mpy_cross.emulator.filesystems.image import make_folders, write_file

    *files, last = sources
    target = last.removeprefix(":") if last.startswith(":") else ""
    if not last.startswith(":"):
        files.append(last)
    if not files:
        raise click.UsageError("no FILE: `mpy-emu fs put IMAGE FILE... [:DEST]`")
    opened = _open(image, board)
    filesystem = opened.filesystem
    into = not target or target.endswith("/") or len(files) > 1 or _is_folder(filesystem, target)
    with _explained(image):
        for name in files:
            source = Path(name)
            base = _path(f"{target}/{source.resolve().name}" if into else target)
            if source.is_dir():
                if not recursive:
                    _fail(f"{name} is a folder; -r copies all that is in it")
                pairs = [(base + inner, place) for inner, place in host_files(source)]
                make_folders(filesystem, base)
            else:
                pairs = [(base, source)]
            for path, place in pairs:
                data = place.read_bytes()
                with _explained(f"{image}: {path} ({len(data)} bytes)"):
                    make_folders(filesystem, path.rpartition("/")[0])
                    write_file(filesystem, path, data)
        opened.save()


def _is_folder(filesystem: Filesystem, path: str) -> bool:
    try:
        return filesystem.status(_path(path)).folder
    except OSError:
        return False


@_command("rm", "Remove files.")
@click.argument("paths", metavar="PATH...", nargs=-1, required=True)
@click.option("-r", "--recursive", is_flag=True, help="Folders, with all that is in them.")
def rm_command(image: str, paths: tuple[str, ...], board: str | None, recursive: bool) -> None:
    """Remove files and empty folders from IMAGE."""
    from mpy_cross.emulator.filesystems.image import tree

    opened = _open(image, board)
    filesystem = opened.filesystem
    for path in map(_path, paths):
        with _explained(f"{image}: {path}"):
            if path == "/":
                _fail("the root cannot be removed; `mpy-emu fs format` empties an image")
            folder = filesystem.status(path).folder
            if folder and recursive:
                for inner, is_dir in reversed(tree(filesystem, path)):
                    _remove(filesystem, inner, is_dir)
            _remove(filesystem, path, folder)
    with _explained(image):
        opened.save()


def _remove(filesystem: Filesystem, path: str, folder: bool) -> None:
    if folder:
        filesystem.remove_folder(path)
    else:
        filesystem.remove(path)


@_command("mkdir", "Make folders.")
@click.argument("paths", metavar="PATH...", nargs=-1, required=True)
@click.option("-p", "--parents", is_flag=True, help="With those above, and none may be there.")
def mkdir_command(image: str, paths: tuple[str, ...], board: str | None, parents: bool) -> None:
    """Make folders in IMAGE."""
    from mpy_cross.emulator.filesystems.image import make_folders

    opened = _open(image, board)
    for path in map(_path, paths):
        with _explained(f"{image}: {path}"):
            if parents:
                make_folders(opened.filesystem, path)
            else:
                opened.filesystem.make_folder(path)
    with _explained(image):
        opened.save()


# -------------------------------------------------------------------------------------- making


def _sizes(function: Callable[..., Any]) -> Callable[..., Any]:
    for option in (
        click.option("--block-size", metavar="N", help="Bytes of a block, if not the board's."),
        click.option("--size", metavar="N", help="Bytes of the image: 1408k, 65536."),
        click.option(
            "--type", "kind", type=click.Choice(["fat", "lfs2", "lfs1"]),
            help="The filesystem, if not that of the board.",
        ),
        click.option("--whole-flash", is_flag=True, help="An image of all of the board's flash."),
        click.option("--board", metavar="B", help="The board whose sizes and filesystem to take."),
    ):
        function = option(function)
    return function


def _shape(
    board: str | None, kind: str | None, size: str | None, block: str | None, whole: bool
) -> tuple[int, Found, Board | None]:
    """What an image is to be like: its size, its filesystem."""
    from mpy_cross.emulator.filesystems.volume import Found
    from mpy_cross.emulator.image_file import found_of
    from mpy_cross.emulator.session import parse_size

    facts = _board_of(board)
    try:
        numbers = [None if text is None else parse_size(text) for text in (size, block)]
    except ValueError as error:
        raise click.BadParameter(str(error)) from None
    if facts is None and (kind is None or numbers[0] is None):
        raise click.UsageError("say --board B, or --type and --size")
    if whole and (facts is None or size is not None):
        raise click.UsageError("--whole-flash needs --board, and no --size")
    found = Found("fat", 512)
    if facts is not None:
        found = found_of(facts)
    if kind is not None and kind != found.kind:
        found = Found(kind, 512 if kind == "fat" else 4096)
    if numbers[1] is not None:
        found = found._replace(block_size=numbers[1])
    length = numbers[0]
    if length is None:
        assert facts is not None
        length = facts.file_size
    if found.block_size < 1 or length % found.block_size:
        raise click.UsageError(
            f"{length} bytes are no whole number of blocks of {found.block_size}"
        )
    return length, found, facts


@fs_group.command(name="format", short_help="Make an empty image.")
@click.argument("image", metavar="IMAGE")
@_sizes
@click.option("--factory", is_flag=True, help="With the files that a new pyboard has.")
def format_command(
    image: str, board: str | None, whole_flash: bool, kind: str | None, size: str | None,
    block_size: str | None, factory: bool,
) -> None:
    """Make IMAGE, a file with an empty filesystem.  What it was before is lost."""
    shape = _shape(board, kind, size, block_size, whole_flash)
    if factory and (shape[2] is None or shape[2].platform != "pyboard"):
        raise click.UsageError("--factory needs --board pyboard: others start without files")
    _make(image, None, shape, whole_flash, factory)


@fs_group.command(name="image", short_help="Make an image of a folder.")
@click.argument("folder", metavar="DIR")
@click.option("-o", "--output", metavar="FILE", required=True, help="The image to write.")
@_sizes
def image_command(
    folder: str, output: str, board: str | None, whole_flash: bool, kind: str | None,
    size: str | None, block_size: str | None,
) -> None:
    """Make an image with the files of DIR; hidden ones and links stay out."""
    if not Path(folder).is_dir():
        _fail(f"{folder}: is no folder")
    shape = _shape(board, kind, size, block_size, whole_flash)
    _make(output, Path(folder), shape, whole_flash)


def _make(
    image: str,
    folder: Path | None,
    shape: tuple[int, Found, Board | None],
    whole: bool,
    factory: bool = False,
) -> None:
    from mpy_cross.emulator.filesystems.host import host_files, replace_file
    from mpy_cross.emulator.filesystems.image import make_folders, write_file
    from mpy_cross.emulator.image_file import new_image
    from mpy_cross.emulator.runtime.factory_files import FACTORY_FILES

    size, found, facts = shape
    with _explained(image):
        data, filesystem = new_image(size, found, facts, whole)
        for name, contents in FACTORY_FILES.items() if factory else ():
            write_file(filesystem, f"/{name}", contents)
        for path, place in host_files(folder) if folder is not None else []:
            contents = place.read_bytes()
            with _explained(f"{place} ({len(contents)} bytes)"):
                make_folders(filesystem, path.rpartition("/")[0])
                write_file(filesystem, path, contents)
        replace_file(Path(image), bytes(data))
