"""Bytes of one arm: P, S, C, H, D and R, and what they amount to per payload byte.

P payload, S body bytes the sockets took, C carried over the bottleneck, H heads and answers,
D acknowledged as stored, R = C - P of completed uploads.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from simulator.measure import figures
from simulator.measure.intervals import bca, ratio_of_sums
from simulator.measure.logs import UploadLog
from simulator.measure.models import Number

Numbers = dict[str, Number]

ESTIMATE = "the client's socket less its send queue (SIOCOUTQ), at most what the link's rate let pass"


def byte_numbers(uploads: Sequence[UploadLog]) -> Numbers:
    """Return the byte counts of *uploads*, the amplification and the loss per interruption."""
    n = len(uploads)
    done = [upload for upload in uploads if upload.outcome == "completed"]
    open_ended = not all(upload.finished for upload in uploads)
    method = carried_method(uploads)
    carried = sum(upload.carried for upload in uploads)
    return {
        "payload": figures.total(sum(upload.size for upload in uploads), "B", n),
        "sent": figures.total(sum(_sent(upload) for upload in uploads), "B", n, "client sockets"),
        "carried": figures.total(carried, "B", n, method).model_copy(update={"at_least": open_ended}),
        "overhead": figures.total(sum(_overhead(upload) for upload in uploads), "B", n, "client sockets"),
        "stored": figures.total(sum(upload.stored for upload in uploads), "B", n, "acknowledged offsets"),
        "retransmitted": figures.total(sum(item.retransmitted for item in done), "B", len(done), method),
        "amplification": amplification(uploads),
        "lost": lost(uploads),
    }


def amplification(uploads: Sequence[UploadLog]) -> Number:
    """Return sum C / sum P; a lower bound where an upload is unfinished, since P then counts whole."""
    by_user = user_sums(uploads)
    payload = sum(row[1] for row in by_user.values())
    if not payload:
        return figures.missing("1", "no payload")
    carried = [row[0] for row in by_user.values()]
    sizes = [row[1] for row in by_user.values()]
    number = figures.estimate(
        sum(carried) / payload,
        "1",
        len(uploads),
        bca(ratio_of_sums, carried, sizes),
        figures.said("ratio of sums, BCa over users", carried_method(uploads)),
    )
    return number.model_copy(update={"at_least": not all(upload.finished for upload in uploads)})


def lost(uploads: Sequence[UploadLog]) -> Number:
    """Return the mean of the bytes carried in a cut attempt that the server turned out not to hold.

    Over the interruptions of attempts that carried something and after which the server's offset
    became known: by a query, or by where the next attempt begins. A ratio of sums, as amplification
    is: a median would call nothing lost where a third of the breaks lose a lot.
    """
    by_user: dict[int, list[int]] = defaultdict(list)
    for upload in uploads:
        by_user[upload.user] += losses(upload)
    sums = [float(sum(found)) for found in by_user.values() if found]
    counts = [float(len(found)) for found in by_user.values() if found]
    if not counts:
        return figures.missing("B", "no interrupted attempt was gone on with")
    return figures.estimate(
        sum(sums) / sum(counts),
        "B",
        int(sum(counts)),
        bca(ratio_of_sums, sums, counts),
        figures.said("mean, BCa over users", carried_method(uploads)),
    )


def losses(upload: UploadLog) -> list[int]:
    """Return the bytes lost at each interruption of *upload* whose loss is known."""
    return [
        max(0, passage.request.start + passage.carried - kept)
        for passage, kept in zip(upload.passages, upload.kept, strict=True)
        if passage.interrupted and passage.carried and kept is not None
    ]


def user_sums(uploads: Sequence[UploadLog]) -> dict[int, tuple[int, int, int]]:
    """Return (C, P, carried again) of each user."""
    sums: dict[int, list[int]] = defaultdict(lambda: [0, 0, 0])
    for upload in uploads:
        row = sums[upload.user]
        row[0] += upload.carried
        row[1] += upload.size
        row[2] += upload.retransmitted
    return {user: (row[0], row[1], row[2]) for user, row in sums.items()}


def carried_method(uploads: Sequence[UploadLog]) -> str:
    """Return how C was found: by the engine's counts, or for how many requests by the client's socket."""
    passages = [passage for upload in uploads for passage in upload.passages if passage.request.sent]
    estimated = sum(not passage.counted for passage in passages)
    if not estimated:
        return (
            "C by the engine's counts" if any(item.connection for item in passages) else "C by whole answers"
        )
    return f"C of {estimated} of {len(passages)} requests estimated: {ESTIMATE}"


def _sent(upload: UploadLog) -> int:
    return sum(passage.request.sent for passage in upload.passages)


def _overhead(upload: UploadLog) -> int:
    return sum(passage.request.head + passage.request.received for passage in upload.passages)
