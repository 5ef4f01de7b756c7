"""Lowering of expressions: each leaves one object on the stack."""

from __future__ import annotations

from mpy_cross.loader.ops import BinaryOp, ConstToken, UnaryOp, Verb
from mpy_cross.lower.calls import lower_attr, lower_call_trailer, lower_index, lower_primary
from mpy_cross.lower.conditions import lower_condition
from mpy_cross.lower.context import STORE_ID_IN_PARENT, Context, Visitor
from mpy_cross.lower.definitions import declare_walrus_target, lower_comprehension, lower_lambda
from mpy_cross.lower.generators import yield_from, yield_value
from mpy_cross.scope import ScopeKind
from mpy_cross.tree import (
    Attr,
    Await,
    BinOp,
    BoolOp,
    Brace,
    Bytes,
    Call,
    Compare,
    Comprehension,
    Const,
    DictItem,
    Expr,
    IfExp,
    Index,
    Lambda,
    List,
    Name,
    NamedExpr,
    Not,
    Power,
    Primary,
    Slice,
    SmallInt,
    Star,
    Str,
    Token,
    Tuple,
    Unary,
    WalrusArg,
    Yield,
    YieldFrom,
)

ADJUST = int(Verb.ADJUST)
BINARY_OP = int(Verb.BINARY_OP)
BUILD_LIST = int(Verb.BUILD_LIST)
BUILD_MAP = int(Verb.BUILD_MAP)
BUILD_SET = int(Verb.BUILD_SET)
BUILD_SLICE = int(Verb.BUILD_SLICE)
BUILD_TUPLE = int(Verb.BUILD_TUPLE)
CALL_FUNCTION = int(Verb.CALL_FUNCTION)
CALL_METHOD = int(Verb.CALL_METHOD)
DUP_TOP = int(Verb.DUP_TOP)
GET_ITER = int(Verb.GET_ITER)
JUMP = int(Verb.JUMP)
JUMP_IF_OR_POP = int(Verb.JUMP_IF_OR_POP)
LOAD_ATTR = int(Verb.LOAD_ATTR)
LOAD_CONST_SMALL_INT = int(Verb.LOAD_CONST_SMALL_INT)
LOAD_CONST_STR = int(Verb.LOAD_CONST_STR)
LOAD_CONST_TOK = int(Verb.LOAD_CONST_TOK)
LOAD_METHOD = int(Verb.LOAD_METHOD)
LOAD_NULL = int(Verb.LOAD_NULL)
LOAD_SUBSCR = int(Verb.LOAD_SUBSCR)
POP_JUMP_IF = int(Verb.POP_JUMP_IF)
POP_TOP = int(Verb.POP_TOP)
ROT_THREE = int(Verb.ROT_THREE)
ROT_TWO = int(Verb.ROT_TWO)
STORE_MAP = int(Verb.STORE_MAP)
UNARY_OP = int(Verb.UNARY_OP)
YIELD_FROM = int(Verb.YIELD_FROM)
YIELD_VALUE = int(Verb.YIELD_VALUE)
NONE = int(ConstToken.NONE)



# ------------------------------------------------------------------------------- leaves, constants


def lower_name(c: Context, node: Name) -> None:
    c.load_id(node.id)


def lower_small_int(c: Context, node: SmallInt) -> None:
    value = node.value
    limit = 1 << (c.options.small_int_bits - 1)
    if -limit <= value < limit:
        c.ops.append((LOAD_CONST_SMALL_INT, value, 0))
    else:
        c.const(value)


def lower_str(c: Context, node: Str) -> None:
    c.ops.append((LOAD_CONST_STR, c.name(node.value), 0))


def lower_bytes(c: Context, node: Bytes) -> None:
    c.const(node.value)


def lower_token(c: Context, node: Token) -> None:
    c.ops.append((LOAD_CONST_TOK, int(node.token), 0))


def lower_const(c: Context, node: Const) -> None:
    c.const(node.value)


# --------------------------------------------------------------------------------------- operators


def lower_bool_op(c: Context, node: BoolOp) -> None:
    end = c.new_label()
    last = len(node.items) - 1
    for i, item in enumerate(node.items):
        c.visit(item)
        if i < last:
            c.ops.append((JUMP_IF_OR_POP, end, int(node.is_or)))
    c.place(end)


def lower_not(c: Context, node: Not) -> None:
    c.visit(node.operand)
    c.ops.append((UNARY_OP, int(UnaryOp.NOT), 0))


def lower_compare(c: Context, node: Compare) -> None:
    c.visit(node.first)
    last = len(node.ops) - 1
    if last == 0:
        c.visit(node.rest[0])
        c.ops.append((BINARY_OP, int(node.ops[0]), 0))
        return
    fail = c.new_label()
    for i, op in enumerate(node.ops):
        c.visit(node.rest[i])
        if i < last:
            c.ops.append((DUP_TOP, 0, 0))
            c.ops.append((ROT_THREE, 0, 0))
        c.ops.append((BINARY_OP, int(op), 0))
        if i < last:
            c.ops.append((JUMP_IF_OR_POP, fail, 0))
    end = c.new_label()
    c.ops.append((JUMP, end, 0))
    c.place(fail)
    c.ops.append((ADJUST, 1, 0))
    c.ops.append((ROT_TWO, 0, 0))
    c.ops.append((POP_TOP, 0, 0))
    c.place(end)


def lower_star(c: Context, node: Star) -> None:
    c.fail(node, "*x must be assignment target")


def lower_bin_op(c: Context, node: BinOp) -> None:
    c.visit(node.first)
    for op, operand in zip(node.ops, node.rest):  # noqa: B905 (the parser makes them equal)
        c.visit(operand)
        c.ops.append((BINARY_OP, int(op), 0))


def lower_power(c: Context, node: Power) -> None:
    c.visit_all([node.base, node.exponent])
    c.ops.append((BINARY_OP, int(BinaryOp.POWER), 0))


def lower_unary(c: Context, node: Unary) -> None:
    c.visit(node.operand)
    c.ops.append((UNARY_OP, int(node.op), 0))


def lower_if_exp(c: Context, node: IfExp) -> None:
    fail = c.new_label()
    end = c.new_label()
    lower_condition(c, node.cond, False, fail)
    c.visit(node.body)
    c.ops.append((JUMP, end, 0))
    c.place(fail)
    c.ops.append((ADJUST, -1, 0))
    c.visit(node.orelse)
    c.place(end)


def lower_named_expr(c: Context, node: NamedExpr | WalrusArg) -> None:
    target = node.target
    if not isinstance(target, Name):
        c.fail(target, "can't assign to expression")
        c.visit(node.value)
        return
    c.visit(node.value)
    c.ops.append((DUP_TOP, 0, 0))
    if not c.scope.is_comprehension:
        c.store_id(target.id)
    elif c.release.walrus_scope_pep572:
        declare_walrus_target(c, target)
        c.store_id(target.id)
    else:
        parent = c.scope.parent
        if parent is not None:
            parent.bind(target.id, c.release)
        c.emit(STORE_ID_IN_PARENT, c.name(target.id))


# ----------------------------------------------------------------------------- displays, subscripts


def lower_tuple(c: Context, node: Tuple) -> None:
    for item in node.items:
        c.visit(item)
    c.ops.append((BUILD_TUPLE, len(node.items), 0))


def lower_list(c: Context, node: List) -> None:
    items = node.items
    if len(items) < 2:
        plain = len(items)
    elif c.release.list_items_place_errors:
        plain = 0
    else:
        plain = 1 if len(items) > 2 else 2
    for item in items[:plain]:
        c.visit(item)
    if plain < len(items):
        c.visit_all(items[plain:])
    c.ops.append((BUILD_LIST, len(items), 0))


def lower_brace(c: Context, node: Brace) -> None:
    lower_brace_items(c, node, True)


def lower_brace_items(c: Context, node: Brace, create_map: bool) -> None:
    """A dict or set display; with `create_map` false the dict to fill is on the stack already."""
    items = node.items
    is_dict = not items or isinstance(items[0], DictItem)
    if is_dict and create_map:
        c.ops.append((BUILD_MAP, len(items), 0))
    for item in items:
        c.visit(item)
        if isinstance(item, DictItem):
            if not is_dict:
                c.fail_at(node.maker_line, "expecting just a value for set")
                return
            c.ops.append((STORE_MAP, 0, 0))
        elif is_dict:
            c.fail_at(node.maker_line, "expecting key:value for dict")
            return
    if not is_dict:
        c.ops.append((BUILD_SET, len(items), 0))


def lower_dict_item(c: Context, node: DictItem) -> None:
    c.visit(node.value)
    c.visit(node.key)


def lower_slice(c: Context, node: Slice) -> None:
    _part(c, node.start)
    _part(c, node.stop)
    if node.step is None:
        c.ops.append((BUILD_SLICE, 2, 0))
    else:
        c.visit(node.step)
        c.ops.append((BUILD_SLICE, 3, 0))


def _part(c: Context, node: Expr | None) -> None:
    if node is None:
        c.ops.append((LOAD_CONST_TOK, NONE, 0))
    else:
        c.visit(node)


# ------------------------------------------------------------------------ generators, awaiting


def lower_yield(c: Context, node: Yield) -> None:
    _check_generator_scope(c, node, "'yield' outside function")
    if node.value is None:
        c.emit(LOAD_CONST_TOK, NONE)
    else:
        c.visit(node.value)
    yield_value(c)


def lower_yield_from(c: Context, node: YieldFrom) -> None:
    _check_generator_scope(c, node, "'yield' outside function")
    c.visit(node.value)
    yield_from(c)


def lower_await(c: Context, node: Await) -> None:
    _check_generator_scope(c, node, "'await' outside function")
    lower_primary(c, node)
    yield_from(c)


def _check_generator_scope(c: Context, node: Yield | YieldFrom | Await, message: str) -> None:
    if c.scope.kind not in (ScopeKind.FUNCTION, ScopeKind.LAMBDA):
        c.fail(node, message)


EXPRESSIONS: dict[type, Visitor] = {
    Attr: lower_attr,
    Await: lower_await,
    BinOp: lower_bin_op,
    BoolOp: lower_bool_op,
    Brace: lower_brace,
    Bytes: lower_bytes,
    Call: lower_call_trailer,
    Compare: lower_compare,
    Comprehension: lower_comprehension,
    Const: lower_const,
    DictItem: lower_dict_item,
    IfExp: lower_if_exp,
    Index: lower_index,
    Lambda: lower_lambda,
    List: lower_list,
    Name: lower_name,
    NamedExpr: lower_named_expr,
    Not: lower_not,
    Power: lower_power,
    Primary: lower_primary,
    Slice: lower_slice,
    SmallInt: lower_small_int,
    Star: lower_star,
    Str: lower_str,
    Token: lower_token,
    Tuple: lower_tuple,
    Unary: lower_unary,
    WalrusArg: lower_named_expr,
    Yield: lower_yield,
    YieldFrom: lower_yield_from,
}
