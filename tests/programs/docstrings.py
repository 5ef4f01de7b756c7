"""Module docstring."""


def f():
    """Function docstring."""
    return "f"


def g():
    "only a docstring"


class C:
    """Class docstring."""

    def m(self):
        """Method docstring."""


...
"a string statement"
1 + 1
None
print(f(), g(), C().m())
