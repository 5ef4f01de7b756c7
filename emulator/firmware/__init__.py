"""Firmware images: read from the files in which they are published, and told apart.

`load` (files.py) reads a file of any form, `identify` (identify.py) tells what firmware it is.
Nothing here knows a machine.
"""
