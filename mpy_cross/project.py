"""Which release to compile for: option, environment, project file, default - in this order."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from importlib import import_module
from typing import Any, final

from mpy_cross.loader.release import DEFAULT_RELEASE, Release, UnknownRelease, get

VARIABLE = "MPY_RELEASE"


@final
class ProjectError(Exception):
    """The release cannot be told; the text says where the fault is."""


def choose_release(
    option: str | None = None,
    environment: Mapping[str, str] | None = None,
    folder: str | os.PathLike[str] | None = None,
) -> Release:
    """The release named by `option` (`--release`), else by the environment variable MPY_RELEASE,
    else by `[tool.mpy-cross] release` in the nearest pyproject.toml at or above `folder` (None: the
    current one), else the default.  Raises ProjectError.
    """
    if option is not None:
        return _named(option, "--release")
    named = (os.environ if environment is None else environment).get(VARIABLE)
    if named:
        return _named(named, f"environment variable {VARIABLE}")
    path = nearest_project(folder)
    if path is not None:
        in_file = _release_in(path)
        if in_file is not None:
            return _named(in_file, path)
    return get(DEFAULT_RELEASE)


def nearest_project(folder: str | os.PathLike[str] | None = None) -> str | None:
    """The pyproject.toml in `folder` (None: the current one) or the nearest one above it."""
    try:
        place = os.path.realpath(os.getcwd() if folder is None else folder)
    except OSError:  # the current folder was deleted
        return None
    while True:
        path = os.path.join(place, "pyproject.toml")
        if os.path.isfile(path):
            return path
        above = os.path.dirname(place)
        if above == place:
            return None
        place = above


def _named(name: str, source: str) -> Release:
    try:
        return get(name)
    except UnknownRelease as error:
        raise ProjectError(f"{source}: {error}") from None


def _release_in(path: str) -> str | None:
    """The release that a project file names, or None."""
    try:
        with open(path, "rb") as stream:
            data = stream.read()
    except OSError as error:
        raise ProjectError(f"{path}: cannot be read: {error.strerror}") from None
    if b"mpy-cross" not in data:  # spares most runs the TOML parser
        return None
    tomllib: Any = import_module("tomllib" if sys.version_info >= (3, 11) else "tomli")
    try:
        document = tomllib.loads(data.decode("utf-8"))
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ProjectError(f"{path}: not valid TOML: {error}") from None
    tool = document.get("tool", {})
    table = tool.get("mpy-cross", {}) if isinstance(tool, dict) else {}
    if not isinstance(table, dict):
        raise ProjectError(f"{path}: tool.mpy-cross must be a table: [tool.mpy-cross]")
    for key in table:
        if key != "release":
            raise ProjectError(f"{path}: [tool.mpy-cross] has no key {key!r}; known: release")
    release = table.get("release")
    if release is not None and not isinstance(release, str):
        raise ProjectError(
            f'{path}: [tool.mpy-cross] release must be a string: release = "{release}"'
        )
    return release
