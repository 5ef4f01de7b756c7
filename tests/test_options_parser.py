"""The command line's options, release by release."""

from __future__ import annotations

import pytest

from mpy_cross.loader.release import RELEASES, get
from mpy_cross.options_parser import UsageError, c_integer, check, parse, usage


def test_options_and_files_mix() -> None:
    command = parse(["-O2", "a.py", "-o", "x.mpy", "b.py", "--", "-c.py", "-"])
    assert command.files == ["a.py", "b.py", "-c.py", "-"]
    assert (command.opt_level, command.output) == (2, "x.mpy")


@pytest.mark.parametrize(
    ("argument", "level"), [("-O", 1), ("-O0", 0), ("-O3", 3), ("-OO", 2), ("-OOO", 3), ("-O9", 9)]
)
def test_optimisation_levels(argument: str, level: int) -> None:
    assert parse([argument]).opt_level == level


@pytest.mark.parametrize(
    ("text", "value"),
    [("31", 31), ("0x1f", 31), ("037", 31), ("0", 0), ("-5", -5), (" 63", 63), ("+7", 7)],
)
def test_integers_as_in_c(text: str, value: int) -> None:
    assert c_integer(text) == value


@pytest.mark.parametrize("text", ["", "x", "31k", "08", "0x", "--1", "\u0663"])
def test_not_integers_in_c(text: str) -> None:
    assert c_integer(text) is None


def test_every_option_of_1_17() -> None:
    text = (
        "-o out.mpy -s name.py -v -v -O3 -msmall-int-bits=63 -mno-unicode -mcache-lookup-bc "
        "-march=armv7m -X emit=bytecode -X heapsize=10wk in.py"
    )
    command = parse(text.split())
    check(command, get("1.17"))
    assert command.files == ["in.py"]
    assert command.source_name == "name.py"
    assert command.verbose == 2
    assert command.small_int_bits == 63
    assert not command.unicode
    assert command.cache_lookup_bc
    command = parse(["-mno-unicode", "-municode", "-mcache-lookup-bc", "-mno-cache-lookup-bc"])
    assert command.unicode
    assert not command.cache_lookup_bc


def test_every_option_of_1_29() -> None:
    text = "-march=rv32imc -march-flags=zba,zcmp -X no-source-lines -X heapsize=2M -- in.py"
    command = parse(text.split())
    check(command, get("1.29"))
    assert command.arch_flags == 3
    assert not command.source_lines
    assert parse(["-X", "no-source-lines", "-X", "source-lines"]).source_lines


@pytest.mark.parametrize(
    ("flags", "value"), [("zba", 1), ("zcmp", 2), ("0x3", 3), ("0b10", 2), ("1", 1), ("0", 0)]
)
def test_arch_flags(flags: str, value: int) -> None:
    command = parse(["-march=rv32imc", f"-march-flags={flags}", "x.py"])
    check(command, get("1.29"))
    assert command.arch_flags == value


@pytest.mark.parametrize(
    ("release", "arguments", "message"),
    [
        ("1.29", "-mcache-lookup-bc x", "option -mcache-lookup-bc not known to mpy-cross 1.29"),
        ("1.18", "-mcache-lookup-bc x", "option -mcache-lookup-bc not known to mpy-cross 1.18"),
        ("1.29", "-mno-unicode x", "option -mno-unicode not known to mpy-cross 1.29"),
        ("1.19", "-municode x", "option -municode not known to mpy-cross 1.19"),
        ("1.17", "-X no-source-lines x", "option -X no-source-lines not known to mpy-cross 1.17"),
        ("1.28", "-X source-lines x", "option -X source-lines not known to mpy-cross 1.28"),
        ("1.26", "-march-flags=1 x", "option -march-flags=1 not known to mpy-cross 1.26"),
        ("1.17", "-march=rv32imc x", "-march=rv32imc not known to mpy-cross 1.17: it knows x86"),
        ("1.17", "-march=host x", "-march=host not known to mpy-cross 1.17"),
        ("1.29", "-march=rv32imc -march-flags=zbb x", "unrecognised arch flags"),
        ("1.27", "-march=rv32imc -march-flags=zcmp x", "unrecognised arch flags"),
        ("1.29", "-march=armv6 -march-flags=zba x", "unrecognised arch flags"),
        ("1.29", "-march=rv32imc -march-flags=4 x", "unrecognised arch flags"),
        ("1.17", "", "no input file"),
        ("1.17", "-o x a b", "-o names one output file, but there are several input files"),
        ("1.17", "-s x a b", "-s names one source file, but there are several input files"),
        ("1.17", "a -", "- (stdin) must be the only input file"),
    ],
)
def test_what_a_release_refuses(release: str, arguments: str, message: str) -> None:
    command = parse(arguments.split())
    with pytest.raises(UsageError) as caught:
        check(command, get(release))
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("-q", "unknown option -q"),
        ("--relase 1.17", "unknown option --relase; did you mean --release?"),
        ("-mno-unicod", "did you mean -mno-unicode?"),
        ("-o", "-o needs a value: -o <file>"),
        ("-X", "-X needs a value: -X <implopt>"),
        ("-X foo", "-X foo is unknown: after -X comes one of emit="),
        ("-X emit=fast", "-X emit=fast is none of bytecode, native, viper"),
        ("-X heapsize=lots", "-X heapsize=lots is no size"),
        ("-X heapsize=1x", "-X heapsize=1x is no size"),
        ("-msmall-int-bits=", "-msmall-int-bits= is not a number from 2 to 63"),
        ("-msmall-int-bits=64", "-msmall-int-bits=64 is not a number from 2 to 63"),
        ("-Ofast", "-Ofast is no optimisation level"),
        ("--dump=code", "--dump=code is no stage: it is one of tokens, tree"),
        ("--color blue", "--color=blue is none of auto, always, never"),
    ],
)
def test_what_makes_no_sense(arguments: str, message: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse(arguments.split())
    assert message in str(caught.value)


@pytest.mark.parametrize("release", list(RELEASES))
def test_help_lists_what_the_release_knows(release: str) -> None:
    text = usage(get(release))
    assert ("-mcache-lookup-bc" in text) == get(release).cache_lookup_option
    assert ("-mno-unicode" in text) == get(release).unicode_option
    assert ("no-source-lines" in text) == get(release).source_lines_option
    assert max(map(len, text.splitlines())) <= 100
    for name in get(release).march:
        assert name in text
