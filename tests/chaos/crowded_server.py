"""PostgreSQL whose tables and whose write-ahead log lie on disks of their own that can be filled."""

from __future__ import annotations

import shutil
import threading
import time
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Final

from tests.chaos.small_disk import SmallDisk, small_disk
from tests.harness.eventually import PATIENCE_S
from tests.harness.postgresql import PrivateServer


class Disk(StrEnum):
    """What lies on a disk; names its folder."""

    TABLES = "data"
    LOG = "wal"


_SIZES_MIB: Final = {Disk.TABLES: 512, Disk.LOG: 96}
#: Some hundred commits fill a file of the log, and the next one needs room: all else is set up as it comes.
_SEGMENT_MIB: Final = 1
_SETTINGS: Final = {"max_wal_size": "16MB", "wal_recycle": "off"}

_REFUSED: Final = "No space left on device"
_RESTART_S: Final = 0.5
"""How long an init system waits before it starts again what has ended."""


class CrowdedServer(PrivateServer):
    """A server that ends with this process, on two small disks if they may be mounted; a context manager.

    All of its settings that durability rests on are those of production.

    Args:
        port: Where it listens on the loopback.
    """

    def __init__(self, *, port: int) -> None:
        super().__init__(_SETTINGS, port=port)
        self._disks: dict[Disk, SmallDisk] = {}

    def _create(self, *arguments: str) -> None:
        for disk in Disk:
            self._mount(disk)
        super()._create(f"--waldir={self.folder / Disk.LOG}", f"--wal-segsize={_SEGMENT_MIB}", *arguments)

    def _mount(self, disk: Disk) -> None:
        folder: Path = self.folder / disk
        folder.mkdir()
        mounted = self._held.enter_context(small_disk(folder, mib=_SIZES_MIB[disk]))
        if mounted is not None:
            self._disks[disk] = mounted
        if self.user is not None:
            shutil.chown(folder, self.user)

    @property
    def is_crowded(self) -> bool:
        """Whether its disks can be filled."""
        return bool(self._disks)

    def hold_full(self, disk: Disk, *, seconds: float) -> None:
        """Leave a disk no room until the server wanted some, and for a while more.

        Whenever the server has ended it is started again, as an init system does.
        """
        refused, until = self.log.count(_REFUSED), time.monotonic() + 2 * PATIENCE_S
        while self.log.count(_REFUSED) == refused:
            assert time.monotonic() < until, "it needs no room"
            self._take_all(disk)
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            self._take_all(disk)

    def _take_all(self, disk: Disk) -> None:
        self._disks[disk].fill()
        self._keep_up()

    def make_room(self, disk: Disk) -> datetime:
        """Give the room back; return when the server answered behind that."""
        self._disks[disk].empty()
        until = time.monotonic() + 2 * PATIENCE_S
        while not self.answers():
            assert time.monotonic() < until, self.log
            self._keep_up()
        return datetime.now(UTC)

    def _keep_up(self) -> None:
        threading.Event().wait(_RESTART_S)
        if not self.is_running:
            self.launch()
