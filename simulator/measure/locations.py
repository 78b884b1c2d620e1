"""Uploads whose ``Location`` led round the link, and what was done about it (``servers.ways``)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from simulator.measure.dataset import Dataset
from simulator.measure.logs import UploadLog
from simulator.protocols.fields import origin


@dataclass(frozen=True)
class Astray:
    """One such Location. ``asked`` is the URL at the target's own origin that was asked for instead.

    ``followed`` tells whether the client had to go there: a plain upload is over once it knows its place.
    """

    location: str
    asked: str | None
    followed: bool


def astray(data: Dataset) -> Iterator[Astray]:
    """Yield one for each upload that was given a place at another origin than the target's."""
    home = origin(data.plan.target)
    for uploads in data.uploads.values():
        for upload in uploads:
            found = _astray(upload, home)
            if found is not None:
                yield found


def _astray(upload: UploadLog, home: tuple[str, str, int]) -> Astray | None:
    for passage in upload.passages:
        request = passage.request
        if request.asked is not None or origin(request.target) != home:
            return Astray(request.target, request.asked, followed=True)
    place = upload.record.location if upload.record else None
    return Astray(place, None, followed=False) if place and origin(place) != home else None
