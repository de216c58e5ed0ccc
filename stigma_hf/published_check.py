"""The check of Table 1 that needs no note: the two majority baselines follow from anchors and labels alone.

Harrigian et al. 2023 print how often each anchor got each label (Figure 1). Dealing those spans out to splits again
and again shows which macro F1 the baselines can have; Table 1 is read beside it. What comes of that:

- **Credibility & Obstinacy, Majority Overall**: Table 1 prints 0.17 for MIMIC, the counts allow 0.19 to 0.24. A
  constant answer that is right for a share p of the test spans has F1 2p / (1 + p); 609 of 1,250 spans are
  `disbelief`, so about 2 * 0.487 / 1.487 / 3 labels = 0.22, which is also what Table 7 prints for a majority baseline
  on these labels. Two readings allow 0.17: an average over four labels, but then neither 0.21 for Johns Hopkins nor
  0.55 for Majority Per Anchor of the same task would fit; or the constant answer `difficult`, but in hardly any draw
  (one in 10,000 or fewer) is it the most frequent training label. What was computed cannot be told from what is
  printed.
- **Compliance, Majority Per Anchor**: Table 1 is at the upper end of what the counts allow for MIMIC and above it for
  Johns Hopkins (0.68 printed, 0.50 to 0.65 allowed). The released baseline looks an anchor up together with a
  negation before it ("not compliant"), which Figure 1 does not tell apart; figures here are those of plain anchors.
- The four other figures for MIMIC fit.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from stigma_hf.errors import UsageError
from stigma_hf.majority_scores import Majority, MajorityScores, TaskSpans
from stigma_hf.mimic.splits import SPLITS
from stigma_hf.published_ranges import DRAWS, Draws, PublishedScore, Range, draw_scores, read_counts, read_table1
from stigma_hf.tasks import load_tasks

if TYPE_CHECKING:
    from datasets import Dataset


@dataclass(frozen=True)
class CheckedScore:
    """A row of Table 1 beside what was measured and what the published counts allow."""

    baseline: Majority
    task: str
    published: PublishedScore
    measured: MajorityScores
    one_split_range: Range
    fold_mean_range: Range

    @property
    def is_allowed(self) -> bool:
        """Whether the counts allow Table 1's figure."""
        return self.fold_mean_range.allows(self.published)

    def to_dict(self) -> dict[str, Any]:
        """All of it as JSON holds it."""
        means = {"fold_mean": self.measured.fold_mean, "fold_sd": self.measured.fold_sd}
        return asdict(self) | {"measured": asdict(self.measured) | means, "is_allowed": self.is_allowed}


@dataclass(frozen=True)
class MajorityCheck:
    """The whole check: its rows, and in sentences what does not fit."""

    rows: list[CheckedScore]
    findings: list[str]
    is_synthetic: bool
    draws: int
    seed: int

    def to_dict(self) -> dict[str, Any]:
        """All of it as JSON holds it."""
        facts = {"is_synthetic": self.is_synthetic, "metric": "macro F1", "draws": self.draws, "seed": self.seed}
        return facts | {"rows": [row.to_dict() for row in self.rows], "findings": self.findings}


def check_majority(spans: Mapping[str, "Dataset"], draws: int = DRAWS, seed: int = 0) -> MajorityCheck:
    """Compare the majority baselines on annotated spans with Table 1 and with what the published counts allow.

    Args:
        spans: The splits `train`, `validation` and `test`, as `load_spans` gives them; only the columns task, anchor
            and label are read.
        draws: How many random splits of the published counts make the ranges.
        seed: Seed of those draws.

    Raises:
        UsageError: If a split is missing or spans are not as they should be.
    """
    if missing := [split for split in SPLITS if split not in spans]:
        raise UsageError(f"expected the splits {', '.join(SPLITS)}, found none named {', '.join(missing)}")
    is_synthetic = (spans["train"].info.description or "").startswith("SYNTHETIC")
    table1 = read_table1("mimic")
    rows, findings = [], []
    for task, of_task in _read_spans(spans).items():
        published = _published_counts("mimic", task, of_task.labels)
        findings += _compare_counts(of_task, task, published)
        drawn = draw_scores(published, draws, seed)
        for baseline in Majority:
            ranges = Range.of(drawn.one_split[baseline]), Range.of(drawn.fold_mean[baseline])
            row = CheckedScore(baseline, task, table1[baseline, task], of_task.score(baseline), *ranges)
            rows.append(row)
            if not row.is_allowed:
                findings += _explain(row, of_task.labels, drawn, seed)
    return MajorityCheck(sorted(rows, key=lambda row: row.baseline), findings, is_synthetic, draws, seed)


def _read_spans(spans: Mapping[str, "Dataset"]) -> dict[str, TaskSpans]:
    """Spans of the tasks that there are."""
    by_task: dict[str, dict[str, list[tuple[str, str]]]] = {}
    for split in SPLITS:
        columns = spans[split].select_columns(["task", "anchor", "label"]).to_dict()
        labels = spans[split].features["label"].int2str(columns["label"])
        for task, anchor, label in zip(columns["task"], columns["anchor"], labels, strict=True):
            by_task.setdefault(task, {name: [] for name in SPLITS})[split].append((anchor.lower(), label))
    if not by_task:
        raise UsageError("expected annotated spans, found none")
    return {task.id: TaskSpans(task.labels, by_task[task.id]) for task in load_tasks().values() if task.id in by_task}


def _published_counts(dataset: str, task: str, labels: Sequence[str]) -> np.ndarray:
    """Published spans per anchor and label, shape (anchors, labels), labels in the given order."""
    columns = [load_tasks()[task].labels.index(label) for label in labels]
    return read_counts(dataset)[task][:, columns]


def _compare_counts(spans: TaskSpans, task: str, published: np.ndarray) -> list[str]:
    """A sentence if the spans are not those of the published counts."""
    here = np.sum([spans.table(split) for split in SPLITS], axis=0)
    if np.array_equal(here, published):
        return []
    return [
        f"{load_tasks()[task].name}: the {here.sum():,} spans here do not have the counts of the {published.sum():,} "
        "published ones, so what those allow need not hold for them."
    ]


def _explain(row: CheckedScore, labels: Sequence[str], drawn: Draws, seed: int) -> list[str]:
    """Sentences on a figure of Table 1 that the counts do not allow."""
    task, scores = load_tasks()[row.task], drawn.fold_mean[row.baseline]
    low, high = row.published.bounds
    like_it = int(((scores >= low) & (scores < high)).sum())
    printed = f"{row.published.mean:.2f}"
    findings = [
        f"{task.name}, {row.baseline}: Table 1 prints {printed}, the published counts allow {row.fold_mean_range}; "
        f"{like_it:,} of {len(scores):,} draws print as {printed}."
    ]
    if row.baseline is Majority.OVERALL:
        counts = _published_counts("mimic", row.task, labels).sum(axis=0)
        least, most = (_share_right(score * len(counts)) for score in (low, high))
        findings.append(
            f"{printed} takes a test split of which {least:.0%} to {most:.0%} are {labels[counts.argmax()]}; "
            f"of all published spans {counts.max() / counts.sum():.0%} are."
        )
        findings += _other_readings(row, labels, drawn, seed)
    return findings


def _share_right(f1: float) -> float:
    """The share p of spans for which a constant answer with this F1, 2p / (1 + p), is right."""
    return f1 / (2 - f1)


def _other_readings(row: CheckedScore, labels: Sequence[str], drawn: Draws, seed: int) -> list[str]:
    """What else Majority Overall could mean to have the printed figure, and whether Johns Hopkins' figure agrees."""
    theirs = read_table1("jhm")[row.baseline, row.task]
    drawn_theirs = draw_scores(_published_counts("jhm", row.task, labels), len(drawn.constant), seed)
    findings = []
    for (reading, scores), (_, scores_theirs) in zip(
        _readings(drawn, labels), _readings(drawn_theirs, labels), strict=True
    ):
        allowed, allowed_theirs = Range.of(scores), Range.of(scores_theirs)
        if allowed.allows(row.published):
            fit = "fits" if allowed_theirs.allows(theirs) else "does not fit"
            findings.append(
                f"Read as {reading}, MIMIC's counts allow {allowed}; those of Johns Hopkins {allowed_theirs}, which "
                f"{fit} the {theirs.mean:.2f} printed for it."
            )
    return findings


def _readings(drawn: Draws, labels: Sequence[str]) -> list[tuple[str, np.ndarray]]:
    """Other definitions of Majority Overall, and its scores under them."""
    smaller = len(labels) / (len(labels) + 1)
    readings = [(f"an average over {len(labels) + 1} labels", drawn.one_split[Majority.OVERALL] * smaller)]
    for place, label in enumerate(labels):
        share = (drawn.most_frequent == place).mean()
        reading = f"always {label} (most frequent in training in {share:.2%} of the draws)"
        readings.append((reading, drawn.constant[:, place]))
    return readings
