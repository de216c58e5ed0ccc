import bz2
import gzip
import lzma
import os
import pickle
import struct
import subprocess
import sys
import zlib

import joblib
import numpy as np
import pytest
from recordings import PARITY

from stigma_hf.conversion import pickles
from stigma_hf.conversion.pickles import MODELS, NUMBERS, TOKENIZER_STATE, RefusedPickle, read_joblib
from stigma_hf.errors import UsageError

BASELINES = PARITY / "baseline"


class Call:
    """Pickled, it asks for a call."""

    def __init__(self, function, *args):
        self.reduced = (function, args)

    def __reduce__(self):
        return self.reduced


def named(module, name):
    """The instructions for a name, in protocol 4."""
    return short(module) + short(name) + pickle.STACK_GLOBAL


def short(text):
    return pickle.SHORT_BINUNICODE + bytes([len(text)]) + text.encode()


def program(*instructions):
    return pickle.PROTO + b"\x04" + b"".join(instructions) + pickle.STOP


SYSTEM = named("os", "system")
REGRESSION = named("sklearn.linear_model._logistic", "LogisticRegression")
WRAPPER = named("joblib.numpy_pickle", "NumpyArrayWrapper")
NDARRAY = named("numpy", "ndarray")
GETATTR = named("builtins", "getattr")
NEW = pickle.EMPTY_TUPLE + pickle.NEWOBJ


def dtype(code):
    arguments = short(code) + pickle.NEWFALSE + pickle.NEWTRUE + pickle.TUPLE3
    state = pickle.MARK + pickle.BININT1 + b"\x03" + short("<") + pickle.NONE * 3 + pickle.BININT1 + b"\x00"
    return named("numpy", "dtype") + arguments + pickle.REDUCE + state + pickle.TUPLE + pickle.BUILD


def wrapped_array(code, shape=b"\x03", subclass=NDARRAY):
    """A joblib array of one dimension; what follows in the file are its numbers, or a pickle for objects."""
    items = (
        short("subclass") + subclass + short("shape") + pickle.BININT1 + shape + pickle.TUPLE1 + short("order")
        + short("C") + short("dtype") + dtype(code) + short("allow_mmap") + pickle.NEWTRUE
    )  # fmt: skip
    return WRAPPER + NEW + pickle.EMPTY_DICT + pickle.MARK + items + pickle.SETITEMS + pickle.BUILD


def refused(tmp_path, content, match):
    path = tmp_path / "classifier.joblib"
    path.write_bytes(content)
    with pytest.raises(RefusedPickle, match=match) as caught:
        read_joblib(path)
    assert str(path) in str(caught.value)


def files_of_the_release():
    return sorted(BASELINES.glob("mimic-iv-discharge_*/**/*.joblib"))


@pytest.mark.parametrize("file", files_of_the_release(), ids=lambda file: file.stem)
def test_every_file_of_the_release_is_read(file):
    assert read_joblib(file) is not None


def test_no_class_of_the_release_is_imported():
    script = f"""
import sys
from pathlib import Path
from stigma_hf.conversion.pickles import read_joblib
for path in Path({str(BASELINES)!r}).glob("mimic-iv-discharge_*/**/*.joblib"):
    read_joblib(path)
print({{name.split(".")[0] for name in sys.modules}} & {{"stigma", "spacy", "medspacy", "pysbd", "sklearn", "joblib"}})
"""
    found = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "set()"


def test_what_may_be_named_is_what_the_files_of_the_release_name(monkeypatch):
    found = set()
    find_class = pickles._RecordUnpickler.find_class

    def note(self, module, name):
        found.add(f"{module}.{name}")
        return find_class(self, module, name)

    monkeypatch.setattr(pickles._RecordUnpickler, "find_class", note)
    for path in files_of_the_release():
        read_joblib(path)
    of_older_medspacy = "medspacy.sentence_splitting.PySBDSenteceSplitter"
    assert found | {of_older_medspacy} == {*MODELS, *NUMBERS, *TOKENIZER_STATE}


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize(
    ("function", "arguments", "name"),
    [
        (os.system, ["touch {mark}"], r"(posix|nt)\.system"),
        (subprocess.Popen, [["touch", "{mark}"]], r"(subprocess|commands)\.Popen"),
        (eval, ["open('{mark}', 'w')"], r"(builtins|__builtin__)\.eval"),
        (exec, ["open('{mark}', 'w')"], r"(builtins|__builtin__)\.exec"),
        (open, ["{mark}", "w"], r"(io|_io)\.open"),
        (__import__, ["antigravity"], r"(builtins|__builtin__)\.__import__"),
        (pickle.loads, [b"."], r"(_pickle|cPickle|pickle)\.loads"),
        (joblib.load, ["{mark}"], r"joblib\.numpy_pickle\.load"),
        (np.load, ["{mark}"], r"numpy\.load"),
    ],
    ids=["system", "popen", "eval", "exec", "open", "import", "pickle", "joblib", "numpy"],
)
def test_a_call_is_refused_by_name_in_every_protocol_and_not_made(tmp_path, protocol, function, arguments, name):
    mark = tmp_path / "mark"
    filled = [a.format(mark=mark) if isinstance(a, str) else a for a in arguments]
    content = pickle.dumps({"coef_": Call(function, *filled)}, protocol=protocol)
    refused(tmp_path, content, rf"refused: it names {name}, which no file of the release needs; nothing of it was run")
    assert not mark.exists()


@pytest.mark.parametrize(
    ("content", "match"),
    [
        (b"cos\nsystem\n(S'true'\ntR.", r"names os\.system"),
        (b"(S'true'\nios\nsystem\n.", r"names os\.system"),
        (b"(cos\nsystem\nS'true'\no.", r"names os\.system"),
        (program(SYSTEM, short("true"), pickle.TUPLE1, pickle.REDUCE), r"names os\.system"),
        (program(SYSTEM, short("true"), pickle.TUPLE1, pickle.NEWOBJ), r"names os\.system"),
        (program(short("os"), short("popen.__call__"), pickle.STACK_GLOBAL), r"names os\.popen\.__call__"),
        (program(pickle.EXT1, b"\x01"), "registered extension 1"),
        (program(pickle.EXT2, b"\x01\x00"), "registered extension 1"),
        (program(pickle.EXT4, b"\x01\x00\x00\x00"), "registered extension 1"),
        (b"Pid\n.", "persistent id"),
        (program(short("id"), pickle.BINPERSID), "persistent id"),
        (program(pickle.BYTEARRAY8, struct.pack("<Q", 1 << 40)), "memory in advance"),
        (program(pickle.NEXT_BUFFER), "buffer from outside"),
        (program(REGRESSION, NEW, pickle.EMPTY_TUPLE, pickle.EMPTY_DICT, pickle.NEWOBJ_EX), "keyword arguments"),
        (program(REGRESSION, NEW, pickle.EMPTY_TUPLE, pickle.REDUCE), r"calls sklearn.*LogisticRegression"),
        (program(short("text"), pickle.EMPTY_TUPLE, pickle.REDUCE), "calls str"),
        (program(pickle.EMPTY_DICT, pickle.EMPTY_TUPLE, pickle.NEWOBJ), "calls dict"),
        (program(REGRESSION, pickle.EMPTY_DICT, pickle.BUILD), "sets the state of the name sklearn"),
        (program(pickle.EMPTY_LIST, pickle.EMPTY_DICT, pickle.BUILD), "sets the state of list"),
        (program(REGRESSION, NEW, *[pickle.EMPTY_DICT, pickle.BUILD] * 2), "sets the state of .* twice"),
        (program(pickle.NONE) + b"cos\nsystem\n.", "something follows the end"),
    ],
)
def test_every_other_way_to_run_something_is_refused(tmp_path, content, match):
    refused(tmp_path, content, match)


@pytest.mark.parametrize(
    ("bound_to", "name", "match"),
    [
        (REGRESSION, "__class__", "__class__ of the name sklearn"),
        (REGRESSION + NEW, "__reduce_ex__", "__reduce_ex__ of sklearn"),
        (
            named("re", "_compile") + short("a") + pickle.TUPLE1 + pickle.REDUCE,
            "sub",
            "sub of re._compile",
        ),
        (short("text"), "search", "search of str"),
        (
            named("sklearn.feature_extraction._dict_vectorizer", "DictVectorizer") + NEW,
            "__init_subclass__",
            "__init_subclass__ of sklearn",
        ),
    ],
)
def test_getattr_is_only_what_the_release_binds_with_it(tmp_path, bound_to, name, match):
    chain = program(GETATTR, bound_to, short(name), pickle.TUPLE2, pickle.REDUCE)
    refused(tmp_path, chain, rf"refused: it uses builtins\.getattr for {match}")


@pytest.mark.parametrize("compress", [zlib.compress, gzip.compress, bz2.compress, lzma.compress])
def test_a_compressed_file_is_refused_unread(tmp_path, compress):
    refused(tmp_path, compress(pickle.dumps(Call(os.system, "true"))), "refused: compressed with (zlib|gzip|bz2|xz)")


@pytest.mark.parametrize("method", ["zlib", "gzip", "bz2", "lzma", "xz"])
def test_a_file_that_joblib_compressed_is_refused_unread(tmp_path, method):
    path = tmp_path / "classifier.joblib"
    joblib.dump({"a": Call(os.system, "true")}, path, compress=(method, 3))
    with pytest.raises(RefusedPickle, match=f"compressed with {method}"):
        read_joblib(path)


def test_an_array_of_objects_is_read_by_the_same_rules(tmp_path):
    """joblib pickles such arrays behind their wrapper; numpy's own reader would unpickle them."""
    evil = pickle.dumps(Call(os.system, "true"), protocol=5)
    refused(tmp_path, program(wrapped_array("O8"))[:-1] + evil + b".", r"names (posix|nt)\.system")


def test_an_array_of_objects_from_joblib_itself_is_refused(tmp_path):
    path = tmp_path / "classifier.joblib"
    joblib.dump({"a": np.array([Call(os.system, "true")], dtype=object)}, path)
    # NumPy 2 has other names than the release even for a harmless array of objects.
    with pytest.raises(RefusedPickle, match=r"names (numpy\._core\.multiarray\._reconstruct|(posix|nt)\.system)"):
        read_joblib(path)


def test_an_array_of_another_class_is_refused(tmp_path):
    path = tmp_path / "classifier.joblib"
    path.write_bytes(program(wrapped_array("f8", subclass=named("builtins", "int"))))
    with pytest.raises(UsageError, match=r"expected a numpy\.ndarray, found the name builtins\.int"):
        read_joblib(path)


@pytest.mark.parametrize("code", ["V8", "S8", "U8", "M8", "c16", "f8, (8,)f8", "O4"])
def test_an_array_of_anything_but_numbers_is_refused(tmp_path, code):
    path = tmp_path / "classifier.joblib"
    path.write_bytes(program(wrapped_array(code)))
    with pytest.raises(UsageError, match="expected numbers, found a type of numpy that is none"):
        read_joblib(path)


def test_an_array_longer_than_its_file_is_refused_without_taking_memory(tmp_path):
    path = tmp_path / "classifier.joblib"
    path.write_bytes(program(wrapped_array("f8", shape=b"\xff"))[:-1] + b"\0" * 8)
    with pytest.raises(UsageError, match=r"expected 2,040 bytes of numbers, found 8: incomplete"):
        read_joblib(path)


def test_a_pickle_inside_of_bytes_stays_bytes(tmp_path):
    path = tmp_path / "classifier.joblib"
    evil = pickle.dumps(Call(os.system, "true"))
    path.write_bytes(pickle.dumps({"inner": evil}))
    assert read_joblib(path) == {"inner": evil}


def test_a_name_from_a_file_is_shown_escaped_and_short(tmp_path):
    hostile = "\x1b[2J" + "x" * 200
    refused(tmp_path, program(named("os", hostile)), r"names os\.\\x1b\[2Jx+\.\.\., which")


@pytest.mark.parametrize("length", [0, 1, 50, 300, 590])
def test_a_file_that_ends_too_soon_says_so(tmp_path, length):
    folder = BASELINES / "mimic-iv-discharge_baseline-majority" / "keyword" / "majority" / "adamant_fold-0"
    whole = (folder / "classifier.joblib").read_bytes()
    path = tmp_path / "classifier.joblib"
    path.write_bytes(whole[:length])
    with pytest.raises(UsageError, match=r"(damaged or incomplete|incomplete; download it again)"):
        read_joblib(path)


def test_a_missing_file_says_so(tmp_path):
    with pytest.raises(UsageError, match=r"absent\.joblib: cannot be read: No such file.*is the download complete\?"):
        read_joblib(tmp_path / "absent.joblib")


def test_names_are_never_imported(tmp_path):
    refused(tmp_path, program(named("antigravity", "geohash")), r"names antigravity\.geohash")
    assert "antigravity" not in sys.modules
