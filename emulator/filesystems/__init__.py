"""Filesystems on block devices: FAT, littlefs 1 and 2, and images of them.

Nothing here knows the run-time or a machine: a filesystem gets a `BlockDevice` and paths.
"""
