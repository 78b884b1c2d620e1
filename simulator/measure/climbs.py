"""How the bytes that a server holds of one upload climb with time, reckoned between its answers.

Nobody sees the offset between two answers, so the climb of a request is what the link's timeline
carries from its start, up to what it was found to have carried (on an unlimited or unknown link, a
straight line). Requests of parts side by side share the link: each climbs in proportion to what the
link carries, over its whole span, and the upload's line is the sum of its parts'.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence

import numpy as np

from simulator.measure.carried import Passage
from simulator.measure.intervals import Floats
from simulator.measure.logs import LinkLog, Strand, UploadLog

Points = list[tuple[float, float]]


def life(upload: UploadLog, link: LinkLog, plain: bool) -> Points:
    """Return (t, bytes held) over the life of *upload*, t since the run's start."""
    strands = [strand for strand in upload.strands if any(passage.attempt for passage, _ in strand.rows)]
    if len(strands) < 2:
        rows = tuple(zip(upload.passages, upload.kept, strict=True))
        return list(_line(upload, Strand(rows, ()), link, plain, shared=False))
    lines = [
        [(t, at - strand.first) for t, at in _line(upload, strand, link, plain, shared=True)]
        for strand in strands
    ]
    return [*summed(lines), (upload.ended, float(upload.size) if upload.finished else _last(lines))]


def climb(passage: Passage, link: LinkLog, top: float, *, shared: bool = False) -> Points:
    """Return (t, offset) from where *passage* begins to send up to *top*, t since the run's start.

    A *shared* link carried other parts' bytes as well.
    """
    request = passage.request
    (begin, end), first = passage.span, float(request.start)
    if link.timeline is None or link.timeline.uplink.unlimited or top <= first:
        return [(begin, first), (end, top)]
    curve, zero = link.timeline.uplink, link.start
    t0 = max(0.0, begin - zero)
    stop = max(t0, end - zero)
    full = stop if shared else min(end - zero, curve.finish(t0, request.head + top - first))
    instants = [t0, *_changes(curve.times, t0, full), full]
    if shared:
        whole = curve.carried(t0, stop)
        share = (top - first) / whole if whole else 0.0
        offsets = [first + share * curve.carried(t0, t) for t in instants[:-1]]
    else:
        offsets = [first + max(0.0, curve.carried(t0, t) - request.head) for t in instants[:-1]]
    points = [(zero + t, min(top, offset)) for t, offset in zip(instants[:-1], offsets, strict=True)]
    return [*points, (zero + full, top)]


def summed(lines: Sequence[Points]) -> Points:
    """Return the sum of *lines*, each held where it begins and ends; falls and rises stay upright."""
    instants = sorted({t for line in lines for t, _ in line})
    left = np.sum([_values(line, instants, first=True) for line in lines], axis=0)
    right = np.sum([_values(line, instants, first=False) for line in lines], axis=0)
    points: Points = []
    for t, before, after in zip(instants, left.tolist(), right.tolist(), strict=True):
        points.append((t, before))
        if after != before:
            points.append((t, after))
    return points


def _values(line: Points, instants: Sequence[float], *, first: bool) -> Floats:
    """Return *line* at *instants*: where it jumps, the *first* or the last of its values there."""
    places, (times, held) = np.array(instants), np.array(line).T
    if first:  # the last one, of time that runs backwards
        places, times, held = -places, -times[::-1], held[::-1]
    values: Floats = np.interp(places, times, held)
    return values


def _last(lines: Sequence[Points]) -> float:
    return sum(line[-1][1] for line in lines)


def _line(
    upload: UploadLog, strand: Strand, link: LinkLog, plain: bool, *, shared: bool
) -> Iterator[tuple[float, float]]:
    """Yield the points of one strand: each request's climb, a fall where the offset fell."""
    at = float(strand.first)
    yield upload.started, at
    for passage, kept in strand.rows:
        if not passage.attempt or not passage.carried or passage.late:
            continue  # what comes after the attempt's end is no part of its climb
        top = _top(passage, None if plain else kept)
        if passage.request.start != at:
            yield passage.request.t, at
            yield passage.request.t, float(passage.request.start)
        yield from climb(passage, link, top, shared=shared)
        at = top
        if plain and passage.interrupted:
            yield passage.request.end, 0.0
            at = 0.0
    if not shared:
        at = float(upload.size) if upload.finished else at
    yield upload.ended, at


def _top(passage: Passage, kept: int | None) -> float:
    """Return how far the server got in *passage*: what it carried, unless the server later says less."""
    reach = passage.request.start + passage.carried
    return float(reach if kept is None or kept < passage.request.start else min(reach, kept))


def _changes(times: Sequence[float], start: float, stop: float) -> list[float]:
    return list(times[bisect_right(times, start) : bisect_left(times, stop)])
