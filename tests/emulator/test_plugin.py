"""The pytest plugin: what passes, what fails, and how failures look."""

from __future__ import annotations

import pytest

pytest_plugins = ["pytester"]

PLUGIN = ("-p", "mpy_cross.emulator.pytest_plugin", "-p", "no:cacheprovider")


def check(pytester: pytest.Pytester, source: str) -> pytest.RunResult:
    pytester.makepyfile(source)
    return pytester.runpytest_subprocess(*PLUGIN)


def test_programs(pytester: pytest.Pytester) -> None:
    pytester.makefile(".py", app="import errno\nprint('app', 1 / 3)\nraise SystemExit(4)\n")
    result = check(pytester, """
        import pytest

        def test_exec_eval_call(board):
            board.exec("class C:\\n    def m(self, a, b=1):\\n        return [a, b]\\nc = C()")
            assert board.eval("c.m(2)") == [2, 1]
            assert board.call("c.m", 5, 6) == [5, 6]
            with pytest.raises(LookupError, match="has no 'd'"):
                board.call("d")

        @pytest.mark.board("pico", release="1.17", heapsize=50000, seed=3)
        def test_file(board):
            assert board.run("app.py") == 4
            assert board.console == "app 0.3333333\\n"
            assert board.session.board.name == "pico"
            assert board.session.memory.limit == 50000

        def test_source(board):
            board.run("x = 3\\nprint(x)\\n")
            assert board.console.lines == ["3"]
            assert "3" in board.console

        def test_no_file(board):
            with pytest.raises(FileNotFoundError, match="no such file"):
                board.run("nothing.py")
    """)
    result.assert_outcomes(passed=4)


def test_endless_program(pytester: pytest.Pytester) -> None:
    result = check(pytester, """
        def test_loop(board):
            board.run("n = 0\\nwhile True:\\n    n += 1\\n    if n == 9999: print('here')\\n", ms=1)
            assert board.running and board.console == ""
            assert board.ms == 1
            board.console.expect("here", timeout=1)
            now = board.ms
            board.advance(ms=20)
            assert board.ms == now + 20
            board.stop()
            assert not board.running
            assert board.eval("n") > 9999
    """)
    result.assert_outcomes(passed=1)


def test_pins_and_uarts(pytester: pytest.Pytester) -> None:
    result = check(pytester, """
        import pytest

        @pytest.mark.board("pico")
        def test_pins(board):
            bus = board.session.machine.bus
            bus.write(0x40014000 + 8 * 25 + 4, 4, 5)
            bus.write(0xd0000024, 4, 1 << 25)
            board.advance(ms=2)
            bus.write(0xd0000014, 4, 1 << 25)
            assert board.pin("LED").value == 1
            assert board.pin("LED").edges() == [(2.0, 1)]
            board.pin("GP2").drive(1)
            assert bus.read(0xd0000004, 4) >> 2 & 1 == 1
            board.pin("GP2").drive(None)
            assert board.pin("GP2").value == 0

        @pytest.mark.board("pico")
        def test_uart(board):
            port = board.session.machine.uart(0)
            board.session.machine.clock.after(5_000_000, lambda: port.sent.extend(b"one two"))
            assert board.uart(0).expect(b"one", timeout=1) == b""
            assert board.uart(0).expect(b"two", timeout=1) == b" "
            with pytest.raises(AssertionError, match="expected b'three' on UART0 within 0.01 s"):
                board.uart(0).expect(b"three", timeout=0.01)
    """)
    result.assert_outcomes(passed=2)


def test_failure_shows_the_programs_traceback(pytester: pytest.Pytester) -> None:
    result = check(pytester, """
        def test_bad(board):
            board.exec("print('before')\\ndef f():\\n    return 1 // 0\\nf()")
    """)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines([
        "test_failure_shows_the_programs_traceback.py:2: in test_bad",
        "Traceback (most recent call last):",
        '  File "<test>", line 4, in <module>',
        '  File "<test>", line 3, in f',
        "ZeroDivisionError: divide by zero",
        "*Console of the board*",
        "before",
    ])
    result.stdout.no_fnmatch_line("*program_thread*")


def test_expectation_that_fails(pytester: pytest.Pytester) -> None:
    result = check(pytester, """
        def test_bad(board):
            board.exec("print('hello')")
            board.console.expect("goodbye", timeout=0.1)
    """)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*expected 'goodbye' on the console within 0.1 s, got 'hello?n'"])


@pytest.mark.parametrize(("mark", "message"), [
    ('"pica"', "no board 'pica'; there are pico, *"),
    ('"pico", release="7"', "*unknown MicroPython release '7'*"),
    ('"pico", relese="1.17"', "marker board has no 'relese'; there are name, release, *"),
    ('"pico", heapsize=5', "*a heap of 5 bytes does not fit*"),
])
def test_wrong_marker(mark: str, message: str, pytester: pytest.Pytester) -> None:
    result = check(pytester, f"""
        import pytest

        @pytest.mark.board({mark})
        def test_it(board):
            pass
    """)
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines([f"*{message}"])
    result.stdout.no_fnmatch_line("*During handling*")


def test_check_native_says_what_it_compares(pytester: pytest.Pytester) -> None:
    """Machine code gives the same, or it is said clearly that there is none to compare."""
    result = check(pytester, """
        import pytest
        from mpy_cross.emulator.testing import NoNativeCode

        def test_source(board):
            board.exec("def add(a, b):\\n    return a + b\\n")
            try:
                board.check_native("add", (1, 2), (3, -4))
            except NoNativeCode as error:
                pytest.skip(str(error))

        def test_unknown(board):
            with pytest.raises(LookupError, match="no source that was run has a function 'sub'"):
                board.check_native("sub", 1)
    """)
    outcomes = result.parseoutcomes()
    assert outcomes.get("failed", 0) == outcomes.get("errors", 0) == 0
    assert outcomes["passed"] + outcomes.get("skipped", 0) == 2


@pytest.mark.parametrize("board", ["pyboard", "pico", "esp32", "esp8266"])
def test_check_native_compares_optimised_code(pytester: pytest.Pytester, board: str) -> None:
    """A function whose viper code is no Python any more: which kinds of code are said to differ,
    and that the program itself is optimised where the marker says so."""
    result = check(pytester, f"""
        import pytest
        from mpy_cross.emulator.testing import NativeError

        HEAD = "def f(a: int, b: int) -> int:\\n"
        SOURCE = HEAD + "    return a * 7 + (b >> 2) if a < b else a // b\\n"
        WRAPS = HEAD + "    return a * b\\n"

        @pytest.mark.board("{board}", release="1.29", opt="2")
        def test_same(board):
            board.check_native(SOURCE, (1, 2), (30, -4), (-7, 900), (2, True))
            board.exec("@micropython.native\\n" + SOURCE + "print(f(3, 400))")
            assert board.console == "121\\n"

        @pytest.mark.board("{board}", release="1.29", opt="s")
        def test_differs(board):
            with pytest.raises(NativeError, match="as viper$"):
                board.check_native(WRAPS, (70000, 70000))

        @pytest.mark.board("{board}", opt="3")
        def test_no_level(board):
            pass
    """)
    result.assert_outcomes(passed=2, errors=1)
    result.stdout.fnmatch_lines(["*marker board: opt=3 is none of 0, 1, 2, s*"])


def test_resets(pytester: pytest.Pytester) -> None:
    pytester.mkdir("app")
    pytester.path.joinpath("app", "main.py").write_text(
        "import machine, time\nprint('start', machine.reset_cause())\ntime.sleep_ms(100)\n"
        "machine.reset()\n")
    result = check(pytester, """
        import pytest

        @pytest.mark.board("pyboard", release="1.17")
        def test_the_board_starts_again(board):
            board.run("app", ms=450)
            assert board.console.lines == ["start 1"] + ["start 2"] * (len(board.console.lines) - 1)
            assert len(board.console.lines) == 4
            board.advance(ms=1000)
            assert len(board.console.lines) > 10
            assert board.running

        def test_nothing_to_start_again_with(board):
            with pytest.raises(AssertionError, match="the board was reset"):
                board.exec("import machine; machine.reset()")
    """)
    result.assert_outcomes(passed=2)
