"""``reset_peer``: both ends are reset ``timeout`` milliseconds after the first byte, or the end, comes."""

from __future__ import annotations

from simulator.links.embedded.api.toxics.kind import LONGEST_MS, MS, Attribute, Gate, Kind


class ResetPeer(Gate):
    """Drops everything from the first byte on, and stays when the toxic is removed after that."""

    def let(self, data: bytes) -> bytes:
        self._begin()
        return data[:0]

    def holds_end(self) -> bool:
        self._begin()
        return True

    def _begin(self) -> None:
        if not self.stays:
            self.stays = True
            self.lane.after(self.values["timeout"] * MS, lambda: self.lane.reset("reset_peer"))


KIND = Kind("reset_peer", (Attribute("timeout", LONGEST_MS),), gate=ResetPeer)
