"""A store on disk: the bytes of upload ID in ``DIR/ID``, what is known of it in ``DIR/ID.json``.

What a promised offset survives. Bytes are handed to the kernel by ``pwrite`` before an offset that
counts them is told, so the process may be killed (-9) at any moment. With ``fsync`` the data is also
synced before the promise, so the machine may lose its power; that waits on the disk within the event
loop and costs its speed. Infos are written to ``ID.json.new`` and renamed; with ``fsync`` file and
directory are synced. Data comes before its info and goes after it, so a killed server leaves at worst
a file without info, which the next start removes.
"""

from __future__ import annotations

import errno
import fcntl
import json
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from simulator.servers.reference.storage import Bytes, Found, Info, StoreError

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_OURS = re.compile(r"[0-9a-f]{32}(\.part)?")  # names of blobs that the server itself made up


@contextmanager
def _translated(what: str) -> Iterator[None]:
    try:
        yield
    except OSError as exc:
        raise StoreError(f"cannot {what}: {exc.strerror}", full=exc.errno in _FULL) from exc


class DiskBlob:
    """One open file."""

    def __init__(self, fd: int, sync: bool) -> None:
        self._fd = fd
        self._sync = sync

    def write(self, at: int, piece: Bytes) -> None:
        """Write *piece* at byte *at*; a full disk takes a part of it and then refuses."""
        done = 0
        try:
            while done < len(piece):
                done += os.pwrite(self._fd, memoryview(piece)[done:] if done else piece, at + done)
        except OSError as exc:
            raise StoreError(f"cannot write: {exc.strerror}", full=exc.errno in _FULL, written=done) from exc

    def truncate(self, size: int) -> None:
        """Forget every byte from *size* on."""
        with _translated("truncate"):
            os.ftruncate(self._fd, size)

    def keep(self) -> None:
        """Sync the data if the store does so."""
        if self._sync:
            with _translated("sync"):
                os.fdatasync(self._fd)

    def read(self, at: int, count: int) -> bytes:
        """Return up to *count* bytes from *at*."""
        with _translated("read"):
            return os.pread(self._fd, count, at)

    def close(self) -> None:
        """Close the file. What ``close`` could report (delayed writes) is what ``keep`` is for."""
        os.close(self._fd)


class DiskStore:
    """A directory that no other server uses; ``OSError`` when it cannot be had."""

    def __init__(self, directory: Path, *, fsync: bool = False) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self._directory = directory
        self._sync = fsync
        self._fd = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        self._lock = os.open(directory / ".lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)  # the kernel lets go when the process dies

    def close(self) -> None:
        """Let another server have the directory."""
        os.close(self._fd)
        os.close(self._lock)

    def load(self) -> Iterator[Found]:
        """Yield every upload, after removing files that a killed server left half done."""
        with _translated("read the directory"):
            names = {entry.name for entry in self._directory.iterdir()}
            for name in sorted(names):
                if name.endswith(".json.new") or (_OURS.fullmatch(name) and f"{name}.json" not in names):
                    self._unlink(name)
        for name in sorted(names):
            if name.endswith(".json"):
                yield self._found(name.removesuffix(".json"))

    def save(self, name: str, info: Info) -> None:
        """Replace the info of *name*, at once or not at all."""
        with _translated("write what is known of the upload"):
            self._replace(f"{name}.json", json.dumps(info).encode())

    def create(self, name: str) -> DiskBlob:
        """Return a new, empty file."""
        return self._open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL)

    def open(self, name: str) -> DiskBlob:
        """Return the file of *name*."""
        return self._open(name, os.O_WRONLY)

    def reader(self, name: str) -> DiskBlob:
        """Return the file of *name* for reading."""
        return self._open(name, os.O_RDONLY)

    def rename(self, old: str, new: str) -> None:
        """Give the file *old* the name *new*."""
        with _translated("rename"):
            os.replace(old, new, src_dir_fd=self._fd, dst_dir_fd=self._fd)
            self._sync_directory()

    def discard(self, name: str) -> None:
        """Remove the file of *name*."""
        with _translated("remove"):
            self._unlink(name)

    def remove(self, name: str) -> None:
        """Remove the info and then the file of *name*."""
        with _translated("remove"):
            self._unlink(f"{name}.json")
            self._unlink(name)
            self._sync_directory()

    def _open(self, name: str, flags: int) -> DiskBlob:
        with _translated("open"):
            return DiskBlob(os.open(name, flags | os.O_CLOEXEC, 0o644, dir_fd=self._fd), self._sync)

    def _found(self, name: str) -> Found:
        """Return what lies there under *name*; an info that cannot be read is an empty one."""
        try:
            info = json.loads((self._directory / f"{name}.json").read_bytes())
        except (OSError, ValueError):
            info = {}
        try:
            size = os.stat(name, dir_fd=self._fd).st_size
        except FileNotFoundError:
            size = None
        return Found(name, info if isinstance(info, dict) else {}, size)

    def _replace(self, name: str, data: bytes) -> None:
        fd = os.open(
            f"{name}.new", os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o644, dir_fd=self._fd
        )
        try:
            while data:
                data = data[os.write(fd, data) :]
            if self._sync:
                os.fsync(fd)
        finally:
            os.close(fd)
        os.replace(f"{name}.new", name, src_dir_fd=self._fd, dst_dir_fd=self._fd)
        self._sync_directory()

    def _sync_directory(self) -> None:
        if self._sync:
            os.fsync(self._fd)

    def _unlink(self, name: str) -> None:
        try:
            os.unlink(name, dir_fd=self._fd)
        except FileNotFoundError:
            pass
