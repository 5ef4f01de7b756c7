"""Files of the host: what goes into an image, and images themselves."""

from __future__ import annotations

import os
from pathlib import Path


def host_files(folder: Path) -> list[tuple[str, Path]]:
    """The files of a folder of the host, by their path in it; hidden ones and links stay out."""
    out: list[tuple[str, Path]] = []
    for place, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(files):
            path = Path(place, name)
            if not name.startswith(".") and path.is_file() and not path.is_symlink():
                out.append(("/" + path.relative_to(folder).as_posix(), path))
    return out


def replace_file(path: Path, data: bytes) -> None:
    """Write a file under another name, and rename it: it is there as a whole.  Raises OSError."""
    import tempfile

    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.resolve().parent)
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(data)
        os.chmod(name, path.stat().st_mode & 0o777 if path.exists() else 0o644)
        os.replace(name, path.resolve())
    except BaseException:
        os.unlink(name)
        raise
