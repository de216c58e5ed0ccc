import gzip
import json
import re

import numpy as np
import pytest
from datasets import ClassLabel, Dataset, DatasetInfo, Features, Value
from recordings import PARITY
from sklearn.metrics import f1_score
from typer.testing import CliRunner

from stigma_hf.baseline.counts import AnchorCounts
from stigma_hf.cli.reproduce import app
from stigma_hf.errors import UsageError
from stigma_hf.majority_scores import FOLDS, Majority, TaskSpans, macro_f1, predict_majority, score_majority
from stigma_hf.mimic.splits import PROPORTIONS, SPLITS
from stigma_hf.published_check import check_majority
from stigma_hf.published_ranges import PublishedScore, Range, draw_scores, read_counts, read_table1
from stigma_hf.synthetic import synthesize
from stigma_hf.tasks import load_tasks

RECORDED_SPLITS = {"train": "train", "dev": "validation", "test": "test"}
LABELS = sorted({label for task in load_tasks().values() for label in task.labels})
FEATURES = Features({"task": Value("string"), "anchor": Value("string"), "label": ClassLabel(names=LABELS)})


def spans_of(tables):
    """An anchor and a label for each span of a table."""
    return [place for place, n in np.ndenumerate(tables) for _ in range(n)]


def dataset(rows, description=""):
    columns = {name: [row[i] for row in rows] for i, name in enumerate(FEATURES)}
    return Dataset.from_dict(columns, FEATURES, DatasetInfo(description, features=FEATURES))


@pytest.fixture(scope="module")
def published_spans():
    """Spans with exactly the published counts, dealt out at random."""
    random = np.random.default_rng(1)
    rows = {split: [] for split in SPLITS}
    for task in load_tasks().values():
        for anchor, label in spans_of(read_counts("mimic")[task.id]):
            rows[random.choice(SPLITS, p=PROPORTIONS)].append((task.id, f"anchor {anchor:02}", task.labels[label]))
    return {split: dataset(of_split) for split, of_split in rows.items()}


@pytest.fixture(scope="module")
def check(published_spans):
    return check_majority(published_spans)


@pytest.mark.parametrize("seed", range(30))
@pytest.mark.parametrize("majority", Majority)
def test_macro_f1_equals_scikit_learn(majority, seed):
    random = np.random.default_rng(seed)
    shape = int(random.integers(1, 20)), int(random.integers(2, 5))
    train = random.poisson(2, shape) * (random.random(shape) < 0.5)
    test = random.poisson(1, shape) * (random.random(shape[1]) < 0.7)
    test[0, 0] += 1
    predicted = predict_majority(majority, train)
    true = spans_of(test)
    expected = f1_score(
        [label for _, label in true],
        [predicted[anchor] for anchor, _ in true],
        labels=range(shape[1]),
        average="macro",
        zero_division=0,
    )
    assert score_majority(majority, train, test) == pytest.approx(expected, abs=1e-12)


def test_many_tables_score_as_one_by_one():
    random = np.random.default_rng(0)
    train, test = random.poisson(1.5, (2, 7, 3, 9, 4))
    for majority in Majority:
        scores = score_majority(majority, train, test[:, :1])
        assert scores.shape == (7, 3)
        for i, j in np.ndindex(7, 3):
            assert scores[i, j] == score_majority(majority, train[i, j], test[i, 0])


def test_majority_per_anchor_is_the_smoothed_baseline_on_ties_and_unseen_anchors_too():
    table = np.array([[2, 2, 0], [0, 1, 1], [0, 0, 0], [1, 0, 3]])
    counts = AnchorCounts(["a", "b", "c"], {f"anchor {i}": row.tolist() for i, row in enumerate(table) if row.any()})
    smoothed = counts.predict_proba([f"anchor {i}" for i in range(4)]).argmax(axis=1)
    assert predict_majority(Majority.PER_ANCHOR, table).tolist() == smoothed.tolist() == [0, 1, 0, 2]


def test_majority_overall_gives_every_anchor_the_same_label():
    assert predict_majority(Majority.OVERALL, np.array([[5, 0], [0, 3], [0, 1]])).tolist() == [0, 0, 0]


@pytest.mark.parametrize("task", load_tasks())
def test_scores_equal_the_recorded_ones_of_the_release(task):
    with gzip.open(PARITY / "baseline/prepared.jsonl.gz", "rt", encoding="utf-8") as file:
        rows = [row for line in file if (row := json.loads(line))["keyword_category"] == task]
    recorded = json.loads((PARITY / "baseline/expected_training.json").read_text(encoding="utf-8"))
    labels = load_tasks()[task].labels
    spans = {split: [] for split in SPLITS}
    for row in rows:
        spans[RECORDED_SPLITS[row["split"]]].append((row["keyword_negated"], row["label"]))

    def scores(table, kind):
        where = {"task": task, "feature_set": "keyword", "model_type": kind, "split": "test", "metric": "macro_f1"}
        return [row["score"] for row in recorded[table] if where.items() <= row.items()]

    overall, per_anchor = (TaskSpans(labels, spans).score(majority) for majority in Majority)
    assert [overall.one_split] == pytest.approx(scores("scores", "majority"), abs=1e-9)
    assert [per_anchor.one_split] == pytest.approx(scores("scores", "linear"), abs=1e-9)
    assert per_anchor.folds == pytest.approx(scores("scores_cv5", "linear"), abs=1e-9)
    assert len(per_anchor.folds) == FOLDS


def test_range_of_majority_overall_is_that_of_a_share_of_test_spans():
    """A constant answer right for a share p has F1 2p / (1 + p), and p varies as a share of a tenth of the spans."""
    counts = read_counts("mimic")["compliance"]
    share, n_test = 893 / 1603, 1603 * PROPORTIONS[2]
    sd = np.sqrt(share * (1 - share) / n_test * (1 - PROPORTIONS[2]))
    low, high = (2 * p / (1 + p) / 3 for p in (share - 1.96 * sd, share + 1.96 * sd))
    found = Range.of(draw_scores(counts).one_split[Majority.OVERALL])
    assert (found.low, found.high) == pytest.approx((low, high), abs=0.002)


def test_draws_repeat_with_their_seed_and_differ_with_another():
    counts = read_counts("mimic")["adamant"]
    first, again, other = (draw_scores(counts, 700, seed).fold_mean[Majority.PER_ANCHOR] for seed in (3, 3, 4))
    assert first.shape == (700,)
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_one_anchor_with_one_label_always_scores_the_same():
    drawn = draw_scores(np.array([[300, 0]]), 50)
    for scores in (*drawn.one_split.values(), *drawn.fold_mean.values()):
        assert set(scores) == {0.5}


@pytest.mark.parametrize(
    ("low", "high", "allowed"), [(0.1, 0.164, False), (0.1, 0.166, True), (0.174, 0.3, True), (0.176, 0.3, False)]
)
def test_range_allows_a_figure_that_one_of_its_scores_prints_as(low, high, allowed):
    assert Range(low, high).allows(PublishedScore(0.17, 0.0)) is allowed


def test_published_counts_have_the_published_totals():
    assert {task: table.sum(axis=0).tolist() for task, table in read_counts("mimic").items()} == {
        "adamant": [526, 609, 115],
        "compliance": [893, 439, 271],
        "other": [496, 1221, 96, 377],
    }


def test_rows_are_those_of_table_1(check):
    assert [(row.baseline.value, row.task, row.published.mean, row.published.sd) for row in check.rows] == [
        ("Majority Overall", "adamant", 0.17, 0.0),
        ("Majority Overall", "compliance", 0.24, 0.0),
        ("Majority Overall", "other", 0.19, 0.0),
        ("Majority Per Anchor", "adamant", 0.55, 0.04),
        ("Majority Per Anchor", "compliance", 0.73, 0.01),
        ("Majority Per Anchor", "other", 0.83, 0.0),
    ]


def test_counts_allow_all_that_is_printed_but_credibility_majority_overall(check):
    off = {(row.baseline, row.task) for row in check.rows if not row.is_allowed}
    assert off == {(Majority.OVERALL, "adamant")}
    row = check.rows[0]
    assert (row.fold_mean_range.low, row.fold_mean_range.high) == pytest.approx((0.192, 0.242), abs=0.002)
    text = "\n".join(check.findings)
    assert re.search(
        r"Credibility & Obstinacy, Majority Overall: Table 1 prints 0\.17, the published counts allow 0\.19\d to "
        r"0\.24\d; \d{1,2} of 10,000 draws print as 0\.17\.",
        text,
    )
    assert "0.17 takes a test split of which 33% to 36% are disbelief; of all published spans 49% are." in text


def test_other_readings_of_credibility_majority_overall_are_compared_with_johns_hopkins(check):
    readings = [finding for finding in check.findings if finding.startswith("Read as")]
    four_labels, always_difficult = readings
    assert "an average over 4 labels" in four_labels
    assert "does not fit the 0.21 printed for it" in four_labels
    assert re.search(r"always difficult \(most frequent in training in 0\.0\d% of the draws\)", always_difficult)
    assert "which fits the 0.21 printed for it" in always_difficult


def test_four_labels_would_not_fit_majority_per_anchor_either():
    scores = draw_scores(read_counts("mimic")["adamant"]).fold_mean[Majority.PER_ANCHOR] * 3 / 4
    assert not Range.of(scores).allows(read_table1("mimic")[Majority.PER_ANCHOR, "adamant"])


def test_johns_hopkins_compliance_per_anchor_is_above_what_plain_anchors_allow():
    allowed = Range.of(draw_scores(read_counts("jhm")["compliance"]).fold_mean[Majority.PER_ANCHOR])
    assert (allowed.low, allowed.high) == pytest.approx((0.50, 0.64), abs=0.01)
    assert not allowed.allows(read_table1("jhm")[Majority.PER_ANCHOR, "compliance"])


def test_spans_with_the_published_counts_score_within_reach_of_them(check):
    assert not any("do not have the counts" in finding for finding in check.findings)
    assert not check.is_synthetic
    for row in check.rows:
        margin = (row.fold_mean_range.high - row.fold_mean_range.low) / 2
        assert row.fold_mean_range.low - margin < row.measured.fold_mean < row.fold_mean_range.high + margin


def test_spans_with_other_counts_are_named_as_such(published_spans):
    spans = published_spans | {"test": published_spans["test"].select(range(1, len(published_spans["test"])))}
    findings = check_majority(spans, draws=10).findings
    assert any("the 1,249 spans here do not have the counts of the 1,250 published ones" in f for f in findings)


def test_a_task_alone_is_checked_alone(published_spans):
    spans = {name: of_split.filter(lambda row: row["task"] == "other") for name, of_split in published_spans.items()}
    assert [row.task for row in check_majority(spans, draws=10).rows] == ["other", "other"]


def test_spans_that_say_so_are_synthetic():
    rows = [("compliance", "refused", "negative")] * 9
    spans = {split: dataset(rows, "SYNTHETIC: invented patients and notes.") for split in SPLITS}
    assert check_majority(spans, draws=10).to_dict()["is_synthetic"] is True


def test_missing_split_is_named(published_spans):
    with pytest.raises(UsageError, match="expected the splits train, validation, test, found none named test"):
        check_majority({"train": published_spans["train"], "validation": published_spans["validation"]})


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ({"train": 20, "test": 0}, "expected 5 training spans or more and test spans, found 20 and 0"),
        ({"train": 4, "test": 9}, "expected 5 training spans or more and test spans, found 4 and 9"),
        ({"train": 0, "test": 0}, "expected annotated spans, found none"),
    ],
)
def test_spans_that_cannot_be_scored_are_refused(rows, message):
    spans = {split: dataset([("adamant", "claims", "disbelief")] * rows.get(split, 0)) for split in SPLITS}
    with pytest.raises(UsageError, match=message):
        check_majority(spans, draws=10)


def test_label_of_another_task_is_refused():
    spans = {split: dataset([("adamant", "claims", "negative")] * 9) for split in SPLITS}
    with pytest.raises(UsageError, match="expected labels among difficult, disbelief, exclude, found 'negative'"):
        check_majority(spans, draws=10)


def test_label_neither_true_nor_predicted_counts_as_zero():
    assert macro_f1(np.array([0]), np.array([[4, 0, 0]])) == pytest.approx(1 / 3)


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    return synthesize(tmp_path_factory.mktemp("synthetic") / "tree", notes=300)


def run(*arguments):
    return CliRunner(env={"COLUMNS": "120"}).invoke(app, ["majority", *map(str, arguments)])


def test_command_prints_the_figures_marked_synthetic_and_writes_them(tree, tmp_path):
    path = tmp_path / "majority.json"
    result = run(tree.folder, "--annotations", tree.annotations, "--out", path)
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert lines[0] == "SYNTHETIC: invented patients and notes, no data of MIMIC-IV"
    rows = [re.split(r"  +", line.strip()) for line in lines if "±0." in line]
    assert [row[1] for row in rows] == ["0.17±0.00", "0.24±0.00", "0.19±0.00", "0.55±0.04", "0.73±0.01", "0.83±0.00"]
    assert rows[0][4] == "NO"
    assert "do not have the counts of the 1,250 published ones" in result.stdout
    written = json.loads(path.read_text(encoding="utf-8"))
    assert written["is_synthetic"] is True
    assert [row["task"] for row in written["rows"]] == ["adamant", "compliance", "other"] * 2
    for row, shown in zip(written["rows"], rows, strict=True):
        assert shown[2] == f"{row['measured']['fold_mean']:.3f}±{row['measured']['fold_sd']:.3f}"
        assert shown[3] == f"{row['fold_mean_range']['low']:.3f}-{row['fold_mean_range']['high']:.3f}"
        assert shown[5] == f"{row['measured']['one_split']:.3f}"


def test_command_keeps_an_existing_file_and_refuses_other_formats(tree, tmp_path):
    path = tmp_path / "majority.json"
    path.write_text("precious")
    result = run(tree.folder, "--annotations", tree.annotations, "--out", path)
    assert result.exit_code == 1
    assert "exists already; choose another name or allow --overwrite" in " ".join(result.stderr.split())
    assert path.read_text() == "precious"
    result = run(tree.folder, "--annotations", tree.annotations, "--out", tmp_path / "majority.csv")
    assert result.exit_code == 1
    assert "expected an output file that ends in .json" in " ".join(result.stderr.split())


def test_command_says_that_the_folder_is_missing(tree, tmp_path):
    result = run(tmp_path / "absent", "--annotations", tree.annotations)
    assert result.exit_code == 1
    assert "expected folders that hold MIMIC-IV" in " ".join(result.stderr.split())
