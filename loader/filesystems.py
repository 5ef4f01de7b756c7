"""What releases do differently with filesystems and block devices."""

# Annotations are no texts here, for the reason given in release_record.
from typing import NamedTuple


class FilesystemFacts(NamedTuple):
    """How a release treats filesystems.  Each field names the release that changed it."""

    littlefs_disk: int = 0x20000
    """Version of the format of a new littlefs 2; 1.22: 2.1."""
    littlefs_create_errno: bool = True
    """Any error while a littlefs 2 makes the entry of a file is ENAMETOOLONG; until 1.18."""
    card_without_table: bool = False
    """1.19: the pyboard mounts a card that has no partitions, too."""
    rp2_flash_parts: bool = False
    """1.20: `rp2.Flash` takes start and len."""
    import_asks_buffer: bool = False
    """1.22: `import` asks a file for the size of its reads (request 11)."""
    vfs_module: bool = False
    """1.23: there is a module `vfs`, with what `os` has of it."""
    checked_blocks: bool = False
    """1.24: `readblocks` and `writeblocks` may return an error on FAT, True or False (1.25)."""
    label_at_mkfs: bool = False
    """1.24: `VfsFat.mkfs` names the volume where the board has a name for it."""
    mount_lists: bool = False
    """1.25: `mount()` without arguments lists what is mounted."""
    littlefs_lax_paths: bool = True
    """Paths of littlefs 2 may lead above the root, and slashes at their ends mean nothing; a folder
    that would take a file's name is EISDIR, not ENOTDIR; until 1.25."""
    chdir_errno: int = -2
    """Of a littlefs without such a folder; 1.26: positive."""


FILESYSTEMS_1_12 = FilesystemFacts()
FILESYSTEMS_1_19 = FILESYSTEMS_1_12._replace(littlefs_create_errno=False, card_without_table=True)
FILESYSTEMS_1_20 = FILESYSTEMS_1_19._replace(rp2_flash_parts=True)
FILESYSTEMS_1_22 = FILESYSTEMS_1_20._replace(littlefs_disk=0x20001, import_asks_buffer=True)
FILESYSTEMS_1_23 = FILESYSTEMS_1_22._replace(vfs_module=True)
FILESYSTEMS_1_24 = FILESYSTEMS_1_23._replace(checked_blocks=True, label_at_mkfs=True)
FILESYSTEMS_1_25 = FILESYSTEMS_1_24._replace(mount_lists=True)
FILESYSTEMS_1_26 = FILESYSTEMS_1_25._replace(littlefs_lax_paths=False, chdir_errno=2)
