"""The interactive prompt of each release: what changed in it.

Facts from shared/runtime/pyexec.c, shared/readline/readline.c and py/repl.c of the releases.
"""

# Annotations are no texts here, for the reason given in release_record.
from typing import NamedTuple, final


@final
class PromptFacts(NamedTuple):
    """How the prompt of a release behaves.  A comment at each field names the release."""

    raw_paste: bool = False
    """1.14: Ctrl-E A Ctrl-A in the raw REPL begins raw-paste mode."""
    completes_modules: bool = False
    """1.16: TAB after `import` offers modules, and names with `_` only after a `_`."""
    indents_unmatched: bool = False
    """1.16: TAB where nothing fits and no name has begun inserts four spaces; 1.19: no more."""
    emacs_keys_on_all: bool = False
    """1.18: Ctrl-B, D, F, K, N, P and U edit on RP2 as they do on STM32."""
    indents_after_space: bool = False
    """1.19: TAB after a space, or at the start of a further line, inserts four spaces; TAB or a
    space right after an automatic indent ends these for the statement."""
    completes_dict: bool = False
    """1.20: `__dict__` is an attribute of modules, so TAB knows it."""
    plain_module_names: bool = False
    """1.21: built-in modules are known as `machine`, not `umachine`."""
    boot_error_skips_main: bool = False
    """1.22: an exception in boot.py keeps RP2 from running main.py, as it does STM32."""
    exit_resets: bool = False
    """1.24: SystemExit does a soft reset; before, it ends the program like any other."""
    lists_hide_private: bool = False
    """1.26: lists of candidates leave names with `_` out unless one has begun."""
    sets_file: bool = False
    """1.27: `__file__` is set for what the raw REPL and paste mode run."""
    linefeed_enters: bool = False
    """1.28: LF ends a line as CR does; the other one of a pair is passed over."""


PROMPT_1_12 = PromptFacts()
PROMPT_1_14 = PROMPT_1_12._replace(raw_paste=True)
PROMPT_1_16 = PROMPT_1_14._replace(completes_modules=True, indents_unmatched=True)
PROMPT_1_18 = PROMPT_1_16._replace(emacs_keys_on_all=True)
PROMPT_1_19 = PROMPT_1_18._replace(indents_after_space=True, indents_unmatched=False)
PROMPT_1_20 = PROMPT_1_19._replace(completes_dict=True)
PROMPT_1_21 = PROMPT_1_20._replace(plain_module_names=True)
PROMPT_1_22 = PROMPT_1_21._replace(boot_error_skips_main=True)
PROMPT_1_24 = PROMPT_1_22._replace(exit_resets=True)
PROMPT_1_26 = PROMPT_1_24._replace(lists_hide_private=True)
PROMPT_1_27 = PROMPT_1_26._replace(sets_file=True)
PROMPT_1_28 = PROMPT_1_27._replace(linefeed_enters=True)
