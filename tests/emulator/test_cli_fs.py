"""`mpy-emu fs` and `mpy-emu run --flash`, as programs of their own."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

from mpy_cross.emulator.cli import main
from mpy_cross.emulator.filesystems.image import identify
from mpy_cross.emulator.firmware.image import Segment
from mpy_cross.emulator.firmware.uf2 import write_uf2
from mpy_cross.emulator.runtime import memory


class Done(NamedTuple):
    returncode: int
    stdout: str
    stderr: str


def emu(*args: str, cwd: Path, **variables: str) -> Done:
    """The command in this process, which takes less time than one of its own."""
    out, errors = io.TextIOWrapper(io.BytesIO(), "utf-8"), io.TextIOWrapper(io.BytesIO(), "utf-8")
    before = sys.argv, os.getcwd(), sys.stdout, sys.stderr, dict(os.environ)
    os.environ.update(variables, PYTHONHASHSEED="0")
    os.chdir(cwd)
    sys.argv, sys.stdout, sys.stderr = ["mpy-emu", *args], out, errors
    try:
        main()
    except SystemExit as error:
        status = error.code
    finally:
        sys.argv, folder, sys.stdout, sys.stderr, environment = before
        os.chdir(folder)
        os.environ.clear()
        os.environ.update(environment)
        memory.use(None)
    texts = []
    for stream in (out, errors):
        stream.flush()
        texts.append(stream.buffer.getvalue().decode())
    assert isinstance(status, int)
    return Done(status, *texts)


def good(*args: str, cwd: Path, **variables: str) -> str:
    done = emu(*args, cwd=cwd, **variables)
    assert done.returncode == 0 and not done.stderr, done.stderr
    return done.stdout


def bad(*args: str, cwd: Path, status: int = 1) -> str:
    done = emu(*args, cwd=cwd)
    assert done.returncode == status and "Traceback" not in done.stderr, done.stderr
    return done.stderr


def test_as_a_command(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "mpy_cross.emulator.cli", "fs", "format", "--board", "pico"]
    done = subprocess.run([*command, "i.bin"], cwd=tmp_path, capture_output=True, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
    assert (tmp_path / "i.bin").stat().st_size == 1408 << 10


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A folder to work in, with a project."""
    folder = tmp_path / "project"
    (folder / "lib").mkdir(parents=True)
    (folder / "main.py").write_bytes(b"import m\nprint(m.x)\n")
    (folder / "lib" / "m.py").write_bytes(b"x = 1\n")
    (folder / ".git").mkdir()
    (folder / ".git" / "config").write_bytes(b"hidden")
    (folder / "link").symlink_to("main.py")
    return tmp_path


@pytest.mark.parametrize("board", ["pico", "pyboard"])
def test_files_in_and_out(project: Path, board: str) -> None:
    good("fs", "image", "project", "--board", board, "-o", "i.bin", cwd=project)
    assert good("fs", "ls", "-r", "i.bin", cwd=project).split() == [
        "0", "lib/", "6", "lib/m.py", "20", "main.py",
    ]
    good("fs", "put", "i.bin", "project/main.py", ":copied.py", cwd=project)
    good("fs", "put", "i.bin", "project/main.py", "project/lib/m.py", ":deep/er/", cwd=project)
    good("fs", "put", "-r", "i.bin", "project", cwd=project)
    assert good("fs", "cat", "i.bin", "copied.py", ":/deep/er/m.py", cwd=project) == (
        "import m\nprint(m.x)\nx = 1\n"
    )
    good("fs", "mkdir", "i.bin", "a", cwd=project)
    good("fs", "mkdir", "-p", "i.bin", "a/b/c", "a/b", cwd=project)
    good("fs", "rm", "-r", "i.bin", "deep", "project", cwd=project)
    assert good("fs", "ls", "i.bin", cwd=project).split()[1::2] == [
        "a/", "copied.py", "lib/", "main.py",
    ]
    assert good("fs", "ls", "i.bin", ":lib", cwd=project).split() == ["6", "m.py"]
    assert good("fs", "ls", "i.bin", "copied.py", cwd=project).split() == ["20", "copied.py"]
    good("fs", "get", "i.bin", "copied.py", cwd=project)
    good("fs", "get", "i.bin", "copied.py", "other.py", cwd=project)
    good("fs", "get", "-r", "i.bin", "/", "all", cwd=project)
    for name in ("copied.py", "other.py", "all/main.py"):
        assert (project / name).read_bytes() == b"import m\nprint(m.x)\n"
    assert (project / "all" / "lib" / "m.py").read_bytes() == b"x = 1\n"
    assert (project / "all" / "a" / "b" / "c").is_dir()


@pytest.mark.spec("F08", "F10")
def test_image_of_a_board(project: Path) -> None:
    """Equal folders give equal images, of the files or of the whole flash; boards take both."""
    good("fs", "image", "project", "--board", "pico", "-o", "1.bin", cwd=project)
    good("fs", "image", "project", "--board", "pico", "-o", "2.bin", cwd=project)
    assert (project / "1.bin").read_bytes() == (project / "2.bin").read_bytes()
    good("fs", "image", "project", "--board", "pico", "-o", "3.bin", cwd=project,
         SOURCE_DATE_EPOCH="1000000000")
    assert (project / "1.bin").read_bytes() != (project / "3.bin").read_bytes()
    good("fs", "image", "project", "--board", "pico", "--whole-flash", "-o", "w.bin", cwd=project)
    assert (project / "w.bin").read_bytes()[0xA0000:] == (project / "1.bin").read_bytes()
    for name in ("1.bin", "w.bin"):
        assert "littlefs 2.0" in good("fs", "info", name, cwd=project)
        assert "files       2\n" in good("fs", "info", "--board", "pico", name, cwd=project)
        run = good("run", "--board", "pico", "--flash", name, "project", cwd=project)
        assert run == "1\n"
    good("fs", "image", "project", "--board", "pyboard", "-o", "f.bin", cwd=project)
    info = good("fs", "info", "f.bin", cwd=project)
    assert "FAT12" in info and "label       PYBFLASH" in info


@pytest.mark.spec("F15")
def test_flash_of_a_run(project: Path) -> None:
    (project / "log.py").write_text("with open('log', 'a') as f:\n    f.write('x')\n")
    for count in (1, 2):
        good("run", "--flash", "f.bin", "log.py", cwd=project)
        assert good("fs", "cat", "f.bin", "log", cwd=project) == "x" * count
    names = good("fs", "ls", "f.bin", cwd=project).split()[1::2]
    assert names == ["README.txt", "boot.py", "log", "main.py", "pybcdc.inf"]
    (project / "fails.py").write_text("open('late', 'w').write('kept')\nraise ValueError\n")
    assert emu("run", "--flash", "f.bin", "fails.py", cwd=project).returncode == 1
    assert good("fs", "cat", "f.bin", "late", cwd=project) == "kept"


@pytest.mark.spec("F24")
def test_factory_reset(project: Path) -> None:
    good("fs", "image", "project", "--board", "pyboard", "-o", "i.bin", cwd=project)
    good("fs", "format", "--factory", "--board", "pyboard", "i.bin", cwd=project)
    assert good("fs", "ls", "i.bin", cwd=project).split()[1::2] == [
        "README.txt", "boot.py", "main.py", "pybcdc.inf",
    ]
    assert good("fs", "cat", "i.bin", "main.py", cwd=project) == (
        "# main.py -- put your code here!\r\n"
    )
    bad("fs", "format", "--factory", "--board", "pico", "i.bin", cwd=project, status=2)


def test_other_shapes(project: Path) -> None:
    for kind, title in (("fat", "FAT12"), ("lfs1", "littlefs 1.1"), ("lfs2", "littlefs 2.0")):
        good("fs", "format", "i.bin", "--type", kind, "--size", "64k", "--block-size", "1024",
             cwd=project)
        info = good("fs", "info", "i.bin", cwd=project)
        assert title in info and "64 of 1024 bytes" in info
        good("fs", "put", "i.bin", "project/main.py", cwd=project)
        assert good("fs", "cat", "i.bin", "main.py", cwd=project).startswith("import m")
        found = identify(memoryview((project / "i.bin").read_bytes()))
        assert found is not None and (found.kind, found.block_size) == (kind, 1024)


def test_uf2_is_read(project: Path) -> None:
    good("fs", "image", "project", "--board", "pico", "-o", "1.bin", cwd=project)
    data = (project / "1.bin").read_bytes()
    pages = [Segment(0x100A0000 + at, data[at : at + 4096]) for at in range(0, len(data), 4096)]
    pages = [page for page in pages if page.data.strip(b"\xff")]
    (project / "i.uf2").write_bytes(write_uf2(pages))
    assert good("fs", "cat", "i.uf2", "lib/m.py", cwd=project) == "x = 1\n"
    before = (project / "i.uf2").read_bytes()
    assert "can be read only" in bad("fs", "rm", "i.uf2", "main.py", cwd=project)
    assert (project / "i.uf2").read_bytes() == before


def test_errors(project: Path) -> None:
    good("fs", "format", "i.bin", "--board", "pico", cwd=project)
    good("fs", "put", "i.bin", "project/main.py", ":d/f", cwd=project)
    before = (project / "i.bin").read_bytes()
    for message, *args in (
        ("i.bin: /gone: there is no such file or folder", "cat", "i.bin", "gone"),
        ("i.bin: /d: that is a folder", "cat", "i.bin", "d"),
        ("/d is a folder; -r copies", "get", "i.bin", "d"),
        ("i.bin: /d: the folder is not empty", "rm", "i.bin", "d"),
        ("i.bin: /d: there is something of that name", "mkdir", "i.bin", "d"),
        ("i.bin: /x/y: there is no such", "mkdir", "i.bin", "x/y"),
        ("the root cannot be removed", "rm", "-r", "i.bin", "/"),
        ("project is a folder; -r copies", "put", "i.bin", "project"),
        ("gone.py: No such file", "put", "i.bin", "gone.py"),
        ("main.py: no FAT or littlefs filesystem is there; `mpy-emu fs format`", "ls",
         "project/main.py"),
        ("gone.bin: No such file", "ls", "gone.bin"),
        ("no FAT or littlefs filesystem at 0x4000, where pyboard has its files", "ls", "--board",
         "pyboard", "i.bin"),
        ("gone: is no folder", "image", "gone", "-o", "x.bin", "--board", "pico"),
        ("no fat filesystem fits into 8192 bytes", "format", "x.bin", "--type", "fat", "--size",
         "8k"),
    ):
        assert message in bad("fs", *args, cwd=project), args
    (project / "big").write_bytes(bytes(1500 << 10))
    assert "/big (1536000 bytes): there is no space left" in bad(
        "fs", "put", "i.bin", "big", cwd=project
    )
    assert (project / "i.bin").read_bytes() == before
    assert not (project / "x.bin").exists()
    for message, *args in (
        ("no board 'x'; there are", "ls", "--board", "x", "i.bin"),
        ("say --board B, or --type and --size", "format", "x.bin"),
        ("'2x' is no size", "format", "x.bin", "--type", "fat", "--size", "2x"),
        ("no FILE", "put", "i.bin", ":d"),
        ("--whole-flash needs --board", "format", "x.bin", "--type", "fat", "--size", "1M",
         "--whole-flash"),
        ("1000 bytes are no whole number of blocks of 512", "format", "x.bin", "--type", "fat",
         "--size", "1000"),
    ):
        assert message in bad("fs", *args, cwd=project, status=2), args
    assert "has 16 bytes; files of this board" in bad(
        "run", "--flash", "project/lib/../main16", "project/main.py", cwd=_sixteen(project),
        status=2,
    )


def _sixteen(folder: Path) -> Path:
    (folder / "project" / "main16").write_bytes(bytes(16))
    return folder


def test_damaged_images(project: Path) -> None:
    (project / "project" / "big").write_bytes(bytes(3000))
    good("fs", "image", "project", "--board", "pyboard", "-o", "i.bin", cwd=project)
    data = bytearray((project / "i.bin").read_bytes())
    data[512:1024] = b"\xff" * 512  # the table: chains lead nowhere
    (project / "i.bin").write_bytes(data)
    assert "i.bin: /big: the image is damaged" in bad("fs", "cat", "i.bin", "big", cwd=project)
    (project / "i.bin").write_bytes(data[:700])
    assert "the image is damaged" in bad("fs", "ls", "i.bin", cwd=project)


def test_help_teaches(project: Path) -> None:
    text = good("fs", "--help", cwd=project)
    assert "mpy-emu fs image project/ --board pico -o flash.bin" in text
    for name in ("ls", "cat", "get", "put", "rm", "mkdir", "info", "format", "image"):
        assert name in text
        assert "Usage: " in good("fs", name, "--help", cwd=project)
