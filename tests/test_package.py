import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def run_python(code):
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()


def test_wheel_installs_one_top_level_name_with_its_data(tmp_path):
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(tmp_path), str(ROOT)]
    subprocess.run(command, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    assert {name.split("/")[0] for name in names if ".dist-info/" not in name} == {"stigma_hf"}
    for needed in ("py.typed", "resources/anchors.json", "resources/notes/01.txt"):
        assert f"stigma_hf/{needed}" in names
    assert any(name.endswith("licenses/LICENSE") for name in names)


HEAVY = ["torch", "transformers", "datasets", "sklearn", "pandas"]


@pytest.mark.parametrize(
    "code",
    [
        "import stigma_hf",
        "from stigma_hf import AnchorSearch; AnchorSearch().search('refused')",
        "from stigma_hf.cli import app",
        "from stigma_hf.cli import app; app(['search', r'{notes}', '--out', r'{out}'], standalone_mode=False)",
    ],
    ids=["package", "search", "command line", "stigma-hf search"],
)
def test_light_uses_import_nothing_heavy(code, tmp_path):
    notes = tmp_path / "a.txt"
    notes.write_text("refused")
    code = code.format(notes=notes, out=tmp_path / "out.csv")
    assert (
        run_python(f"{code}\nimport sys\nprint('loaded', *(m for m in {HEAVY} if m in sys.modules))")[-1] == "loaded"
    )


@pytest.mark.parametrize(
    "imports",
    ["import stigma_hf, transformers.pipelines", "import transformers.pipelines, stigma_hf"],
    ids=["first", "last"],
)
def test_the_task_is_known_whichever_is_imported_first(imports):
    ask = "print('stigma-classification' in transformers.pipelines.PIPELINE_REGISTRY.supported_tasks)"
    code = f"{imports}\n{ask}"
    assert run_python(code)[-1] == "True"


def test_public_names_are_all_there():
    import stigma_hf

    for name in stigma_hf.__all__:
        assert getattr(stigma_hf, name).__module__.startswith("stigma_hf.")
    assert set(stigma_hf.__all__) <= set(dir(stigma_hf))
    with pytest.raises(AttributeError, match="no attribute 'Absent'"):
        stigma_hf.Absent  # noqa: B018


def test_labels_stand_in_alphabetical_order_everywhere():
    from stigma_hf.tasks import load_tasks

    assert list(load_tasks()) == ["adamant", "compliance", "other"]
    for task in load_tasks().values():
        assert list(task.labels) == sorted(task.labels)


def test_no_socket_can_be_opened_in_the_tests():
    import socket

    import pytest_socket

    with pytest.raises(pytest_socket.SocketBlockedError):
        socket.socket(socket.AF_INET, socket.SOCK_STREAM)
