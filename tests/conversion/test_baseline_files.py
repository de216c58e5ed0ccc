import re

import numpy as np
import pytest
from release_copies import TASKS

from stigma_hf.conversion import baseline_files
from stigma_hf.conversion.baseline_files import check_labels, read_baseline
from stigma_hf.conversion.pickles import RefusedPickle, read_joblib
from stigma_hf.conversion.preprocessing import read_preprocessing
from stigma_hf.conversion.records import Record, record_type
from stigma_hf.errors import UsageError

OVERALL = ("keyword/majority", "majority-overall")
PER_ANCHOR = ("keyword/linear", "majority-per-anchor")
REGRESSION = ("keyword_tokens_tfidf/linear", "logistic-regression-context-anchor")


@pytest.fixture(scope="module")
def preprocessing(release):
    return read_preprocessing(release / "mimic-iv-discharge_baseline-statistical")


def read(root, kind, preprocessing, task="other"):
    inside, estimator = kind
    return read_baseline(root / inside / f"{task}_fold-0", task, estimator, preprocessing)


@pytest.fixture
def changed(monkeypatch):
    """Reads the real files, and lets a test change what they say before it is taken apart."""

    def install(file, change):
        def read_and_change(path):
            value = read_joblib(path)
            if path.name == file:
                change(value)
            return value

        monkeypatch.setattr(baseline_files, "read_joblib", read_and_change)

    return install


@pytest.mark.parametrize("task", TASKS)
def test_labels_are_in_the_order_of_the_release(release, preprocessing, task):
    for folder, kind in (("majority", OVERALL), ("statistical", PER_ANCHOR), ("statistical", REGRESSION)):
        released = read(release / f"mimic-iv-discharge_baseline-{folder}", kind, preprocessing, task)
        assert released.targets != tuple(sorted(released.targets))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda state: state.pop("coef_"),
            "LogisticRegression: expected the field 'coef_', found C, _sklearn_version",
        ),
        (lambda state: state.update(sparse_coef_=1), "found sparse_coef_, which nothing in this package stands for"),
        (lambda state: state.update(sneaky=Record()), "found sneaky, which nothing in this package stands for"),
        (
            lambda state: state.update(multi_class="ovr"),
            r"expected multi_class among \['multinomial', 'auto'\], found ovr",
        ),
        (lambda state: state.update(solver="liblinear"), r"expected solver among \['lbfgs'\], found liblinear"),
        (lambda state: state.update(n_features_in_=7), "expected n_features_in_ among .*, found 7"),
        (lambda state: state.update(coef_=[[1.0]]), "coef_: expected an array of numbers, found list"),
        (
            lambda state: state.update(coef_=state["intercept_"]),
            r"coef_: expected numbers of shape \(4, \d+\), found \(4,\)",
        ),
        (lambda state: state.update(intercept_=state["classes_"]), "intercept_: expected numbers .* of type int64"),
        (
            lambda state: state["coef_"].array.__setitem__((0, 0), np.nan),
            "coef_: expected finite numbers, found 1 others",
        ),
        (lambda state: state["classes_"].array.__setitem__(0, 3), "expected the classes 0 to 3, found others"),
        (lambda state: state.update(C="0.1"), "C: expected a number, found str"),
    ],
)
def test_every_field_of_a_regression_has_its_place(release, preprocessing, changed, change, message):
    changed("classifier.joblib", lambda record: change(record.state))
    with pytest.raises(UsageError, match=message) as caught:
        read(release / "mimic-iv-discharge_baseline-statistical", REGRESSION, preprocessing)
    assert "keyword_tokens_tfidf/linear/other_fold-0" in str(caught.value)


def drop_last_idf(state):
    matrix = state["_transformers"]["components"]["tokens_full_tfidf"].state["_idf_diag"].state
    matrix["data"].array = matrix["data"].array[:-1]


def swap_columns(state):
    columns = state["_base_vectorizers"]["tokens_full"].state["vocabulary_"]
    first, second = list(columns)[:2]
    columns[first], columns[second] = columns[second], columns[first]


def move_idf(state):
    matrix = state["_transformers"]["components"]["tokens_full_tfidf"].state["_idf_diag"].state
    matrix["indices"].array = matrix["indices"].array[::-1]


def tfidf(state):
    return state["_transformers"]["components"]["tokens_full_tfidf"].state


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (drop_last_idf, r"data: expected numbers of shape \((\d+),\)"),
        (move_idf, r"expected one idf for each of \d+ features, found another matrix"),
        (swap_columns, "expected feature 0 in column 0, found it elsewhere or not"),
        (lambda state: state["_base_features"].pop(), r"_base_features: expected \d+ features, found \d+"),
        (lambda state: state["_transformers_features"].reverse(), "expected feature 0 to be that of column 0"),
        (lambda state: state["_feature_set"]["components"].append({}), "expected one component, found 2"),
        (lambda state: state["_feature_set"]["standardize"].update(scale=True), r"scale among \[False\], found True"),
        (lambda state: state["_feature_set"]["interactions"].append("a"), "alone to represent a window, found more"),
        (lambda state: tfidf(state).update(sublinear_tf=True), r"sublinear_tf among \[False\], found True"),
        (lambda state: tfidf(state).update(use_idf=False), r"use_idf among \[True\], found False"),
        (lambda state: tfidf(state).update(norm="max"), r"norm among \['l1', 'l2', None\], found max"),
        (lambda state: state["_transformers"]["postprocessing"].update(a=1), "none afterwards, found some"),
        (lambda state: state["_base_vectorizers"].update(setting=Record()), "found setting, which nothing"),
    ],
)
def test_every_feature_and_idf_has_its_place(release, preprocessing, changed, change, message):
    changed("preprocessor.joblib", lambda record: change(record.state))
    with pytest.raises(UsageError, match=message):
        read(release / "mimic-iv-discharge_baseline-statistical", REGRESSION, preprocessing)


def test_messages_hold_no_word_of_a_vocabulary(release, preprocessing, changed):
    words = []

    def change(record):
        words.extend(record.state["_base_vectorizers"]["tokens_full"].state["vocabulary_"])
        swap_columns(record.state)

    changed("preprocessor.joblib", change)
    with pytest.raises(UsageError) as caught:
        read(release / "mimic-iv-discharge_baseline-statistical", REGRESSION, preprocessing)
    said = set(re.findall(r"\w+", str(caught.value).rpartition("fold-0: ")[2]))
    assert said & set(words[:2]) == set()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda state: state["_counts"].array.__setitem__((0, 0), 999), "the probabilities of .* do not follow from"),
        (lambda state: state.update(alpha=0), "counts from 0 on and an alpha above 0"),
        (lambda state: state["_classes"].pop(), "expected the classes 0 to 3, found 3 others"),
        (lambda state: state.update(coef_=None), "coef_: expected an array of numbers, found nothing"),
    ],
)
def test_every_count_has_its_place(release, preprocessing, changed, change, message):
    changed("classifier.joblib", lambda record: change(record.state))
    with pytest.raises(UsageError, match=message):
        read(release / "mimic-iv-discharge_baseline-statistical", PER_ANCHOR, preprocessing)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda state: state.update(strategy="most_frequent"), r"expected strategy among \['prior'\]"),
        (lambda state: state["class_prior_"].array.__setitem__(0, 0.9), "add up to 1, found a sum of"),
        (lambda state: state.update(n_classes_=3), "expected n_classes_ among .4., found 3"),
    ],
)
def test_every_share_has_its_place(release, preprocessing, changed, change, message):
    changed("classifier.joblib", lambda record: change(record.state))
    with pytest.raises(UsageError, match=message):
        read(release / "mimic-iv-discharge_baseline-majority", OVERALL, preprocessing)


def test_a_classifier_in_the_place_of_another_is_refused_by_name(release, preprocessing):
    inside, _ = PER_ANCHOR
    folder = release / "mimic-iv-discharge_baseline-statistical" / inside / "other_fold-0"
    with pytest.raises(UsageError, match=r"expected sklearn\.dummy\.DummyClassifier, found stigma\.model"):
        read_baseline(folder, "other", "majority-overall", preprocessing)


def test_swapped_task_folders_are_named(statistical, preprocessing):
    folder = statistical / "tokens_tfidf" / "linear"
    (folder / "adamant_fold-0").rename(folder / "moved")
    (folder / "compliance_fold-0").rename(folder / "adamant_fold-0")
    with pytest.raises(
        UsageError,
        match=r"adamant_fold-0: expected the labels difficult, disbelief, exclude of adamant, found "
        r"positive, neutral, negative; these are the labels of compliance: were folders swapped\?",
    ):
        read(statistical, ("tokens_tfidf/linear", "logistic-regression-context"), preprocessing, "adamant")


@pytest.mark.parametrize("file", ["classifier.joblib", "preprocessor.joblib", "targets.txt"])
def test_a_partial_download_names_the_missing_file(statistical, preprocessing, file):
    (statistical / "keyword" / "linear" / "other_fold-0" / file).unlink()
    with pytest.raises(UsageError, match=rf"{file}.*(cannot be read).*is the download complete\?"):
        read(statistical, PER_ANCHOR, preprocessing)


def test_a_malicious_classifier_among_good_files_is_refused_by_name(statistical, preprocessing):
    path = statistical / "keyword" / "linear" / "other_fold-0" / "classifier.joblib"
    path.write_bytes(b"cos\nsystem\n(S'true'\ntR.")
    with pytest.raises(RefusedPickle, match=r"other_fold-0.*classifier\.joblib: refused: it names os\.system"):
        read(statistical, PER_ANCHOR, preprocessing)


def test_a_trusted_name_with_a_poisoned_state_is_not_used(statistical, preprocessing):
    """Only names of the release, but where the numbers should be there is a bound method."""
    path = statistical / "keyword" / "linear" / "other_fold-0" / "classifier.joblib"
    method = b"cbuiltins\ngetattr\n(cre\n_compile\n(Vx\ntRVsearch\ntR"
    path.write_bytes(
        b"cstigma.model.baseline\nConditionalMajorityClassifier\n)\x81}(V_classes\n]V_counts\n" + method
        + b"Valpha\nK\x01Vcoef_\nNub."
    )  # fmt: skip
    with pytest.raises(UsageError, match="expected the classes 0 to 3, found 0 others"):
        read(statistical, PER_ANCHOR, preprocessing)


@pytest.mark.parametrize(
    "labels", [[], ["exclude"], ["difficult", "disbelief", "exclude", "exclude"], ["a", "b", "c"]]
)
def test_labels_that_are_none_of_a_task_are_refused(labels):
    with pytest.raises(UsageError, match="expected the labels difficult, disbelief, exclude of adamant, found"):
        check_labels(labels, "adamant")


def test_idf_of_newer_scikit_learn_is_an_array(release, preprocessing, changed):
    wanted = read(release / "mimic-iv-discharge_baseline-statistical", REGRESSION, preprocessing).idf

    def change(record):
        state = tfidf(record.state)
        state["idf_"] = state.pop("_idf_diag").state["data"]

    changed("preprocessor.joblib", change)
    found = read(release / "mimic-iv-discharge_baseline-statistical", REGRESSION, preprocessing).idf
    assert np.array_equal(found, wanted)


def test_records_do_nothing():
    record = record_type("os.system")("rm -rf /")
    assert repr(record) == "<record of os.system>" and record.args == ("rm -rf /",)
    with pytest.raises(TypeError, match="not callable"):
        record()
