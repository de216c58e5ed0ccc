import ast
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import typer
from transformers import AutoConfig
from typer.testing import CliRunner

from encoder.tiny_encoders import WINDOWS, tiny_classifier, tokenizer_of
from stigma_hf.cli.encoders import export_standalone as command
from stigma_hf.encoder.modeling import AnchorPooledClassifier
from stigma_hf.encoder.standalone import export_standalone, flat_modules
from stigma_hf.encoder.window_pipeline import WindowPipeline
from stigma_hf.errors import UsageError

TOKENIZER = tokenizer_of("bert")
ITEMS = [{"task": window.task, "anchor": window.anchor, "context": window.context} for window in WINDOWS]

# The package is hidden before anything is imported; sockets are left alone, for nothing is to be fetched.
ELSEWHERE = """
import json, sys

class Hidden:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "stigma_hf":
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Hidden())
folder, items = sys.argv[1], json.loads(sys.argv[2])

from transformers import AutoModel, AutoTokenizer, pipeline

model = AutoModel.from_pretrained(folder, trust_remote_code=True)
tokenizer = AutoTokenizer.from_pretrained(folder, trust_remote_code=True)
ContextWindow = sys.modules[type(model).__module__].ContextWindow
windows = [ContextWindow.from_item(item) for item in items]
served = pipeline("stigma-classification", model=folder, trust_remote_code=True)(items)
print(json.dumps({
    "probabilities": [row.tolist() for row in model.predict_proba(windows, tokenizer)],
    "served": served,
    "loaded": [name for name in sys.modules if name.partition(".")[0] == "stigma_hf"],
}))
"""


@pytest.fixture(scope="module")
def model():
    return tiny_classifier(provenance={"source": "synthetic"})


@pytest.fixture(scope="module")
def saved(model, tmp_path_factory):
    folder = tmp_path_factory.mktemp("saved")
    model.save_pretrained(folder)
    TOKENIZER.save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def exported(saved, tmp_path_factory):
    folder = tmp_path_factory.mktemp("exported") / "model"
    export_standalone(saved, folder)
    return folder


def test_where_the_package_is_not_installed_it_answers_the_same(model, exported, tmp_path):
    run = subprocess.run(
        [sys.executable, "-c", ELSEWHERE, str(exported), json.dumps(ITEMS)],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env={"HF_HUB_OFFLINE": "1", "HF_MODULES_CACHE": str(tmp_path / "modules"), "HOME": str(tmp_path)},
        check=False,
    )
    assert run.returncode == 0, run.stderr
    answer = json.loads(run.stdout.splitlines()[-1])
    assert answer["loaded"] == []
    expected = model.predict_proba(WINDOWS, TOKENIZER)
    for window, row, probabilities, span in zip(
        WINDOWS, expected, answer["probabilities"], answer["served"], strict=True
    ):
        # Another process may use another number of threads, and so sum in another order.
        assert np.abs(row - probabilities).max() < 1e-6
        assert list(span["probabilities"].values()) == pytest.approx(row.tolist(), abs=1e-6)
        assert (span["task"], span["anchor"], span["context"]) == (window.task, window.anchor, window.context)
        assert span["label"] == model.config.labels[window.task][int(np.argmax(row))]
        assert span["score"] == max(span["probabilities"].values())


def test_the_folder_still_loads_as_an_ordinary_model(model, exported):
    loaded = AnchorPooledClassifier.from_pretrained(exported)
    for before, after in zip(
        model.predict_proba(WINDOWS, TOKENIZER), loaded.predict_proba(WINDOWS, TOKENIZER), strict=True
    ):
        assert np.array_equal(before, after)
    assert loaded.config.provenance == {"source": "synthetic"}


def test_the_code_is_flat_and_needs_nothing_but_what_transformers_brings(exported):
    files = sorted(exported.glob("*.py"))
    names = {file.stem for file in files}
    assert {"stigma_classifier", "modeling", "configuration", "window_pipeline"} <= names
    outside = set()
    for file in files:
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and node.level:
                assert node.level == 1
                assert node.module in names
            elif isinstance(node, ast.ImportFrom):
                outside.add(node.module.split(".")[0])
            elif isinstance(node, ast.Import):
                outside.update(alias.name.split(".")[0] for alias in node.names)
    assert outside - set(sys.stdlib_module_names) == {
        "httpx2",
        "huggingface_hub",
        "numpy",
        "safetensors",
        "torch",
        "transformers",
    }


def test_an_ordinary_save_holds_no_code(saved):
    assert not list(saved.glob("*.py"))
    assert not {"auto_map", "custom_pipelines"} & set(json.loads((saved / "config.json").read_text()))


def test_modules_that_cannot_be_made_flat_are_refused(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "odd_module.py").write_text("import stigma_hf.errors\n")
    with pytest.raises(ValueError, match="odd_module: expected `from stigma_hf.module import name`, found another"):
        flat_modules(["odd_module"])
    with pytest.raises(ValueError, match=r"found stigma_hf\.\w+\.configuration and stigma_hf\.\w+\.configuration"):
        flat_modules(["stigma_hf.encoder.configuration", "stigma_hf.baseline.configuration"])


def test_only_a_model_with_an_encoder_is_exported(tmp_path):
    AutoConfig.for_model("bert").save_pretrained(tmp_path / "bert")
    with pytest.raises(UsageError, match="bert: cannot be loaded"):
        export_standalone(tmp_path / "bert", tmp_path / "out")


def test_the_pipeline_takes_one_window_or_several(model):
    pipe = WindowPipeline(model=model, tokenizer=TOKENIZER)
    together = pipe(ITEMS, batch_size=2)
    assert [span["anchor"] for span in together] == [window.anchor for window in WINDOWS]
    assert pipe(ITEMS[1])["probabilities"] == pytest.approx(together[1]["probabilities"], abs=1e-6)
    assert pipe([]) == []


@pytest.mark.parametrize(
    ("inputs", "error", "message"),
    [
        (["a note"], TypeError, "expected windows with task, anchor and context, found str"),
        ([{"task": "adamant"}], ValueError, "expected a window with text under task, anchor and context"),
    ],
)
def test_the_pipeline_refuses_notes(model, inputs, error, message):
    with pytest.raises(error, match=message):
        WindowPipeline(model=model, tokenizer=TOKENIZER)(inputs)


def test_the_pipeline_knows_no_other_parameters(model):
    with pytest.raises(TypeError, match="expected no parameter but batch_size, found top_k"):
        WindowPipeline(model=model, tokenizer=TOKENIZER, top_k=1)


def test_the_command_writes_model_and_code(saved, tmp_path):
    app = typer.Typer()
    app.command()(command)
    out = Path(tmp_path / "out")
    result = CliRunner().invoke(app, [str(saved), "--out", str(out)])
    assert result.exit_code == 0, result.output
    assert "trust_remote_code=True" in result.output
    assert {"config.json", "model.safetensors", "tokenizer.json", "modeling.py"} <= {f.name for f in out.iterdir()}
