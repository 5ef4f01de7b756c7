"""MicroPython's cross-compiler in Python: source to .mpy, the bytes that the real mpy-cross writes.

    import mpy_cross

    code = mpy_cross.compile("print('hi')", "hi.py", release="1.29")

Machine code is better than the real one's, unless `opt="0"` asks for those bytes.
Only light modules are imported here; the compiler itself is loaded by the first `compile`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from mpy_cross.errors import CompileError

if TYPE_CHECKING:
    from mpy_cross.loader.release import DEFAULT_RELEASE, RELEASES, Release

__all__ = ["DEFAULT_RELEASE", "RELEASES", "CompileError", "Release", "__version__", "compile"]

__version__ = "0.1.0"
__date__ = "2026-11-22"
"""Day of this version, as `mpy-cross --version` shows it."""


def __getattr__(name: str) -> object:
    """The table of releases, loaded when first asked for: who only runs boards does not."""
    if name in ("DEFAULT_RELEASE", "RELEASES", "Release"):
        from mpy_cross.loader import release

        return getattr(release, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def compile(
    source: str | bytes,
    filename: str = "<stdin>",
    *,
    release: str | Release | None = None,
    opt_level: int = 0,
    small_int_bits: int = 31,
    unicode: bool = True,
    cache_lookup_bc: bool = False,
    source_lines: bool = True,
    arch: str = "",
    emit: str = "bytecode",
    strict: bool = False,
    opt: str | None = None,
    opt_only: Sequence[str] = (),
    viper_checks: bool = False,
    comments: bool | None = None,
    constants: Mapping[bytes, Mapping[bytes, int]] | None = None,
    form: str = "exec",
) -> bytes:
    """Compile MicroPython source to the contents of a .mpy file.

    `filename` is stored in the file and named in errors.  `release` is a key of `RELEASES` or one
    of its values (None: `DEFAULT_RELEASE`); neither environment nor project file is looked at.
    `opt_level` is that of `-O`: at 1 and above `assert` and `if __debug__` go, at 3 the line
    numbers.  `small_int_bits`, `unicode` and `cache_lookup_bc` describe the target and belong to
    the options `-m...`; releases that lack such an option ignore it.  `source_lines=False` leaves
    the line numbers out.  `arch` is that of `-march` and `emit` that of `-X emit`: the kind of code
    ("bytecode", "native" or "viper") of functions that no decorator says otherwise of.  With
    `strict` the inline assemblers take only what the reference's own do, and so does viper.  `opt`
    is that of `-X opt`: with "1", "2" or "s" an optimising back end makes machine code where it
    can; `opt_only` names the functions that it is for, and with `viper_checks` they have checked
    indices.  With "0" the bytes are the reference's.  None is "2" for the architectures in
    `Release.optimised`, "0" for all others.  `comments` tells whether comments behind decorators
    choose for single functions (None: unless `opt` is "0").  `constants` are modules with the
    numbers in them that become constants of the program, as `stm` is on the pyboard.
    `form` is "exec" for a file; of what is typed at a prompt, "paste" or "single" (one statement),
    the values of expressions are printed, by the function `__repl_print__`.

    Raises `CompileError` if the source is rejected, `ValueError` for an unknown release,
    architecture or kind of code.
    """
    from mpy_cross.driver import compile_source
    from mpy_cross.emitters.ssa.settings import Optimise
    from mpy_cross.loader.ops import Emit
    from mpy_cross.loader.release import DEFAULT_RELEASE, get
    from mpy_cross.options import CompileOptions, Form
    from mpy_cross.target import check_target, opt_for

    if release is None:
        release = DEFAULT_RELEASE
    if isinstance(release, str):
        release = get(release)
    if isinstance(source, str):
        source = source.encode("utf-8", "surrogatepass")
    arch = check_target(release, arch, emit)
    options = CompileOptions(
        release=release,
        opt_level=opt_level,
        small_int_bits=small_int_bits,
        unicode=unicode or not release.unicode_option,
        cache_lookup_bc=cache_lookup_bc and release.cache_lookup_option,
        source_lines=source_lines or not release.source_lines_option,
        arch=arch,
        emit=Emit[emit.upper()],
        strict=strict,
        optimise=Optimise(opt_for(release, arch, opt), tuple(opt_only), strict,
                          viper_checks=viper_checks,
                          directives=opt != "0" if comments is None else comments),
        constants=constants or {},
        form=Form[form.upper()],
    )
    return compile_source(source, filename, options)
