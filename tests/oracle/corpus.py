"""The corpus: every .py file of the running interpreter's standard library."""

from __future__ import annotations

import sysconfig
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple


class Item(NamedTuple):
    """A file of the corpus and the name under which both compilers see it."""

    path: Path
    name: str


@lru_cache(maxsize=1)
def all_files() -> tuple[Item, ...]:
    """Sorted by name; site-packages, which differ from machine to machine, left out."""
    root = Path(sysconfig.get_path("stdlib"))
    items = []
    for path in root.rglob("*.py"):
        relative = path.relative_to(root)
        if "site-packages" not in relative.parts and "dist-packages" not in relative.parts:
            items.append(Item(path, relative.as_posix()))
    return tuple(sorted(items, key=lambda item: item.name))


def spread(count: int, offset: int = 0) -> tuple[Item, ...]:
    """`count` files spread evenly over the corpus, always the same; `offset` shifts them."""
    files = all_files()
    if count >= len(files):
        return files
    return tuple(files[(i * len(files) // count + offset) % len(files)] for i in range(count))


def named(paths: list[str]) -> tuple[Item, ...]:
    """Files given by the user; a folder stands for all .py files below it."""
    items = []
    for text in paths:
        path = Path(text)
        if path.is_dir():
            below = sorted(path.rglob("*.py"))
            items += [Item(file, file.relative_to(path).as_posix()) for file in below]
        else:
            items.append(Item(path, path.name))
    return tuple(items)
