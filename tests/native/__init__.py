"""Machine code: the native emitters and their machines."""
