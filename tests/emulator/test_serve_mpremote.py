"""The real mpremote (PyPI) at hosted boards, over TCP and over a pseudo-terminal."""

from __future__ import annotations

import os
import select
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.emulator.served import Served, serve

pytest.importorskip("mpremote", reason="mpremote is not installed")
BOARDS = [
    ("pico", "1.17", "--tcp"),
    ("pyboard", "1.28", "--tcp"),
    pytest.param(
        ("pyboard", "1.17", "--pty"),
        marks=pytest.mark.skipif(sys.platform == "win32", reason="no pseudo-terminals"),
    ),
    ("pico", "1.29", "--tcp"),
]


@pytest.fixture(scope="module", params=BOARDS, ids=lambda each: "-".join(each).replace("---", "-"))
def served(request: pytest.FixtureRequest) -> Iterator[Served]:
    board, release, way = request.param
    words = [way, "0"] if way == "--tcp" else [way]
    with serve("--board", board, "--release", release, *words) as found:
        found.release = release
        yield found


@pytest.mark.spec("E03", "E06", "D13")
def test_eval(served: Served) -> None:
    assert served.told("eval", "1+1") == "2\n"
    assert served.told("eval", "'a' * 300") == "a" * 300 + "\n"


@pytest.mark.spec("E07", "D15")
def test_exec(served: Served) -> None:
    assert served.told("exec", "for i in range(3):\n  print(i)") == "0\n1\n2\n"
    done = served.mpremote("exec", "raise ValueError('wrong')")
    assert done.returncode == 1
    assert "ValueError: wrong" in done.stdout + done.stderr
    assert served.mpremote("exec", "x = 1 1").returncode == 1


@pytest.mark.spec("E07", "D14")
def test_exec_of_a_long_source(served: Served) -> None:
    source = "".join(f"x{n} = {n}  # a line of some length, to fill windows\n" for n in range(400))
    assert served.told("exec", source + "print(x0 + x399)") == "399\n"


@pytest.mark.spec("E08")
def test_run(served: Served, tmp_path: Path) -> None:
    (tmp_path / "script.py").write_text("import sys\nprint(sys.platform in ('rp2', 'pyboard'))\n")
    assert served.told("run", "script.py", folder=tmp_path) == "True\n"


@pytest.mark.spec("E09", "E11", "E12")
def test_files(served: Served, tmp_path: Path) -> None:
    text = "first line\n" + "x" * 700 + "\n\u00e9\n"
    (tmp_path / "t.txt").write_text(text, "utf-8")
    served.told("fs", "mkdir", ":d")
    served.told("fs", "cp", "t.txt", ":d/t.txt", folder=tmp_path)
    assert served.told("fs", "cat", ":d/t.txt") == text
    assert "t.txt" in served.told("fs", "ls", ":d")
    served.told("cp", ":d/t.txt", "back.txt", folder=tmp_path)
    assert (tmp_path / "back.txt").read_text("utf-8") == text
    served.told("rm", ":d/t.txt", "+", "rmdir", ":d")
    assert "d/" not in served.told("ls")
    assert served.mpremote("cat", ":d/t.txt").returncode == 1


@pytest.mark.spec("E12")
def test_df(served: Served) -> None:
    done = served.mpremote("df")
    if "1.17" in served.release:  # mpremote asks for a module that boards have from 1.22 on
        assert "no module named 'vfs'" in done.stdout + done.stderr
    else:
        last = done.stdout.splitlines()[-1].split()
        assert last[-1] in ("/", "/flash")
        assert int(last[1]) == int(last[2]) + int(last[3]) > 50_000


@pytest.mark.spec("E09")
def test_files_and_folders_at_once(served: Served, tmp_path: Path) -> None:
    (tmp_path / "lib" / "pkg").mkdir(parents=True)
    (tmp_path / "lib" / "pkg" / "__init__.py").write_text("NAME = 'pkg'\n")
    served.told("cp", "-r", "lib", ":", folder=tmp_path)
    source = "import sys; sys.path.append('lib'); import pkg; print(pkg.NAME)"
    assert served.told("exec", source) == "pkg\n"
    served.told("rm", "-r", ":lib")


@pytest.mark.spec("E10")
def test_mount(served: Served, tmp_path: Path) -> None:
    (tmp_path / "hostmodule.py").write_text("VALUE = 42\n" + "# filling\n" * 100)
    (tmp_path / "t.txt").write_text("text of the host\n")
    source = (
        "import hostmodule, os\nprint(hostmodule.VALUE, os.getcwd(), sorted(os.listdir()))\n"
        "print(open('t.txt').read())\n"
        "f = open('new.txt', 'w'); f.write('from the board'); f.close()\n"
        "os.mkdir('made'); os.rename('new.txt', 'made/n.txt'); print(os.stat('made/n.txt')[6])"
    )
    shown = served.told("mount", str(tmp_path), "exec", source)
    assert "42 /remote ['hostmodule.py', 't.txt']\ntext of the host\n\n14\n" in shown
    assert (tmp_path / "made" / "n.txt").read_text() == "from the board"


@pytest.mark.spec("E11", "D07")
def test_soft_reset_and_resume(served: Served) -> None:
    assert served.told("exec", "y = 7", "+", "eval", "y") == "7\n"
    done = served.mpremote("eval", "y")  # connecting does a soft reset
    assert "NameError" in done.stdout + done.stderr
    served.told("exec", "y = 8")
    assert served.told("resume", "eval", "y") == "8\n"
    assert served.told("soft-reset", "exec", "print('y' in globals())") == "False\n"


@pytest.mark.spec("E12")
def test_reset(served: Served) -> None:
    served.told("fs", "mkdir", ":kept")
    served.told("reset")
    assert "kept/" in served.told("ls")
    served.told("fs", "rmdir", ":kept")


@pytest.mark.spec("E07")
def test_time_passes_at_once(served: Served) -> None:
    assert served.told("exec", "import time\ntime.sleep(1000)\nprint('awake')") == "awake\n"


@pytest.mark.spec("E13")
def test_a_command_of_the_users_configuration(
    served: Served, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "mpremote"
    folder.mkdir()
    (folder / "config.py").write_text(
        "commands = {'double x=4': {'command': 'exec print(2*x)'.split(' ', 1), 'help': ''}}\n"
    )
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    assert served.told("double") == "8\n"
    assert served.told("double", "21") == "42\n"


@pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo-terminal")
@pytest.mark.spec("E01", "E05", "E10", "D07")
def test_repl_with_a_mounted_folder(tmp_path: Path) -> None:
    import pty

    (tmp_path / "hostmodule.py").write_text("VALUE = 42\n")
    with serve("--board", "pico", "--release", "1.28", "--pty") as served:
        words = ["-m", "mpremote", "connect", served.name, "mount", str(tmp_path)]
        process, terminal = pty.fork()
        if process == 0:
            os.execv(sys.executable, [sys.executable, *words])

        def ask(keys: bytes, end: bytes) -> bytes:
            os.write(terminal, keys)
            seen = b""
            while not seen.endswith(end):
                assert select.select([terminal], [], [], 20)[0], seen
                seen += os.read(terminal, 4096)
            return seen

        try:
            assert b"Local directory" in ask(b"", b">>> ")
            assert ask(b"import hostmodule as h; h.VALUE\r", b">>> ").endswith(b"42\r\n>>> ")
            ask(b"while True: pass\r\r", b"... \r\n")
            assert b"KeyboardInterrupt" in ask(b"\x03", b"\r\n>>> ")
            shown = ask(b"\x04", b"at /remote\r\n>>> ")  # mpremote mounts the folder again
            assert b"MPY: soft reboot\r\nMicroPython v1.28.0" in shown
            assert b"'/remote'" in ask(b"import os; os.getcwd()\r", b">>> ")
            os.write(terminal, b"\x1d")  # Ctrl-] leaves
            assert os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]) == 0
        finally:
            os.close(terminal)
