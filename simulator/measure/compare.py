"""Every arm against the baseline, over the same uploads of the same users on the same weather."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from simulator.measure import figures
from simulator.measure.bytes import carried_method, user_sums
from simulator.measure.dataset import Dataset
from simulator.measure.intervals import bca
from simulator.measure.logs import UploadLog
from simulator.measure.models import Comparison, Number

METHOD = "paired BCa over users"


def compare(data: Dataset) -> list[Comparison]:
    """Return one comparison for each arm that is neither the baseline nor a calm twin."""
    baseline = data.uploads.get(data.plan.baseline)
    if baseline is None:
        return []
    others = [arm.name for arm in data.arms if arm.name != data.plan.baseline and arm.calm_of is None]
    return [_compare(data.plan.baseline, baseline, name, data.uploads[name]) for name in others]


def _compare(baseline: str, plain: Sequence[UploadLog], arm: str, other: Sequence[UploadLog]) -> Comparison:
    keys = {(item.user, item.upload) for item in plain} & {(item.user, item.upload) for item in other}
    theirs = [item for item in plain if (item.user, item.upload) in keys]
    ours = [item for item in other if (item.user, item.upload) in keys]
    base, own = user_sums(theirs), user_sums(ours)
    users = sorted(base)
    sums = _Sums(
        ours_again=[own[user][2] for user in users],
        base_again=[base[user][2] for user in users],
        ours=[own[user][0] for user in users],
        base=[base[user][0] for user in users],
        n=len(users),
        at_least=_all_finished(ours) and not _all_finished(theirs),
        method=figures.said(
            METHOD, carried_method([*theirs, *ours]), _unfinished(baseline, theirs), _unfinished(arm, ours)
        ),
    )
    return Comparison(
        arm=arm,
        baseline=baseline,
        avoided=sums.avoided(),
        saved_bytes=sums.saved_bytes(),
        saved_share=sums.saved_share(),
    )


@dataclass(frozen=True)
class _Sums:
    """Per user: bytes carried and bytes carried again, in the arm (ours) and the baseline (base)."""

    ours_again: list[int]
    base_again: list[int]
    ours: list[int]
    base: list[int]
    n: int
    at_least: bool
    method: str

    def avoided(self) -> Number:
        """1 - (what the arm carried again) / (what the baseline carried again)."""
        if not self.n:
            return figures.missing("1", "no upload was begun in both arms")
        if not sum(self.base_again):
            return figures.missing("1", "the baseline carried nothing twice", self.n)
        value = 1 - sum(self.ours_again) / sum(self.base_again)
        return self._number(value, "1", bca(_one_minus_ratio, self.ours_again, self.base_again))

    def saved_bytes(self) -> Number:
        """Sum C of the baseline less sum C of the arm."""
        if not self.n:
            return figures.missing("B", "no upload was begun in both arms")
        saved = [base - own for base, own in zip(self.base, self.ours, strict=True)]
        return self._number(sum(saved), "B", bca(np.sum, saved))

    def saved_share(self) -> Number:
        """The bytes saved over sum C of the baseline."""
        if not sum(self.base):
            return figures.missing("1", "the baseline carried nothing", self.n)
        value = 1 - sum(self.ours) / sum(self.base)
        return self._number(value, "1", bca(_one_minus_ratio, self.ours, self.base))

    def _number(self, value: float, unit: str, bounds: tuple[float, float] | None) -> Number:
        number = figures.estimate(value, unit, self.n, bounds, self.method)
        return number.model_copy(update={"at_least": self.at_least})


def _one_minus_ratio(ours: Any, base: Any, axis: int) -> Any:
    """Return 1 - sum ours / sum base; NaN for a resample in which the baseline's sum is zero."""
    below = np.sum(base, axis=axis)
    return 1 - np.sum(ours, axis=axis) / np.where(below == 0, np.nan, below)


def _all_finished(uploads: Sequence[UploadLog]) -> bool:
    return all(upload.finished for upload in uploads)


def _unfinished(arm: str, uploads: Sequence[UploadLog]) -> str:
    missing = sum(not upload.finished for upload in uploads)
    return f"{missing} unfinished uploads of {arm} count with what they carried so far" if missing else ""
