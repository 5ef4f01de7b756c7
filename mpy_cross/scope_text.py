"""The text form of scopes, for `--dump=scope` and for tests."""

from __future__ import annotations

from mpy_cross.loader.ops import ScopeFlag
from mpy_cross.ops_text import text
from mpy_cross.scope import DOUBLE_STAR_PARAM, PARAM, STAR_PARAM, Id, IdKind, Scope


def scopes_text(scopes: list[Scope]) -> str:
    """Each scope with its names: where each lives, and its local number."""
    return "\n".join("\n".join(_scope_lines(scope)) for scope in scopes) + "\n"


def _scope_lines(scope: Scope) -> list[str]:
    flags = [flag.name.lower() for flag in ScopeFlag if scope.flags & flag & 0x0F and flag.name]
    head = f"{scope.kind.name.lower()} {text(scope.name)}"
    if scope.parent is not None:
        head += f" in {text(scope.parent.name)}"
    if flags:
        head += f" ({', '.join(flags)})"
    return [head, *(f"  {_id_text(ident)}" for ident in scope.ids.values())]


def _id_text(ident: Id) -> str:
    kind = IdKind(ident.kind)
    words = [text(ident.name), kind.name.lower().replace("_", " ")]
    if kind >= IdKind.LOCAL:
        words.append(str(ident.local_num))
    if ident.flags & STAR_PARAM:
        words.append("parameter *")
    elif ident.flags & DOUBLE_STAR_PARAM:
        words.append("parameter **")
    elif ident.flags & PARAM:
        words.append("parameter")
    return " ".join(words)
