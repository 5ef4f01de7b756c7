"""`mpy-emu serve`: connections, resets, signals; mpremote's commands are in test_serve_mpremote."""

from __future__ import annotations

import os
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from mpy_cross.emulator.repl.target import Condition
from mpy_cross.emulator.serve import FULL, PtyEndpoint, ServeError, Server, TcpEndpoint
from tests.emulator.served import Client, serve

posix = pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo-terminal")


@pytest.mark.spec("D01", "E21")
def test_the_first_client_sees_the_start_and_others_follow() -> None:
    with serve("--board", "pico", "--release", "1.17", "--tcp", "0") as served:
        first = served.connect()
        assert first.until(b">>> ").startswith(b"MicroPython v1.17 on 2021-09-02; Raspberry Pi")
        assert first.ask(b"x = 5\r") == b"x = 5\r\n>>> "
        first.connection.close()
        second = served.connect()
        assert second.ask(b"x\r") == b"x\r\n5\r\n>>> "


def test_reset_closes_the_connection() -> None:
    with serve("--board", "pico", "--release", "1.28", "--tcp", "127.0.0.1:0") as served:
        first = served.connect()
        first.until(b">>> ")
        first.connection.sendall(b"import machine; machine.reset()\r")
        assert first.closed()
        assert served.connect().until(b">>> ").startswith(b"MicroPython v1.28.0")


@pytest.mark.spec("D05")
def test_ctrl_c_reaches_a_program() -> None:
    with serve("--board", "pico", "--tcp", "0") as served:
        client = served.connect()
        client.until(b">>> ")
        client.connection.sendall(b"while True: pass\r\r")
        time.sleep(0.3)
        assert b"KeyboardInterrupt" in client.ask(b"\x03")
        assert client.ask(b"1+1\r").endswith(b"2\r\n>>> ")


def test_ctrl_c_reaches_a_program_that_does_not_look() -> None:
    with serve("--board", "pyboard", "--tcp", "0") as served:
        client = served.connect()
        client.until(b">>> ")
        client.connection.sendall(b"sum(range(10 ** 12))\r")
        time.sleep(0.5)
        assert b"KeyboardInterrupt" in client.ask(b"\x03")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("busy", [False, True])
def test_signals_end_the_server(number: int, busy: bool) -> None:
    with serve("--board", "pico", "--tcp", "0") as served:
        client = served.connect()
        client.until(b">>> ")
        if busy:
            client.connection.sendall(b"while True: pass\r\r")
            time.sleep(0.2)
        served.process.send_signal(number)
        assert served.process.wait(10) == 0
        assert client.closed()


@pytest.mark.spec("E21")
@posix
def test_pty_with_a_name(tmp_path: Path) -> None:
    link = tmp_path / "board"
    with serve("--board", "pyboard", "--release", "1.17", "--pty", "--link", str(link)) as served:
        assert served.name == str(link)
        terminal = os.open(link, os.O_RDWR | os.O_NOCTTY)
        seen = b""
        os.write(terminal, b"6*7\r")
        while not seen.endswith(b"42\r\n>>> "):
            assert select.select([terminal], [], [], 10)[0]
            seen += os.read(terminal, 1024)
        os.close(terminal)
        terminal = os.open(link, os.O_RDWR | os.O_NOCTTY)
        os.write(terminal, b"_+1\r")
        assert select.select([terminal], [], [], 10)[0]
        os.close(terminal)
    assert not link.exists()


def test_files_of_a_folder(tmp_path: Path) -> None:
    (tmp_path / "main.py").write_text("print('from main')\n")
    with serve(str(tmp_path), "--board", "pico", "--tcp", "0") as served:
        assert served.connect().until(b">>> ").startswith(b"from main\r\nMicroPython")


def test_virtual_time_follows_the_hosts_at_the_prompt_only() -> None:
    with serve("--board", "pico", "--tcp", "0") as served:
        client = served.connect()
        client.until(b">>> ")
        client.ask(b"import time, machine\r")
        began = time.monotonic()
        client.ask(b"time.sleep(100)\r")
        assert time.monotonic() - began < 5
        client.ask(b"t = machine.Timer(mode=0, period=300, callback=lambda t: print('rang'))\r")
        assert client.until(b"rang\r\n").endswith(b"rang\r\n")


def test_realtime() -> None:
    with serve("--board", "pico", "--tcp", "0", "--realtime") as served:
        client = served.connect()
        client.until(b">>> ")
        client.ask(b"import time\r")
        began = time.monotonic()
        client.ask(b"time.sleep(0.5)\r")
        assert time.monotonic() - began >= 0.5
        client.connection.sendall(b"time.sleep(100)\r")
        time.sleep(0.2)
        assert b"KeyboardInterrupt" in client.ask(b"\x03")


@pytest.mark.parametrize(
    ("words", "text"),
    [
        ([], "say --tcp PORT or --pty"),
        (["--tcp", "1", "--pty"], "say --tcp PORT or --pty"),
        (["--tcp", "0", "--link", "x"], "--link belongs to --pty"),
        (["--tcp", "abc"], "is no port"),
        (["--tcp", "99999"], "port 99999"),
        (["--tcp", "0", "--board", "nano"], "nano"),
        (["--tcp", "0", "/no/such/folder"], "/no/such/folder"),
        (["--pty", "--link", "/no/such/folder/x"], "/no/such/folder/x"),
    ],
)
def test_wrong_usage(words: list[str], text: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "mpy_cross.emulator.cli", "serve", *words],
        capture_output=True, text=True, timeout=60,
    )
    assert done.returncode == 2
    assert text in done.stderr
    assert "Traceback" not in done.stderr


def test_a_port_that_is_taken() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other, pytest.raises(ServeError, match="port"):
        TcpEndpoint(other.getsockname()[1])


class Talker:
    """A target that never stops to print, and counts what it reads."""

    def __init__(self) -> None:
        self.patience: Callable[[], object] | None = None
        self.turns = 0
        self.typed = b""

    def feed(self, data: bytes) -> None:
        self.typed += data

    def take(self) -> bytes:
        return b"x" * 50_000

    def advance(self, idle: int) -> Condition:
        self.turns += 1
        return Condition.RUNNING

    @property
    def delay(self) -> int | None:
        return 0

    def close(self) -> None:
        pass


def test_a_client_that_does_not_read_holds_the_board_up() -> None:
    talker, endpoint = Talker(), TcpEndpoint(0)
    server = Server(talker, endpoint)
    client = Client(socket.create_connection(("127.0.0.1", endpoint.port)))
    for _ in range(500):
        server.step()
        if endpoint.full:
            break
    assert endpoint.full
    turns = talker.turns
    client.connection.sendall(b"\x03")  # is read in any case
    for _ in range(3):
        server.step()
    assert talker.turns == turns
    assert talker.typed == b"\x03"
    read = 0
    while talker.turns == turns and read < 100 * FULL:
        read += len(client.connection.recv(1 << 16))
        server.step()
    assert talker.turns > turns
    client.connection.close()
    endpoint.close()


@posix
def test_a_terminal_that_nobody_reads_does_not() -> None:
    talker, endpoint = Talker(), PtyEndpoint()
    server = Server(talker, endpoint)
    limit = time.monotonic() + 10
    turns = 0
    while time.monotonic() < limit:
        server.step()
        if endpoint.full and not turns:
            turns = talker.turns
        if turns and talker.turns > turns:
            break
    assert turns
    assert talker.turns > turns
    endpoint.close()


def test_flash_is_kept_in_a_file(tmp_path: Path) -> None:
    flash = tmp_path / "flash.bin"
    words = ("--board", "pico", "--tcp", "0", "--flash", str(flash))
    with serve(*words) as served:
        client = served.connect()
        client.until(b">>> ")
        client.ask(b"f = open('kept.txt', 'w'); f.write('kept'); f.close()\r")
    assert flash.exists()
    with serve(*words) as served:
        client = served.connect()
        client.until(b">>> ")
        assert b"'kept'" in client.ask(b"open('kept.txt').read()\r")
        assert b"soft reboot" in client.ask(b"\x04")
        assert b"'kept'" in client.ask(b"open('kept.txt').read()\r")
