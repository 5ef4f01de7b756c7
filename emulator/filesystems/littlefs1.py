"""littlefs 1 (disk version 1.1), which no package for Python has: a filesystem of metadata pairs.

A folder is a chain of pairs of blocks; of the two, the one with the later revision and a good
checksum counts, and a commit writes the other one.  All pairs are on one list, which begins with
the superblock in blocks 0 and 1.  A file is a list of blocks, each with links to earlier ones.
Numbers are those of the format's specification (littlefs v1.7, SPEC.md).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import final

from mpy_cross.emulator.filesystems.device import (
    ECORRUPT,
    EEXIST,
    EINVAL,
    EISDIR,
    ENAMETOOLONG,
    ENOENT,
    ENOTDIR,
    ENOTEMPTY,
    BlockDevice,
)
from mpy_cross.emulator.filesystems.littlefs1_blocks import (
    CHECKSUM,
    FOLDER,
    HEAD,
    MAGIC,
    MORE,
    MOVING,
    NAME_MAX,
    REGULAR,
    SUPER,
    SUPERBLOCK,
    VERSION,
    Block,
    Entry,
    checksum,
    parse,
    same_pair,
)
from mpy_cross.emulator.filesystems.littlefs1_file import Littlefs1File
from mpy_cross.emulator.filesystems.littlefs1_medium import NULL, Medium, Pair
from mpy_cross.emulator.filesystems.volume import Mode, OpenFile, Settings, Space, Status


def format_littlefs1(device: BlockDevice, settings: Settings) -> None:
    """Make an empty filesystem; the device has been started."""
    medium = Medium(device, settings)
    medium.begin_format()
    made = Littlefs1.__new__(Littlefs1)
    made.root = NULL, NULL
    made._prepare(medium)
    first = made._new_block()
    root = made._new_block()
    made._commit(root)
    first.tail = root.pair
    facts = SUPER.pack(device.block_size, device.block_count, VERSION)
    first.entries.append(Entry(SUPERBLOCK, *root.pair, MAGIC, b"", facts))
    for _ in range(2):
        made._commit(first)


@final
class Littlefs1:
    """A filesystem on a device that has been started.  Raises OSError."""

    kind = "littlefs 1.1"

    def __init__(self, device: BlockDevice, settings: Settings) -> None:
        self.root: Pair = (NULL, NULL)
        self._prepare(Medium(device, settings))
        entries = self._fetch((0, 1)).entries
        if not entries or entries[0].name != MAGIC or len(entries[0].more) < SUPER.size:
            raise OSError(ECORRUPT)
        version = SUPER.unpack_from(entries[0].more)[2]
        if version >> 16 != VERSION >> 16 or version > VERSION:
            raise OSError(EINVAL)
        self.root = entries[0].pair

    def _prepare(self, medium: Medium) -> None:
        self._medium = medium
        medium.in_use = self._in_use
        self.files: list[Littlefs1File] = []
        """Those that are open."""
        self._checked = False
        """Have half-done moves been looked for?"""

    @property
    def device(self) -> BlockDevice:
        """The medium."""
        return self._medium.device

    # ------------------------------------------------------------------------- metadata pairs

    def _new_block(self) -> Block:
        pair = self._medium.allocate(), self._medium.allocate()
        # Whatever is there may be taken for a revision later, so count on from it.
        revision = int.from_bytes(self._medium.read(pair[0], 0, 4), "little")
        return Block(pair, revision + 1)

    def _fetch(self, pair: Pair) -> Block:
        """The pair as it was committed last.  Raises OSError(ECORRUPT)."""
        medium, found = self._medium, None
        for block, other in (pair, pair[::-1]):
            try:
                head = medium.read(block, 0, HEAD.size)
                revision, size, *tail = HEAD.unpack(head)
                length = size & ~MORE
                if found is not None and (revision - found.revision) & 0xFFFFFFFF >= 1 << 31:
                    continue
                if not HEAD.size + CHECKSUM <= length <= medium.device.block_size:
                    continue
                data = head + medium.read(block, HEAD.size, length - HEAD.size)
            except OSError as error:
                if error.args == (ECORRUPT,):
                    continue
                raise
            if checksum(data) != 0:
                continue
            found = Block((block, other), revision, (tail[0], tail[1]))
            found.more = bool(size & MORE)
            found.entries = parse(data[HEAD.size : -CHECKSUM])
        if found is None:
            raise OSError(ECORRUPT)
        return found

    def _commit(self, block: Block) -> None:
        """Write a pair: into its other block."""
        medium = self._medium
        block.revision = block.revision + 1 & 0xFFFFFFFF
        old = block.pair[::-1]
        block.pair = old
        entries = b"".join(entry.data for entry in block.entries)
        size = HEAD.size + len(entries) + CHECKSUM
        data = HEAD.pack(block.revision, size | (MORE if block.more else 0), *block.tail) + entries
        data += checksum(data).to_bytes(4, "little")
        while not medium.commit(block.pair[0], data):
            if same_pair(old, (0, 1)):
                raise OSError(ECORRUPT)  # the superblock cannot move
            block.pair = medium.allocate(), block.pair[1]
        if block.pair != old:
            self._moved(old, block.pair)

    def _moved(self, old: Pair, new: Pair) -> None:
        """A pair has another block, since one was bad: tell those that have links to it."""
        parent = self._parent(old)
        if parent is not None:
            folder, index = parent
            entry = folder.entries[index]
            folder.entries[index] = entry._replace(first=new[0], second=new[1])
            self._commit(folder)
            if same_pair(old, self.root):
                self.root = new
            self._repair()
            return
        before = self._before(old)
        if before is not None:
            before.tail = new
            self._commit(before)

    def _pairs(self) -> Iterator[Block]:
        """All pairs, in the order of the list."""
        pair: Pair = (0, 1)
        for _ in range(self._medium.device.block_count):
            block = self._fetch(pair)
            yield block
            pair = block.tail
            if NULL in pair:
                return
        raise OSError(ECORRUPT)  # it goes round

    def _before(self, pair: Pair) -> Block | None:
        """The pair whose tail is this one."""
        for block in self._pairs():
            if NULL not in block.tail and same_pair(block.tail, pair):
                return block
        return None

    def _parent(self, pair: Pair) -> tuple[Block, int] | None:
        """The pair with the entry of a folder, and the number of the entry."""
        for block in self._pairs():
            for index, entry in enumerate(block.entries):
                if entry.kind & 0x70 == FOLDER & 0x70 and same_pair(entry.pair, pair):
                    return block, index
        return None

    def _repair(self) -> None:
        """Finish what was interrupted: moves, and folders that are on the list only."""
        self._checked = True
        before: Block | None = None
        for block in self._pairs():
            if before is not None and not before.more:
                parent = self._parent(before.tail)
                if parent is None:
                    before.tail = block.tail
                    self._commit(before)
                    return
                own = parent[0].entries[parent[1]].pair
                if set(own) != set(before.tail):
                    before.tail = own
                    self._commit(before)
                    return
            index = 0
            while index < len(block.entries):
                entry = block.entries[index]
                if not entry.kind & MOVING:
                    index += 1
                elif self._arrived(entry):
                    self._remove_entry(block, index)
                else:
                    block.entries[index] = entry._replace(kind=entry.kind & ~MOVING)
                    self._commit(block)
            before = block

    def _arrived(self, entry: Entry) -> bool:
        """Is an entry that was moving at its new place?"""
        return any(
            not other.kind & MOVING and other.pair == entry.pair
            for block in self._pairs()
            for other in block.entries
        )

    def _in_use(self) -> Iterator[int]:
        """The numbers of all blocks that are in use."""
        if NULL in self.root:
            return
        for block in self._pairs():
            yield from block.pair
            for entry in block.entries:
                if entry.kind & 0x70 == REGULAR & 0x70:
                    yield from self._medium.chain(entry.first, entry.second)
        for file in self.files:
            yield from file.blocks()

    # ---------------------------------------------------------------------------------- paths

    def _find(self, path: str) -> tuple[Block, int, bytes]:
        """Where a path leads: a pair, the number of the entry, and the last name.

        The number is -1 where there is nothing (the name is then a new one), -2 for the root.
        Raises OSError.
        """
        names: list[bytes] = []
        for name in path.encode("utf-8", "surrogateescape").split(b"/"):
            if name == b"..":
                del names[-1:]
            elif name not in (b"", b"."):
                names.append(name)
        pair, block, index, name = self.root, None, -2, b""
        for depth, name in enumerate(names):
            if block is not None and not block.entries[index].is_folder:
                raise OSError(ENOTDIR)
            if block is not None:
                pair = block.entries[index].pair
            block, index = self._look_up(pair, name)
            if index < 0:
                if depth < len(names) - 1:
                    raise OSError(ENOENT)
                break
        if block is None:
            block = self._fetch(pair)
        if index == -1 and not path.endswith(names[-1].decode("utf-8", "surrogateescape")):
            raise OSError(ENOENT)  # "name/" or "name/." is no new name
        return block, index, name

    def _look_up(self, pair: Pair, name: bytes) -> tuple[Block, int]:
        """The pair of a folder that has a name; the last pair and -1 without."""
        for _ in range(self._medium.device.block_count):
            block = self._fetch(pair)
            for index, entry in enumerate(block.entries):
                if entry.name == name and entry.kind & ~MOVING in (REGULAR, FOLDER):
                    if entry.kind & MOVING and self._arrived(entry):
                        return block, -1
                    return block, index
            if not block.more:
                return block, -1
            pair = block.tail
        raise OSError(ECORRUPT)

    def _existing(self, path: str) -> tuple[Block, int]:
        block, index, _ = self._find(path)
        if index == -1:
            raise OSError(ENOENT)
        return block, index

    def _folder(self, pair: Pair) -> Iterator[Block]:
        """The pairs of a folder."""
        for _ in range(self._medium.device.block_count):
            block = self._fetch(pair)
            yield block
            if not block.more:
                return
            pair = block.tail
        raise OSError(ECORRUPT)  # it goes round

    def _add(self, block: Block, entry: Entry) -> tuple[Block, int]:
        """Put an entry into a folder, from one of its pairs on.  Where it is now."""
        size = self._medium.device.block_size
        while True:
            used = block.size | (MORE if block.more else 0)
            if used + len(entry.data) <= size:
                block.entries.append(entry)
                self._commit(block)
                return block, len(block.entries) - 1
            if not block.more:
                added = self._new_block()
                added.tail = block.tail
                added.entries.append(entry)
                self._commit(added)
                block.more = True
                block.tail = added.pair
                self._commit(block)
                return added, 0
            block = self._fetch(block.tail)

    def _remove_entry(self, block: Block, index: int) -> None:
        """Take an entry out, and its pair if that becomes empty."""
        if len(block.entries) == 1:
            before = self._before(block.pair)
            if before is not None and before.more:
                before.more = block.more
                before.tail = block.tail
                self._commit(before)
                return
        at = block.at(index)
        size = len(block.entries.pop(index).data)
        self._commit(block)
        for file in self.files:
            file.entry_removed(block.pair, at, size)

    def _name(self, name: bytes) -> bytes:
        if len(name) > NAME_MAX:
            raise OSError(ENAMETOOLONG)
        return name

    def _ready(self) -> None:
        if not self._checked:
            self._repair()

    # ----------------------------------------------------------------------------- operations

    def open(self, path: str, mode: Mode) -> OpenFile:
        if mode.write:
            self._ready()
        block, index, name = self._find(path)
        if index == -2:
            raise OSError(EISDIR)
        if index == -1:
            if not mode.create:
                raise OSError(ENOENT)
            block, index = self._add(block, Entry(REGULAR, NULL, 0, self._name(name)))
        elif block.entries[index].is_folder:
            raise OSError(EISDIR)
        elif mode.exclusive:
            raise OSError(EEXIST)
        entry = block.entries[index]
        file = Littlefs1File(
            self._medium, self.files, self._update, block.pair, block.at(index), entry.first,
            entry.second, mode,
        )
        self.files.append(file)
        return file

    def _update(self, pair: Pair, at: int, head: int, size: int) -> Pair:
        """A file has other contents."""
        block = self._fetch(pair)
        index = next(n for n in range(len(block.entries)) if block.at(n) == at)
        block.entries[index] = block.entries[index]._replace(first=head, second=size)
        self._commit(block)
        return block.pair

    def entries(self, path: str) -> Iterator[tuple[str, Status]]:
        block, index = self._existing(path)
        pair = self.root
        if index >= 0:
            if not block.entries[index].is_folder:
                raise OSError(ENOTDIR)
            pair = block.entries[index].pair
        return self._entries(pair)

    def _entries(self, pair: Pair) -> Iterator[tuple[str, Status]]:
        for block in self._folder(pair):
            for entry in block.entries:
                if entry.kind & ~MOVING not in (REGULAR, FOLDER):
                    continue
                if entry.kind & MOVING and self._arrived(entry):
                    continue
                yield entry.name.decode("utf-8", "surrogateescape"), _status(entry)

    def status(self, path: str) -> Status:
        block, index = self._existing(path)
        return Status(True, 0, 0) if index < 0 else _status(block.entries[index])

    def make_folder(self, path: str) -> None:
        self._ready()
        block, index, name = self._find(path)
        if index != -1:
            raise OSError(EEXIST)
        self._medium.acknowledge()
        made = self._new_block()
        made.tail = block.tail
        self._commit(made)
        block.tail = made.pair
        self._add(block, Entry(FOLDER, *made.pair, self._name(name)))
        self._medium.acknowledge()

    def remove_folder(self, path: str) -> None:
        self._ready()
        block, index = self._existing(path)
        if index < 0:
            raise OSError(EINVAL)
        entry = block.entries[index]
        inner = self._empty(entry) if entry.is_folder else None
        self._remove_entry(block, index)
        if inner is not None:
            self._unlist(inner)

    remove = remove_folder

    def _empty(self, entry: Entry) -> Block:
        """The pair of an empty folder.  Raises OSError."""
        inner = self._fetch(entry.pair)
        if inner.entries or inner.more:
            raise OSError(ENOTEMPTY)
        return inner

    def _unlist(self, inner: Block) -> None:
        """Take a folder from the list of pairs."""
        before = self._before(inner.pair)
        if before is not None:
            before.tail = inner.tail
            self._commit(before)

    def rename(self, old: str, new: str) -> None:
        self._ready()
        block, index = self._existing(old)
        if index < 0:
            raise OSError(EINVAL)
        entry = block.entries[index]
        block.entries[index] = entry._replace(kind=entry.kind | MOVING)
        self._commit(block)
        target, there, name = self._find(new)
        inner: Block | None = None
        moved = entry._replace(kind=entry.kind & ~MOVING, name=self._name(name))
        if there != -1:
            previous = target.entries[there] if there >= 0 else None
            if previous is None or previous.kind & ~MOVING != moved.kind:
                raise OSError(EISDIR)
            if previous.is_folder:
                inner = self._empty(previous)
            target.entries[there] = moved
            self._commit(target)
        else:
            self._add(target, moved)
        block, index = self._moving(old)
        self._remove_entry(block, index)
        if inner is not None:
            self._unlist(inner)

    def _moving(self, path: str) -> tuple[Block, int]:
        """The old place of what is moving."""
        stem, _, last = path.rstrip("/").rpartition("/")
        block, index = self._existing(stem)
        pair = self.root if index < 0 else block.entries[index].pair
        name = last.encode("utf-8", "surrogateescape")
        for found in self._folder(pair):
            for number, entry in enumerate(found.entries):
                if entry.name == name:
                    return found, number
        raise OSError(ENOENT)

    def space(self) -> Space:
        device = self._medium.device
        used = sum(1 for _ in self._in_use())
        return Space(device.block_size, device.block_count, device.block_count - used, NAME_MAX)


def _status(entry: Entry) -> Status:
    return Status(entry.is_folder, 0 if entry.is_folder else entry.second, 0)


