import os
import pickle
import zipfile

import pytest
import torch
from recordings import PARITY

from stigma_hf.conversion.arrays import to_number
from stigma_hf.conversion.pickles import RefusedPickle
from stigma_hf.conversion.torch_files import read_init, read_weights
from stigma_hf.errors import UsageError

VARIANTS = sorted((PARITY / "bert" / "init_variants").glob("*.pth"))


class Call:
    def __reduce__(self):
        return (os.system, ("true",))


def with_pickle(source, target, content):
    """A torch file with another pickle in it, all else as it was."""
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w") as new:
        for name in old.namelist():
            new.writestr(name, content if name.endswith("data.pkl") else old.read(name))
    return target


@pytest.mark.parametrize("path", VARIANTS, ids=lambda path: path.stem)
def test_every_init_of_the_release_is_read_without_numpy_functions(path):
    init = read_init(path)
    assert init["checkpoint"] == "tiny-bert" and init["p_dropout"] == 0.1
    score = init["performance_history"][-1][0]["f1"]
    assert repr(score) == "<record of numpy.core.multiarray.scalar>"
    assert to_number(score) == pytest.approx(0.38731481481481483)


def test_the_names_admitted_for_one_file_are_not_admitted_afterwards():
    before = set(torch.serialization.get_safe_globals())
    read_init(VARIANTS[0])
    assert set(torch.serialization.get_safe_globals()) == before


@pytest.mark.parametrize("read", [read_init, read_weights])
@pytest.mark.parametrize(
    ("content", "name"),
    [
        (pickle.dumps(Call(), protocol=2), r"(posix|nt)\.system"),
        (pickle.dumps({"a": Call()}, protocol=2), r"(posix|nt)\.system"),
        (b"\x80\x02c__builtin__\neval\n(Vopen('x', 'w')\ntR.", r"(builtins\.|__builtin__\.|^)?eval"),
        (b"\x80\x02cbuiltins\ngetattr\n(Vx\nVy\ntR.", r"getattr"),
        (b"\x80\x02cstigma.model.bert\nBERTEncoder\n)\x81.", r"stigma\.model\.bert\.BERTEncoder"),
        (b"\x80\x02cnumpy.core.multiarray\n_reconstruct\n)R.", r"numpy\.core\.multiarray\._reconstruct"),
    ],
)
def test_a_malicious_pickle_inside_is_refused_by_name(tmp_path, read, content, name):
    path = with_pickle(VARIANTS[0], tmp_path / "model.pth", content)
    with pytest.raises(
        RefusedPickle, match=rf"model\.pth: refused: it names {name}, which no file of the release needs"
    ):
        read(path)


@pytest.mark.filterwarnings("ignore:Detected pickle protocol")
@pytest.mark.parametrize("protocol", [0, 2, 4])
def test_a_plain_pickle_is_refused(tmp_path, protocol):
    path = tmp_path / "model.pth"
    path.write_bytes(pickle.dumps(Call(), protocol=protocol))
    with pytest.raises(
        UsageError, match=r"refused: it (names (posix|nt)\.system|does more than hold numbers)|damaged"
    ):
        read_weights(path)


def test_a_call_of_something_that_is_no_name_is_refused(tmp_path):
    path = with_pickle(VARIANTS[0], tmp_path / "model.pth", b"\x80\x02Vtext\n)R.")
    with pytest.raises(RefusedPickle, match="refused: it does more than hold numbers"):
        read_weights(path)


@pytest.mark.parametrize("share", [0, 0.1, 0.5, 0.999])
def test_a_truncated_file_says_so_with_its_size(release, tmp_path, share):
    whole = (release / "mimic-iv-discharge_clinical-bert/adamant_fold-0/checkpoint-50/model.pth").read_bytes()
    path = tmp_path / "model.pth"
    path.write_bytes(whole[: int(len(whole) * share)])
    with pytest.raises(UsageError, match=r"model\.pth: expected a torch file .* damaged or incomplete \([\d,]+ bytes"):
        read_weights(path)


def test_a_missing_file_says_so(tmp_path):
    with pytest.raises(UsageError, match=r"model\.pth: expected a torch file .* \(no such file"):
        read_weights(tmp_path / "model.pth")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({}, "expected weights by name, found dict"),
        ([torch.ones(2)], "expected weights by name, found list"),
        ({"a": 1}, "expected a dense tensor under a, found int"),
        ({1: torch.ones(2)}, "expected a dense tensor under int, found Tensor"),
        ({"a": torch.ones(2, 2).to_sparse()}, "expected a dense tensor under a, found Tensor"),
        ({"a": torch.tensor([1.0, float("nan")])}, "expected finite numbers under a, found others"),
        ({"a": torch.tensor([float("inf")])}, "expected finite numbers under a"),
    ],
)
def test_weights_are_dense_finite_tensors_by_name(tmp_path, content, message):
    torch.save(content, tmp_path / "model.pth")
    with pytest.raises(UsageError, match=message):
        read_weights(tmp_path / "model.pth")


def test_an_init_without_names_is_refused(tmp_path):
    torch.save([1, 2], tmp_path / "init.pth")
    with pytest.raises(UsageError, match="expected settings by name, found list"):
        read_init(tmp_path / "init.pth")
