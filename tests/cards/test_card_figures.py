import json

import pytest
from reporting.small_data import all_rows, settings, write_data

from stigma_hf.cards.figures import eval_results, figures_of, read_report
from stigma_hf.catalog import EMBEDDED_MODEL
from stigma_hf.errors import UsageError
from stigma_hf.reporting.evaluate import evaluate_models
from stigma_hf.reporting.models import digest_of


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    data = write_data(tmp_path_factory.mktemp("data") / "spans", all_rows())
    evaluation = evaluate_models([str(EMBEDDED_MODEL)], data, settings(resamples=20))
    return json.loads(json.dumps(evaluation.report))


def test_figures_are_those_of_the_report_without_errors_curves_and_paths(report):
    figures = figures_of(report, digest_of(EMBEDDED_MODEL))
    result, full = figures["models"][0]["tasks"]["other"], report["models"][0]["tasks"]["other"]
    assert result["scores"]["headline"]["macro_f1"]["value"] == pytest.approx(
        full["scores"]["headline"]["macro_f1"]["value"], abs=1e-8
    )
    assert result.keys() == {"scores", "ambiguous_anchors", "subgroups"}
    assert "path" not in figures["models"][0] and "command" not in figures["record"]
    assert [grouping["by"] for grouping in result["subgroups"]] == [
        grouping["by"] for grouping in full["subgroups"] if grouping["by"] != "anchor"
    ]


def test_figures_of_figures_are_the_same(report):
    figures = figures_of(report, digest_of(EMBEDDED_MODEL))
    assert figures_of(figures, digest_of(EMBEDDED_MODEL)) == figures


def test_a_figure_that_is_not_defined_is_no_result(report):
    figures = figures_of(report, digest_of(EMBEDDED_MODEL))
    headline = figures["models"][0]["tasks"]["other"]["scores"]["headline"]
    assert len(list(eval_results(figures))) == 9
    headline["macro_roc_auc"]["value"] = None
    assert ("other", "roc_auc") not in [(r.dataset_config, r.metric_type) for r in eval_results(figures)]


@pytest.mark.parametrize(
    ("source", "dataset"),
    [("synthetic", "stigma-hf-synthetic"), ("mimic-iv", "physionet-stigmatizing-language"), ("own", "unknown")],
)
def test_results_name_the_data_by_its_source(report, source, dataset):
    figures = {**figures_of(report, digest_of(EMBEDDED_MODEL)), "source": source}
    assert {result.dataset_type for result in eval_results(figures)} == {dataset}


def test_a_report_of_another_version_is_refused(report, tmp_path):
    (tmp_path / "report.json").write_text(json.dumps({**report, "schema_version": 99}))
    with pytest.raises(UsageError, match="expected the report.json of `stigma-hf evaluate` in version 1, found 99"):
        read_report(tmp_path / "report.json")
