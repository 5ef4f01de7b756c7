"""Module framebuf beside the real one, and what releases changed."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.emulator.running import run
from tests.emulator.unix_runs import reference
from tests.oracle import unix_port

FORMATS = ("MONO_VLSB", "MONO_HLSB", "MONO_HMSB", "GS2_HMSB", "GS4_HMSB", "GS8", "RGB565")
PLACES = st.integers(-6, 24)
SIZES = st.integers(-2, 30)
COLOURS = st.sampled_from((0, 1, 2, 3, 7, 15, 0x5A, 0xFF, 0x1234, 0xFFFF, -1))
RADII = st.integers(0, 14)
YES_NO = st.booleans()
TEXT = st.text(st.characters(min_codepoint=1, max_codepoint=0x17F), max_size=4)


def call(name: str, *arguments: st.SearchStrategy[object]) -> st.SearchStrategy[str]:
    """A call of a method with such arguments."""
    return st.tuples(*arguments).map(
        lambda given: f"p.{name}({', '.join(map(repr, given))})")


@st.composite
def other_pictures(draw: st.DrawFn) -> str:
    """A picture to draw, as a `FrameBuffer` or as a tuple."""
    width, height, format = draw(st.tuples(st.integers(1, 9), st.integers(1, 9),
                                           st.sampled_from(FORMATS)))
    data = draw(st.binary(min_size=200, max_size=200))
    tuple_ = f"{width}, {height}, framebuf.{format}"
    if draw(YES_NO):
        return f"({data!r}, {tuple_})"
    return f"framebuf.FrameBuffer(bytearray({data!r}), {tuple_})"


@st.composite
def polygons(draw: st.DrawFn) -> str:
    letter = draw(st.sampled_from("bhil"))
    corners = draw(st.lists(st.integers(-12, 22), max_size=13))
    return (f"p.poly({draw(PLACES)}, {draw(PLACES)}, array.array({letter!r}, {corners}), "
            f"{draw(COLOURS)}, {draw(YES_NO)})")


@st.composite
def blits(draw: st.DrawFn) -> str:
    palette = draw(st.sampled_from((None, "colours")))
    # A palette has to have a colour for each value.
    source = draw(other_pictures()) if palette is None else "two"
    return (f"p.blit({source}, {draw(PLACES)}, {draw(PLACES)}, "
            f"{draw(st.sampled_from((-1, 0, 1, 15)))}, {palette})")


CALLS = st.one_of(
    call("fill", COLOURS), call("pixel", PLACES, PLACES), call("pixel", PLACES, PLACES, COLOURS),
    call("hline", PLACES, PLACES, SIZES, COLOURS), call("vline", PLACES, PLACES, SIZES, COLOURS),
    call("line", PLACES, PLACES, PLACES, PLACES, COLOURS),
    call("rect", PLACES, PLACES, SIZES, SIZES, COLOURS),
    call("rect", PLACES, PLACES, SIZES, SIZES, COLOURS, YES_NO),
    call("fill_rect", PLACES, PLACES, SIZES, SIZES, COLOURS),
    call("ellipse", PLACES, PLACES, RADII, RADII, COLOURS),
    call("ellipse", PLACES, PLACES, RADII, RADII, COLOURS, YES_NO, st.integers(0, 31)),
    call("text", TEXT, PLACES, PLACES, COLOURS), call("text", TEXT, PLACES, PLACES),
    call("scroll", PLACES, PLACES), polygons(), blits(),
)


@st.composite
def programs(draw: st.DrawFn) -> str:
    width, height = draw(st.integers(1, 21)), draw(st.integers(1, 21))
    stride = width + draw(st.integers(0, 9))
    return "\n".join((
        "import array, framebuf",
        "colours = framebuf.FrameBuffer(bytearray(range(7, 39)), 16, 1, framebuf.GS8)",
        "two = framebuf.FrameBuffer(bytearray(range(60, 76)), 8, 8, framebuf.MONO_HLSB)",
        "data = bytearray(1500)",
        f"p = framebuf.FrameBuffer(data, {width}, {height}, "
        f"framebuf.{draw(st.sampled_from(FORMATS))}, {stride})",
        *(f"print({each})\nprint(bytes(data))" for each in
          draw(st.lists(CALLS, min_size=1, max_size=25))),
    ))


@pytest.mark.spec("G46", "G47")
def test_pictures(tmp_path: Path) -> None:
    """Byte for byte what the real one draws."""

    @settings(max_examples=60, deadline=None, database=None, derandomize=True,
              suppress_health_check=list(HealthCheck))
    @given(programs())
    def check(program: str) -> None:
        wanted = reference(program, tmp_path)
        assert "Traceback" not in wanted
        assert run(program, release=unix_port.RELEASE) == wanted

    check()


def test_every_character(tmp_path: Path) -> None:
    program = """
import framebuf
data = bytearray(64)
p = framebuf.FrameBuffer(data, 8, 8, framebuf.MONO_VLSB)
for code in range(1, 256):
    p.fill(0)
    p.text(bytes([code]) if code > 127 else chr(code), 0, 0)
    print(code, bytes(data[:8]))
"""
    assert run(program, release=unix_port.RELEASE) == reference(program, tmp_path)


ERRORS = """
import framebuf
def attempt(function, *args):
    try:
        print(function(*args))
    except Exception as error:
        print(type(error), error)
new = framebuf.FrameBuffer
p = new(bytearray(8), 8, 8, framebuf.MVLSB)
for args in ((), (bytearray(9), 8, 8), (b'12345678', 8, 8, 0), (bytearray(9), 8, 8, 7),
             (bytearray(9), 0, 8, 0), (bytearray(9), 8, -1, 0), (bytearray(7), 8, 8, 0),
             (bytearray(9), 8, 8, 0, 7), (bytearray(8), 8, 9, 0), (bytearray(17), 3, 2, 5, 70),
             (bytearray(18), 3, 2, 5, 70), (bytearray(19), 3, 2, 5, 70), ('ab', 1, 1, 0),
             (3, 1, 1, 0), (bytearray(9), 'x', 1, 0)):
    attempt(lambda: print(len(bytes(new(*args)))))
for name, args in (('fill', ()), ('fill', ('a',)), ('fill', (1.5,)), ('pixel', (1,)),
                   ('pixel', (-1, 1)), ('pixel', (1, 2, 3, 4)), ('line', (1, 2, 3, 4)),
                   ('text', (1, 2, 3)), ('text', (b'a', 0, 0)), ('text', ('a',)),
                   ('blit', (3, 0, 0)), ('blit', (None, 0, 0)), ('blit', ((1, 2), 0, 0)),
                   ('blit', ((b'a', 8, 8, 0), 0, 0)), ('blit', ([b'a', 1, 8, 0], 0, 0)),
                   ('poly', (0, 0, b'', 1)), ('poly', (0, 0, 3, 1)), ('ellipse', (1, 1, 0, 0, 1)),
                   ('ellipse', (1, 1, 0, 0, 1, True, 0)), ('scroll', (99, -99)),
                   ('rect', (1, 1, 1, 1)), ('hline', (1, 1, 1, 1, 1))):
    attempt(getattr(p, name), *args)
attempt(framebuf.FrameBuffer1, bytearray(8), 8, 8)
attempt(framebuf.FrameBuffer1, bytearray(8), 8)
print(bytes(p), bytes(memoryview(p)), p == p, [name for name in dir(p) if name[0] != '_'])
"""


def test_errors(tmp_path: Path) -> None:
    assert run(ERRORS, release=unix_port.RELEASE) == reference(ERRORS, tmp_path)


def test_releases() -> None:
    """What 1.20, 1.22, 1.24 and 1.26 changed."""
    program = """
import framebuf
p = framebuf.FrameBuffer(bytearray(64), 8, 8, framebuf.MONO_HLSB)
print(hasattr(p, 'ellipse'), hasattr(p, 'poly'), len(bytes(p)))
for attempt in (lambda: p.rect(0, 0, 4, 4, 1, True), lambda: p.blit((b'abcdefgh', 8, 8, 3), 0, 0),
                lambda: framebuf.FrameBuffer(bytearray(7), 8, 8, 0),
                lambda: framebuf.FrameBuffer(bytearray(3), 8, 2, 3, 16)):
    try:
        attempt()
        print('taken')
    except Exception as error:
        print(type(error).__name__)
"""
    wanted = {
        "1.17": "False False 64 TypeError TypeError taken taken",
        "1.20": "True True 64 taken TypeError taken taken",
        "1.22": "True True 64 taken TypeError ValueError ValueError",
        "1.24": "True True 64 taken TypeError ValueError taken",
        "1.26": "True True 64 taken taken ValueError taken",
    }
    assert {each: " ".join(run(program, release=each).split()) for each in wanted} == wanted
