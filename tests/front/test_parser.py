"""The tree of each construct, and the trees that changed between releases.

The expectations were written down when the compiled bytes, with their line tables, were those of the
reference compilers at every release they could be run for.
"""

# ruff: noqa: E501 - a row is a line

from __future__ import annotations

import pytest

from mpy_cross.parser import parse
from tests.front.forms import error, options, short, tree

# fmt: off
TREES = (
    (b'', 'Newline'),
    (b'\n', 'Newline'),
    (b'pass\n', '(Pass@1)'),
    (b'\n\npass', '(Block@3 [Newline (Pass@3)])'),
    (b'a;b', '(Block@1 [(ExprStmt@1 a) (ExprStmt@1 b)])'),
    (b'a;', '(Block@1 [(ExprStmt@1 a)])'),
    (b'"doc"', '(Pass@1)'),
    (b'1', '(Pass@1)'),
    (b'x', '(ExprStmt@1 x)'),
    (b'x.y', '(ExprStmt@1 (Primary@1 x [(Attr@1 y)]))'),
    (b'()', '(ExprStmt@1 (Tuple@1 [] PAREN))'),
    (b'x = a + b * 2 - c', '(Assign@1 [x] (BinOp@1 a [ADD SUBTRACT] [(BinOp@1 b [MULTIPLY] [2]) c]))'),
    (b'x = a - (b + c) << d', '(Assign@1 [x] (BinOp@1 (BinOp@1 a [SUBTRACT] [(BinOp@1 b [ADD] [c])]) [LSHIFT] [d]))'),
    (b'x = (a)', '(Assign@1 [x] a)'),
    (b'x = not a or b and not c', '(Assign@1 [x] (BoolOp@1 True [(Not@1 a) (BoolOp@1 False [b (Not@1 c)])]))'),
    (b'a < b is not c not in d', '(ExprStmt@1 (Compare@1 a [LESS IS_NOT NOT_IN] [b c d]))'),
    (b'x = -a ** -b', '(Assign@1 [x] (Unary@1 NEGATIVE (Power@1 a (Unary@1 NEGATIVE b))))'),
    (b'x = a.b(c, *d, k=e, **f)[g]', '(Assign@1 [x] (Primary@1 a [(Attr@1 b) (Call@1 [c (StarArg@1 d) (KeywordArg@1 k e) (DoubleStarArg@1 f)]) (Index@1 g)]))'),
    (b'f(x for x in y)', '(ExprStmt@1 (Primary@1 f [(Call@1 [(Comprehension@0 GENERATOR x (CompFor@1 x y -) 1)])]))'),
    (b'f((x for x in y), 1)', '(ExprStmt@1 (Primary@1 f [(Call@1 [(Comprehension@1 GENERATOR x (CompFor@1 x y -) 1) 1])]))'),
    (b'f(a := b)', '(ExprStmt@1 (Primary@1 f [(Call@1 [(WalrusArg@1 a b)])]))'),
    (b'x = a if b else c if d else e', '(Assign@1 [x] (IfExp@1 a b (IfExp@1 c d e)))'),
    (b'x = lambda a, b=1, *c, **d: a', '(Assign@1 [x] (Lambda@1 [(Param@0 PLAIN a - -) (Param@1 PLAIN b - 1) (Param@1 STAR c - -) (Param@1 DOUBLE_STAR d - -)] a))'),
    (b'x = lambda *, k: k', "(Assign@1 [x] (Lambda@1 [(Param@1 STAR '' - -) (Param@0 PLAIN k - -)] k))"),
    (b'x = [a, *b]', '(Assign@1 [x] (List@1 [a (Star@1 b)]))'),
    (b'x = [a for a in b if c for d in e]', '(Assign@1 [x] (Comprehension@1 LIST a (CompFor@1 a b (CompIf@1 c (CompFor@1 d e -))) 1))'),
    (b'x = {a: b, c: d}', '(Assign@1 [x] (Brace@1 [(DictItem@1 a b) (DictItem@1 c d)] 1))'),
    (b'x = {a, b}', '(Assign@1 [x] (Brace@1 [a b] 1))'),
    (b'x = {a: b for a in c}', '(Assign@1 [x] (Comprehension@1 DICT (DictItem@1 a b) (CompFor@1 a c -) 1))'),
    (b'x = {a for a in b}', '(Assign@1 [x] (Comprehension@1 SET a (CompFor@1 a b -) 1))'),
    (b'x = a[b:c:d, ..., e]', '(Assign@1 [x] (Primary@1 a [(Index@1 (Tuple@1 [(Slice@1 b c d) ELLIPSIS e] SUBSCRIPT))]))'),
    (b'x = a[::]', '(Assign@1 [x] (Primary@1 a [(Index@1 (Slice@1 - - -))]))'),
    (b'a, *b = c = d', '(Assign@1 [(Tuple@1 [a (Star@1 b)] STATEMENT) c] d)'),
    (b'a += b, c', '(AugAssign@1 a INPLACE_ADD (Tuple@1 [b c] STATEMENT))'),
    (b'a: b = c', '(AnnAssign@1 a b c)'),
    (b'a: b', '(AnnAssign@1 a b -)'),
    (b'yield', '(ExprStmt@1 (Yield@1 -))'),
    (b'x = yield a', '(Assign@1 [x] (Yield@1 a))'),
    (b'yield from a', '(ExprStmt@1 (YieldFrom@1 a))'),
    (b'await a.b()', '(ExprStmt@1 (Await@1 a [(Attr@1 b) (Call@1 [])]))'),
    (b'if a: b\nelif c: d\nelse: e', '(If@1 [[a (ExprStmt@1 b)] [c (ExprStmt@2 d)]] (ExprStmt@3 e))'),
    (b'while (a := b):\n  c\n  d\nelse:\n  e', '(While@1 (NamedExpr@1 a b) (Block@2 [(ExprStmt@2 c) (ExprStmt@3 d)]) (ExprStmt@5 e))'),
    (b'for a, b in c, d: e', '(For@1 (Tuple@1 [a b] TARGETS) (Tuple@1 [c d] TESTLIST) (ExprStmt@1 e) -)'),
    (b'try:\n  a\nexcept b as c:\n  d\nexcept:\n  e\nelse:\n  f\nfinally:\n  g', '(Try@1 (ExprStmt@2 a) [(ExceptHandler@3 b c (ExprStmt@4 d)) (ExceptHandler@5 - - (ExprStmt@6 e))] (ExprStmt@8 f) (ExprStmt@10 g))'),
    (b'with a as b.c, d: e', '(With@1 [[a (Primary@1 b [(Attr@1 c)])] [d -]] (ExprStmt@1 e))'),
    (b'def f(a, b: c = d, *e, g=h, **i) -> j:\n  return k, l', '(FuncDef@1 f [(Param@0 PLAIN a - -) (Param@1 PLAIN b c d) (Param@1 STAR e - -) (Param@1 PLAIN g - h) (Param@1 DOUBLE_STAR i - -)] j (Return@2 (Tuple@2 [k l] TESTLIST)))'),
    (b'class A(B, m=C): pass', '(ClassDef@1 A [B (KeywordArg@1 m C)] (Pass@1))'),
    (b'class A: pass', '(ClassDef@1 A [] (Pass@1))'),
    (b'@a.b\n@c(d)\ndef f(): pass', '(Decorated@1 [(Decorator@1 [a b] - 0) (Decorator@2 [c] [d] 2)] (FuncDef@3 f [] - (Pass@3)))'),
    (b'@a\nasync def f():\n  async for b in c: d\n  async with e: g', '(Decorated@1 [(Decorator@1 [a] - 0)] (Async@2 (FuncDef@2 f [] - (Block@3 [(Async@3 (For@3 b c (ExprStmt@3 d) -)) (Async@4 (With@4 [[e -]] (ExprStmt@4 g)))]))))'),
    (b'import a.b as c, d', '(Import@1 [(ImportAlias [a b] c) (ImportAlias [d] -)])'),
    (b'from ..a.b import (c as d, e,)', '(ImportFrom@1 2 [a b] [(ImportAlias [c] d) (ImportAlias [e] -)])'),
    (b'from ... import *', '(ImportFrom@1 3 [] -)'),
    (b'global a, b', '(Global@1 [a b])'),
    (b'nonlocal a', '(Nonlocal@1 [a])'),
    (b'del a, b[c]', '(Del@1 (Tuple@1 [a (Primary@1 b [(Index@1 c)])] TARGETS))'),
    (b'assert a, b', '(Assert@1 a b)'),
    (b'raise a from b', '(Raise@1 a b)'),
    (b'raise', '(Raise@1 - -)'),
    (b'a @= b @ c', '(AugAssign@1 a INPLACE_MAT_MULTIPLY (BinOp@1 b [MAT_MULTIPLY] [c]))'),
    (b'x = (\n  a\n  + b,\n  c)', '(Assign@1 [x] (Tuple@1 [(BinOp@2 a [ADD] [b]) c] PAREN))'),
    (b'x = """a\nb"""; y', "(Block@1 [(Assign@1 [x] 'a\\nb') (ExprStmt@2 y)])"),
    (b'f(\n  a,\n  b=c\n)', '(ExprStmt@1 (Primary@1 f [(Call@1 [a (KeywordArg@3 b c)])]))'),
    (b'x = {\n  a: b,\n}', '(Assign@1 [x] (Brace@1 [(DictItem@2 a b)] 2))'),
    (b'x = (a, b)\n', '(Assign@1 [x] (Tuple@1 [a b] PAREN))'),
)

# The tree from this release on, until the next row of the same source.
BY_RELEASE = (
    (b"x = 1, 2", "1.12", "(Assign@1 [x] (Tuple@1 [1 2] STATEMENT))"),
    (b"x = 1, 2", "1.19", "(Assign@1 [x] (Const@1 [1 2]))"),
    (b'x = (1, "a", None)', "1.12", "(Assign@1 [x] (Tuple@1 [1 'a' NONE] PAREN))"),
    (b'x = (1, "a", None)', "1.19", "(Assign@1 [x] (Const@1 [1 str:'a' -]))"),
    (b"x = (\n1,\n2)", "1.12", "(Assign@1 [x] (Tuple@1 [1 2] PAREN))"),
    (b"x = (\n1,\n2)", "1.19", "(Assign@1 [x] (Const@2 [1 2]))"),
    (b"x = (\n1,\n2,\n3)", "1.12", "(Assign@1 [x] (Tuple@1 [1 2 3] PAREN))"),
    (b"x = (\n1,\n2,\n3)", "1.19", "(Assign@1 [x] (Const@3 [1 2 3]))"),
    (b"x = a[1, 2]", "1.12", "(Assign@1 [x] (Primary@1 a [(Index@1 (Tuple@1 [1 2] SUBSCRIPT))]))"),
    (b"x = a[1, 2]", "1.19", "(Assign@1 [x] (Primary@1 a [(Index@1 (Const@1 [1 2]))]))"),
    (b'x = b"a"', "1.12", "(Assign@1 [x] b'a')"),
    (b'x = b"a"', "1.19", "(Assign@1 [x] (Const@1 a))"),
    (b"x = 1 << 40", "1.12", "(Assign@1 [x] 1099511627776)"),
    (b"x = 1 << 40", "1.19", "(Assign@1 [x] (Const@0 1099511627776))"),
    (b"x = 1.5 + 2", "1.12", "(Assign@1 [x] (BinOp@1 (Const@1 1.5) [ADD] [2]))"),
    (b"x = 1.5 + 2", "1.26", "(Assign@1 [x] (Const@0 3.5))"),
    (b'x = "" or a', "1.12", "(Assign@1 [x] (BoolOp@1 True ['' a]))"),
    (b'x = "" or a', "1.20", "(Assign@1 [x] a)"),
    (b"x = 0 or a", "1.12", "(Assign@1 [x] a)"),
    (b"x = math.pi", "1.12", "(Assign@1 [x] (Primary@1 math [(Attr@1 pi)]))"),
    (b"x = math.pi", "1.26", "(Assign@1 [x] (Const@0 3.141592653589793))"),
    (b"x = (1 << 100) >> 99", "1.12", "(Assign@1 [x] (Const@0 2))"),
    (b"x = (1 << 100) >> 99", "1.24", "(Assign@1 [x] 2)"),
    (b"A: int = const(3)\nx = A", "1.12", "1 SyntaxError: invalid syntax"),
    (
        b"A: int = const(3)\nx = A",
        "1.17",
        "(Block@1 [(AnnAssign@1 A int (Primary@1 const [(Call@1 [3])])) (Assign@2 [x] A)])",
    ),
    (b"A: int = const(3)\nx = A", "1.29", "(Block@1 [(Assign@1 [A] 3) (Assign@2 [x] 3)])"),
    (b'A = const("s")\nx = A', "1.12", "1 SyntaxError: constant must be an integer"),
    (
        b'A = const("s")\nx = A',
        "1.19",
        "(Block@1 [(Assign@1 [A] 's') (Assign@2 [x] (Const@2 str:'s'))])",
    ),
    (b"x = 2 ** 3", "1.12", "(Assign@1 [x] (Power@1 2 3))"),
    (b"x = 2 ** 3", "1.17", "(Assign@1 [x] 8)"),
    (b"x = 7 / 2", "1.12", "(Assign@1 [x] (BinOp@1 7 [TRUE_DIVIDE] [2]))"),
    (b"x = 7 / 2", "1.26", "(Assign@1 [x] (Const@0 3.5))"),
)
# fmt: on


@pytest.mark.spec("B01", "B03", "B05", "K02", "K03", "K11", "K142")
@pytest.mark.parametrize(("source", "expected"), TREES)
def test_tree(source: bytes, expected: str) -> None:
    assert short(tree(source)) == expected


@pytest.mark.spec("B05", "B13")
@pytest.mark.parametrize(("source", "release", "expected"), BY_RELEASE)
def test_tree_by_release(source: bytes, release: str, expected: str) -> None:
    found = error(source, release)
    assert (short(tree(source, release)) if found == "accepted" else found) == expected


@pytest.mark.spec("B06")
def test_docstrings_become_pass() -> None:
    source = b'"""module"""\ndef f():\n    "function"\n    return 1\n'
    body = "(Block@3 [(Pass@3) (Return@4 1)])"
    assert short(tree(source)) == f"(Block@1 [(Pass@1) (FuncDef@2 f [] - {body})])"


@pytest.mark.spec("B05")
def test_redundant_parentheses_vanish() -> None:
    assert short(tree(b"x = (((a)))")) == short(tree(b"x = a"))


@pytest.mark.spec("B15")
@pytest.mark.parametrize(("opt_level", "value"), [(0, "TRUE"), (1, "FALSE"), (3, "FALSE")])
def test_debug_name_is_a_constant(opt_level: int, value: str) -> None:
    assert short(tree(b"x = __debug__", opt_level=opt_level)) == f"(Assign@1 [x] {value})"


@pytest.mark.parametrize(
    ("source", "release", "leaf"),
    [
        (b"x = 'abcdefghij'", "1.17", True),
        (b"x = 'abcdefghijk'", "1.17", False),
        (b"abcdefghijk\nx = 'abcdefghijk'", "1.17", True),
        (b"x = 'abcdefghijk'\nabcdefghijk", "1.17", False),
        (b"x = 'micropython'", "1.17", True),
        (b"x = 'templatelib'", "1.23", False),
        (b"x = 'templatelib'", "1.29", True),
    ],
)
def test_which_strings_are_qstrs(source: bytes, release: str, leaf: bool) -> None:
    assert ("str:" not in short(tree(source, release))) == leaf


def test_file_name_is_a_qstr() -> None:
    source = b"x = 'some/long/name.py', 'written/name.py'"
    found = short(parse(source, "some/long/name.py", options(), "written/name.py"))
    assert "str:" not in found
    assert "str:" in short(parse(source, "some/long/name.py", options()))
