"""One connection of a proxy: it begins direct where nothing touches it, and is shaped when something does."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

from simulator.links.embedded.api.flow import ToxicFlow
from simulator.links.embedded.connection import Connection
from simulator.links.embedded.crossing import Crossing
from simulator.links.embedded.flow import DirectFlow, Flow

if TYPE_CHECKING:
    from simulator.links.embedded.api.lanes import Lanes


class ToxicConnection(Connection):
    """Connection *number* of its proxy, which may change from its own lanes to a shared link and back."""

    def __init__(self, relay: Crossing, client: socket.socket, port: int, number: int) -> None:
        self.number = number
        super().__init__(relay, client, port)

    @property
    def shaped(self) -> bool:
        """Whether its flows can be under toxics."""
        return isinstance(self.up, ToxicFlow) and isinstance(self.down, ToxicFlow)

    def be_shaped(self) -> None:
        """Let what is direct go on as a flow that can be under toxics."""
        self.up, self.down = self._shaped(self.up), self._shaped(self.down)
        self._plumb()

    def board(self, relay: Crossing) -> None:
        """Go on over *relay*."""
        self.be_shaped()
        left, now = self.relay.time(), relay.time()
        before, self.relay = self.relay, relay
        for flow, way in ((self.up, relay.up), (self.down, relay.down)):
            if isinstance(flow, ToxicFlow):
                flow.board(way, left, now)
        before.plan()
        self.go_on()

    def go_on(self) -> None:
        """Do what a change has made possible."""
        for flow in (self.up, self.down):
            if self._server is not None and not self.ended and isinstance(flow, ToxicFlow):
                flow.go_on_reading()

    def pass_fin(self, flow: Flow) -> None:
        """Half-close towards the sink of *flow*, or close it wholly where a toxic ended the flow."""
        self._send_fin(flow)
        other = self._other(flow)
        if isinstance(flow, ToxicFlow) and flow.closes and isinstance(other, ToxicFlow):
            other.shut()
        self._over()

    def _shaped(self, flow: Flow) -> Flow:
        if not isinstance(flow, DirectFlow):
            return flow
        lanes: Lanes = self.relay  # type: ignore[assignment]  # a link's flows are shaped from the start
        shaped = lanes.toxic_flow(self, lanes.up if flow is self.up else lanes.down)
        shaped.adopt(flow)
        return shaped

    def _refused(self) -> None:
        """Let the client see an orderly end, as toxiproxy does."""
        self.close("server")
