"""Where the rows of a training came from: the history of touchpoints, or the decision log."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from training.slices import Cuts
from training.training_set import FromLog, Mask, TrainingSet


def sources_of(rows: TrainingSet, cuts: Cuts, log: FromLog | None) -> dict[str, Any]:
    """Return how many rows each source gave, in all and per slice, as JSON holds it.

    The slices overlap: `learn` is everything before the test whose window has closed by then.
    """

    def counts(mine: Mask) -> dict[str, int]:
        return {"rows": int(mine.sum())} | {
            name: int((mine & part).sum()) for name, part in vars(cuts).items()
        }

    found: dict[str, Any] = {"history": counts(~rows.logged)}
    if log is not None:
        found["log"] = counts(rows.logged) | {
            "shown": log.shown,
            "left_out": dict(log.left_out),
            "features_missing": dict(log.features_missing),
        }
    return found


def lines_of(sources: Mapping[str, Any]) -> Iterator[str]:
    """Yield what people are told of the sources, line by line."""
    for name in ("history", "log"):
        if name in sources:
            told = sources[name]
            yield (
                f"rows from the {name}: {told['rows']:,}, of them {told['learn']:,} may be learnt "
                f"from and {told['test']:,} are judged by"
            )
    log = sources.get("log")
    if log is None:
        return
    yield f"the decision log has {log['shown']:,} shown (decision, action)"
    if log["left_out"]:
        parts = ", ".join(f"{count:,} {reason}" for reason, count in log["left_out"].items())
        yield f"not learnt from: {parts}"
    if log["features_missing"]:
        missing = log["features_missing"]
        yield (
            f"{len(missing)} inputs were not known to decisions of then and are missing in up to "
            f"{max(missing.values()):,} rows: {', '.join(sorted(missing)[:5])}"
        )
    if log["rows"] and not log["learn"]:
        yield (
            "every row of the log lies in the test slice, or its window was open when that began: "
            "move the dates of `slices` on to learn from the log"
        )
