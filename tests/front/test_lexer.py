"""Tokens and their lines."""

# ruff: noqa: E501 - a row is a line

from __future__ import annotations

import pytest

from mpy_cross.lexer import Lexer
from mpy_cross.loader.release import RELEASES, get
from mpy_cross.options import CompileOptions
from tests.front.forms import options, tokens

# fmt: off
# The tokens from this release on, until the next row of the same source.
TOKENS = (
    (b'a\n\n# c\nb', '1.12', '1:NAME=a 4:NEWLINE 4:NAME=b 5:NEWLINE'),
    (b'a\n\n# c\nb', '1.22', '1:NAME=a 1:NEWLINE 4:NAME=b 4:NEWLINE'),
    (b'if a:\n  b\n\n  # c\nd', '1.12', '1:if 1:NAME=a 1:: 2:NEWLINE 2:INDENT 2:NAME=b 5:NEWLINE 5:DEDENT 5:NAME=d 6:NEWLINE'),
    (b'if a:\n  b\n\n  # c\nd', '1.22', '1:if 1:NAME=a 1:: 1:NEWLINE 2:INDENT 2:NAME=b 2:NEWLINE 5:DEDENT 5:NAME=d 5:NEWLINE'),
    (b'if a:\n\tb\n        c', '1.12', '1:if 1:NAME=a 1:: 2:NEWLINE 2:INDENT 2:NAME=b 3:NEWLINE 3:NAME=c 4:NEWLINE 4:DEDENT'),
    (b'if a:\n\tb\n        c', '1.22', '1:if 1:NAME=a 1:: 1:NEWLINE 2:INDENT 2:NAME=b 2:NEWLINE 3:NAME=c 3:NEWLINE 4:DEDENT'),
    (b'a = (b,\n# x\nc)\nd', '1.12', '1:NAME=a 1:= 1:( 1:NAME=b 1:, 3:NAME=c 3:) 4:NEWLINE 4:NAME=d 5:NEWLINE'),
    (b'a = (b,\n# x\nc)\nd', '1.22', '1:NAME=a 1:= 1:( 1:NAME=b 1:, 3:NAME=c 3:) 3:NEWLINE 4:NAME=d 4:NEWLINE'),
    (b'a\\\n  b', '1.12', '1:NAME=a 2:NAME=b 3:NEWLINE'),
    (b'a\\\n  b', '1.22', '1:NAME=a 2:NAME=b 2:NEWLINE'),
    (b'a\rb\r\nc', '1.12', '1:NAME=a 2:NEWLINE 2:NAME=b 3:NEWLINE 3:NAME=c 4:NEWLINE'),
    (b'a\rb\r\nc', '1.22', '1:NAME=a 1:NEWLINE 2:NAME=b 2:NEWLINE 3:NAME=c 3:NEWLINE'),
    (b'\'a\' \'b\'\\\n"c"\nd', '1.12', '1:STRING=abc 3:NEWLINE 3:NAME=d 4:NEWLINE'),
    (b'\'a\' \'b\'\\\n"c"\nd', '1.22', '1:STRING=abc 2:NEWLINE 3:NAME=d 3:NEWLINE'),
    (b"('a'\n'b')", '1.12', '1:( 1:STRING=ab 2:) 3:NEWLINE'),
    (b"('a'\n'b')", '1.22', '1:( 1:STRING=ab 2:) 2:NEWLINE'),
    (b"b'\\xff' rb'\\xff'", '1.12', '1:BYTES=ÿ\\xff 2:NEWLINE'),
    (b"b'\\xff' rb'\\xff'", '1.22', '1:BYTES=ÿ\\xff 1:NEWLINE'),
    (b"'\\x41\\u20ac\\101\\q\\\n'", '1.12', '1:STRING=Aâ\x82¬A\\q 3:NEWLINE'),
    (b"'\\x41\\u20ac\\101\\q\\\n'", '1.22', '1:STRING=Aâ\x82¬A\\q 2:NEWLINE'),
    (b"r'\\'\xc3\xa9'", '1.12', "1:STRING=\\'Ã© 2:NEWLINE"),
    (b"r'\\'\xc3\xa9'", '1.22', "1:STRING=\\'Ã© 1:NEWLINE"),
    (b'a\x0cb', '1.12', '1:NAME=a 1:NAME=b 2:NEWLINE'),
    (b'a\x0cb', '1.22', '1:NAME=a 1:NAME=b 1:NEWLINE'),
    (b'...a.b .5 5. 1_0 0x_f 1E5 1J 1else', '1.12', '1:... 1:NAME=a 1:. 1:NAME=b 1:FLOAT=.5 1:FLOAT=5. 1:INTEGER=10 1:INTEGER=0xf 1:FLOAT=1e5 1:FLOAT=1J 1:FLOAT=1else 2:NEWLINE'),
    (b'...a.b .5 5. 1_0 0x_f 1E5 1J 1else', '1.22', '1:... 1:NAME=a 1:. 1:NAME=b 1:FLOAT=.5 1:FLOAT=5. 1:INTEGER=10 1:INTEGER=0xf 1:FLOAT=1e5 1:FLOAT=1J 1:FLOAT=1else 1:NEWLINE'),
    (b'a<<=b**=c//d!=e->f', '1.12', '1:NAME=a 1:<<= 1:NAME=b 1:**= 1:NAME=c 1:// 1:NAME=d 1:!= 1:NAME=e 1:-> 1:NAME=f 2:NEWLINE'),
    (b'a<<=b**=c//d!=e->f', '1.22', '1:NAME=a 1:<<= 1:NAME=b 1:**= 1:NAME=c 1:// 1:NAME=d 1:!= 1:NAME=e 1:-> 1:NAME=f 1:NEWLINE'),
    (b'a:=b', '1.12', '1:NAME=a 1:: 1:= 1:NAME=b 2:NEWLINE'),
    (b'a:=b', '1.17', '1:NAME=a 1::= 1:NAME=b 2:NEWLINE'),
    (b'a:=b', '1.22', '1:NAME=a 1::= 1:NAME=b 1:NEWLINE'),
    (b"ur''", '1.12', '1:NAME=ur 1:STRING 2:NEWLINE'),
    (b"ur''", '1.22', '1:NAME=ur 1:STRING 1:NEWLINE'),
    (b"f'{a}'", '1.12', '1:NAME=f 1:STRING={a} 2:NEWLINE'),
    (b"f'{a}'", '1.17', '1:STRING={} 1:. 1:NAME=format 1:( 1:NAME=a 1:, 1:) 2:NEWLINE'),
    (b"f'{a}'", '1.20', '1:STRING={} 1:. 1:NAME=format 1:( 1:( 1:NAME=a 1:) 1:, 1:) 2:NEWLINE'),
    (b"f'{a}'", '1.22', '1:STRING={} 1:. 1:NAME=format 1:( 1:( 1:NAME=a 1:) 1:, 1:) 1:NEWLINE'),
    (b"f'a{b:>{c}}' 'd'", '1.12', '1:NAME=f 1:STRING=a{b:>{c}}d 2:NEWLINE'),
    (b"f'a{b:>{c}}' 'd'", '1.17', '1:STRING=a{:>{}}d 1:. 1:NAME=format 1:( 1:NAME=b 1:, 1:NAME=c 1:, 1:) 2:NEWLINE'),
    (b"f'a{b:>{c}}' 'd'", '1.20', '1:STRING=a{:>{}}d 1:. 1:NAME=format 1:( 1:( 1:NAME=b 1:) 1:, 1:( 1:NAME=c 1:) 1:, 1:) 2:NEWLINE'),
    (b"f'a{b:>{c}}' 'd'", '1.22', '1:STRING=a{:>{}}d 1:. 1:NAME=format 1:( 1:( 1:NAME=b 1:) 1:, 1:( 1:NAME=c 1:) 1:, 1:) 1:NEWLINE'),
    (b"f'{a!r}'", '1.12', '1:NAME=f 1:STRING={a!r} 2:NEWLINE'),
    (b"f'{a!r}'", '1.17', '1:STRING={} 1:. 1:NAME=format 1:( 1:NAME=a 1:INVALID=!'),
    (b"f'{a!r}'", '1.20', '1:STRING={} 1:. 1:NAME=format 1:( 1:( 1:NAME=a 1:INVALID=!'),
    (b"f'{a!r}'", '1.22', '1:STRING={!r} 1:. 1:NAME=format 1:( 1:( 1:NAME=a 1:) 1:, 1:) 1:NEWLINE'),
    (b"f'{a=}'", '1.12', '1:NAME=f 1:STRING={a=} 2:NEWLINE'),
    (b"f'{a=}'", '1.17', '1:STRING=a={} 1:. 1:NAME=format 1:( 1:NAME=a 1:, 1:) 2:NEWLINE'),
    (b"f'{a=}'", '1.20', '1:STRING=a={} 1:. 1:NAME=format 1:( 1:( 1:NAME=a 1:) 1:, 1:) 2:NEWLINE'),
    (b"f'{a=}'", '1.22', '1:STRING=a={} 1:. 1:NAME=format 1:( 1:( 1:NAME=a 1:) 1:, 1:) 1:NEWLINE'),
    (b'f\'{a["b:c"]}\'', '1.12', '1:NAME=f 1:STRING={a["b:c"]} 2:NEWLINE'),
    (b'f\'{a["b:c"]}\'', '1.17', '1:STRING={:c"]} 1:. 1:NAME=format 1:( 1:NAME=a 1:[ 1:INVALID'),
    (b'f\'{a["b:c"]}\'', '1.20', '1:STRING={} 1:. 1:NAME=format 1:( 1:( 1:NAME=a 1:[ 1:STRING=b:c 1:] 1:) 1:, 1:) 2:NEWLINE'),
    (b'f\'{a["b:c"]}\'', '1.22', '1:STRING={} 1:. 1:NAME=format 1:( 1:( 1:NAME=a 1:[ 1:STRING=b:c 1:] 1:) 1:, 1:) 1:NEWLINE'),
    (b"f'{a}' f'{b}'", '1.12', '1:NAME=f 1:STRING={a} 1:NAME=f 1:STRING={b} 2:NEWLINE'),
    (b"f'{a}' f'{b}'", '1.17', '1:STRING={}{} 1:. 1:NAME=format 1:( 1:NAME=a 1:, 1:. 1:NAME=format 1:( 1:NAME=b 1:, 1:)'),
    (b"f'{a}' f'{b}'", '1.20', '1:STRING={}{} 1:. 1:NAME=format 1:( 1:( 1:NAME=a 1:) 1:, 1:. 1:NAME=format 1:( 1:( 1:NAME=b 1:) 1:, 1:)'),
    (b"f'{a}' f'{b}'", '1.24', '1:STRING={}{} 1:. 1:NAME=format 1:( 1:( 1:NAME=a 1:) 1:, 1:( 1:NAME=b 1:) 1:, 1:) 1:NEWLINE'),
    (b"f'{{'", '1.12', '1:NAME=f 1:STRING={{ 2:NEWLINE'),
    (b"f'{{'", '1.17', '1:INVALID'),
    (b"f'{{'", '1.29', '1:STRING={{ 1:. 1:NAME=format 1:( 1:) 1:NEWLINE'),
    (b"f''", '1.12', '1:NAME=f 1:STRING 2:NEWLINE'),
    (b"f''", '1.17', '1:STRING 1:. 1:NAME=format 1:( 1:) 2:NEWLINE'),
    (b"f''", '1.22', '1:STRING 1:. 1:NAME=format 1:( 1:) 1:NEWLINE'),
    (b"f'{}'", '1.12', '1:NAME=f 1:STRING={} 2:NEWLINE'),
    (b"f'{}'", '1.17', '1:STRING={} 1:. 1:NAME=format 1:( 1:, 1:) 2:NEWLINE'),
    (b"f'{}'", '1.20', '1:STRING={} 1:. 1:NAME=format 1:( 1:( 1:) 1:, 1:) 2:NEWLINE'),
    (b"f'{}'", '1.22', '1:STRING={} 1:. 1:NAME=format 1:( 1:( 1:) 1:, 1:) 1:NEWLINE'),
    (b"f'{}'", '1.29', '1:MALFORMED_FSTRING'),
    (b"rf'\\d{a}'", '1.12', '1:NAME=rf 1:STRING=\\d{a} 2:NEWLINE'),
    (b"rf'\\d{a}'", '1.17', '1:RAW_FSTRING'),
    (b"rf'\\d{a}'", '1.24', '1:STRING=\\d{} 1:. 1:NAME=format 1:( 1:( 1:NAME=a 1:) 1:, 1:) 1:NEWLINE'),
    (b'f\'{f("x")}\'\nb', '1.12', '1:NAME=f 1:STRING={f("x")} 2:NEWLINE 2:NAME=b 3:NEWLINE'),
    (b'f\'{f("x")}\'\nb', '1.17', '1:STRING={} 1:. 1:NAME=format 1:( 1:NAME=f 1:( 1:STRING=x 1:) 1:, 1:) 2:NEWLINE 2:NAME=b 3:NEWLINE'),
    (b'f\'{f("x")}\'\nb', '1.20', '1:STRING={} 1:. 1:NAME=format 1:( 1:( 1:NAME=f 1:( 1:STRING=x 1:) 1:) 1:, 1:) 2:NEWLINE 2:NAME=b 3:NEWLINE'),
    (b'f\'{f("x")}\'\nb', '1.22', '1:STRING={} 1:. 1:NAME=format 1:( 1:( 1:NAME=f 1:( 1:STRING=x 1:) 1:) 1:, 1:) 1:NEWLINE 2:NAME=b 2:NEWLINE'),
    (b"f'''{\na}'''\nb", '1.12', '1:NAME=f 1:STRING={\na} 3:NEWLINE 3:NAME=b 4:NEWLINE'),
    (b"f'''{\na}'''\nb", '1.17', '1:STRING={} 2:. 2:NAME=format 2:( 3:NAME=a 3:, 3:) 4:NEWLINE 4:NAME=b 5:NEWLINE'),
    (b"f'''{\na}'''\nb", '1.20', '1:STRING={} 2:. 2:NAME=format 2:( 2:( 3:NAME=a 3:) 3:, 3:) 4:NEWLINE 4:NAME=b 5:NEWLINE'),
    (b"f'''{\na}'''\nb", '1.22', '1:STRING={} 2:. 2:NAME=format 2:( 2:( 3:NAME=a 3:) 3:, 3:) 3:NEWLINE 4:NAME=b 4:NEWLINE'),
    (b"t'a{b!r:>5}c'", '1.12', '1:NAME=t 1:STRING=a{b!r:>5}c 2:NEWLINE'),
    (b"t'a{b!r:>5}c'", '1.22', '1:NAME=t 1:STRING=a{b!r:>5}c 1:NEWLINE'),
    (b"t'a{b!r:>5}c'", '1.29', '1:NAME=__template__ 1:( 1:( 1:STRING=a 1:, 1:STRING=c 1:, 1:) 1:, 1:( 1:NAME=b 1:) 1:, 1:STRING=b 1:, 1:STRING=r 1:, 1:STRING=>5 1:, 1:) 1:NEWLINE'),
    (b'"\x00"', '1.12', '1:STRING=\x00 2:NEWLINE'),
    (b'"\x00"', '1.22', '1:STRING=\x00 1:NEWLINE'),
    (b'"\x00"', '1.29', '1:STRING=\x01 1:NEWLINE'),
    (b'\x00', '1.12', '1:INVALID=\x00'),
    (b'\x00', '1.29', '1:INVALID=\x01'),
    (b'a', '1.12', '1:NAME=a 2:NEWLINE'),
    (b'a', '1.22', '1:NAME=a 1:NEWLINE'),
    (b'', '1.12', '2:NEWLINE'),
    (b'', '1.22', '1:NEWLINE'),
    (b'', '1.29', ''),
)
# fmt: on


@pytest.mark.spec("B02", "K54", "K55", "K147")
@pytest.mark.parametrize(("source", "release", "expected"), TOKENS)
def test_tokens(source: bytes, release: str, expected: str) -> None:
    assert tokens(source, release) == expected


@pytest.mark.spec("B02")
@pytest.mark.parametrize("release", RELEASES)
def test_every_release_reads_the_same_plain_program(release: str) -> None:
    source = b"def f(a):\n    return a + 1\n"
    kinds = [token.split(":", 1)[1] for token in tokens(source, release).split()]
    expected = "def NAME=f ( NAME=a ) : NEWLINE INDENT return NAME=a + INTEGER=1 NEWLINE DEDENT"
    assert kinds == expected.split()


def test_without_unicode_escapes_are_bytes() -> None:
    narrow = CompileOptions(release=get("1.17"), unicode=False)
    assert Lexer(b"'\\xe9'", narrow).values[0] == b"\xe9"
    assert Lexer(b"'\\xe9'", options()).values[0] == b"\xc3\xa9"
