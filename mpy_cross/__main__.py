"""`python -m mpy_cross` is `mpy-cross`."""

import sys

from mpy_cross.cli import main

sys.exit(main())
