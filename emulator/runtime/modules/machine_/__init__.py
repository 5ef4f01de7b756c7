"""The classes of modules `machine` and `pyb`: they drive the chip by its registers."""
