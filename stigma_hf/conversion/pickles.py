"""Read the joblib files of the release without running anything in them.

A pickle is a program that calls what it names. Here every name it may use is in a list, stands for an inert record of
our own (`stigma_hf.conversion.records`), and is never imported; any other name is refused. So nothing of the released
toolkit, scikit-learn, spaCy or medspaCy is revived, whatever version of them is installed or none.
"""

import io
import pickle
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, ClassVar, NoReturn

from stigma_hf.conversion.arrays import read_stored_array, stored_dtype
from stigma_hf.conversion.records import Record, is_record_of, name_of, record_type
from stigma_hf.errors import UsageError

MODELS = (
    "sklearn.dummy.DummyClassifier",
    "sklearn.feature_extraction._dict_vectorizer.DictVectorizer",
    "sklearn.feature_extraction.text.TfidfTransformer",
    "sklearn.linear_model._logistic.LogisticRegression",
    "stigma.model.baseline.ConditionalMajorityClassifier",
    "stigma.model.util.FeaturePreprocessor",
    "stigma.text_utils.PhraseLearner",
    "stigma.text_utils.Tokenizer",
)
"""What the models and their features are made of."""

NUMBERS = (
    "builtins.int",
    "joblib.numpy_pickle.NumpyArrayWrapper",
    "numpy.core.multiarray._reconstruct",
    "numpy.core.multiarray.scalar",
    "numpy.dtype",
    "numpy.ndarray",
    "scipy.sparse._csr.csr_matrix",
)
"""What numbers are stored as."""

TOKENIZER_STATE = (
    "builtins.getattr",
    "confection.Config",
    "medspacy.sentence_splitting.PySBDSentenceSplitter",
    "medspacy.sentence_splitting.PySBDSenteceSplitter",  # the same class, as medspaCy spelled it until 2023
    "pysbd.lang.english.English",
    "pysbd.segmenter.Segmenter",
    "re._compile",
    "spacy.lang.en.English",
    "spacy.lang.en.syntax_iterators.noun_chunks",
    "spacy.language.FactoryMeta",
    "spacy.lookups.Lookups",
    "spacy.morphology.unpickle_morphology",
    "spacy.strings.StringStore",
    "spacy.tokenizer.Tokenizer",
    "spacy.util.SimpleFrozenDict",
    "spacy.util.SimpleFrozenList",
    "spacy.util.raise_error",
    "spacy.vectors.unpickle_vectors",
    "spacy.vocab.unpickle_vocab",
)
"""What the tokenizer drags along."""

_TYPES = {name: record_type(name) for name in (*MODELS, *NUMBERS, *TOKENIZER_STATE)}

_BOUND_METHODS = {
    "sklearn.feature_extraction._dict_vectorizer.DictVectorizer": ("get_feature_names_out",),
    "re._compile": ("search", "finditer"),
}
"""Methods that the released files bind with `getattr`, by what they are bound to."""

_COMPRESSED = {
    b"\x78": "zlib",
    b"\x1f\x8b": "gzip",
    b"BZ": "bz2",
    b"\xfd7zXZ": "xz",
    b"\x5d\x00": "lzma",
    b"\x04\x22": "lz4",
}
"""How files that joblib compressed begin. The release has none."""

_LONGEST_SHOWN_NAME = 120


class RefusedPickle(UsageError):
    """A pickle that names, calls or contains something that the released files do not."""


def read_joblib(path: Path) -> Any:
    """What a joblib file of the release holds, as plain values and records.

    Raises:
        RefusedPickle: If the file asks for anything that the released files do not; it is named, and was not run.
        UsageError: If there is no such file, or it is damaged.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {error.strerror}; is the download complete?") from error
    for begin, kind in _COMPRESSED.items():
        if content.startswith(begin):
            raise RefusedPickle(f"{path}: refused: compressed with {kind}, which no file of the release is")
    file = io.BytesIO(content)
    try:
        value = _RecordUnpickler(file).load()
    except UsageError as error:
        raise type(error)(f"{path}: {error}") from None
    except Exception as error:
        # A damaged or forged pickle fails in as many ways as there are instructions.
        raise UsageError(
            f"{path}: expected a joblib file of the release, found one that is damaged or incomplete "
            f"({len(content):,} bytes; {type(error).__name__}); download it again"
        ) from error
    if file.read(1):
        raise RefusedPickle(f"{path}: refused: something follows the end of the pickle")
    return value


class _RecordUnpickler(pickle._Unpickler):
    """Builds records, and refuses everything else.

    The interpreter in Python is used, as joblib does, because only there can arrays be read from the middle of a
    stream. Each instruction that could call or change something is one of the methods below.
    """

    stack: list[Any]

    def __init__(self, file: io.BytesIO) -> None:
        super().__init__(file)
        self.file = file

    def find_class(self, module: str, name: str) -> type[Record]:
        """The kind of record that stands for a name in the list.

        Raises:
            RefusedPickle: If the name is not in it.
        """
        full_name = f"{module}.{name}"
        if full_name not in _TYPES:
            refuse(f"it names {shown(full_name)}, which no file of the release needs")
        return _TYPES[full_name]

    def persistent_load(self, pid: object) -> NoReturn:
        """Refuse: the release has no persistent ids."""
        refuse("it asks for a persistent id")

    def get_extension(self, code: int) -> NoReturn:
        """Refuse: the release has no registered extensions."""
        refuse(f"it asks for the registered extension {code}")

    def load_reduce(self) -> None:
        """Make a record of a call."""
        args = self.stack.pop()
        self.stack[-1] = make_record(self.stack[-1], args)

    def load_newobj(self) -> None:
        """Make a record of a new object."""
        args = self.stack.pop()
        self.stack.append(make_record(self.stack.pop(), args))

    def load_newobj_ex(self) -> NoReturn:
        """Refuse: nothing in the release is made with keyword arguments."""
        refuse("it makes an object with keyword arguments")

    def _instantiate(self, klass: Any, args: Sequence[Any]) -> None:
        """Make a record of a new object, in the words of the oldest pickles."""
        self.stack.append(make_record(klass, tuple(args)))

    def load_build(self) -> None:
        """Note the state of a record; the numbers of an array follow it in the file."""
        state = self.stack.pop()
        record = self.stack[-1]
        if not isinstance(record, Record):
            refuse(f"it sets the state of {name_of(record)}")
        if record.state is not None:
            refuse(f"it sets the state of {record.stands_for} twice")
        record.state = state
        if is_record_of(record, "joblib.numpy_pickle.NumpyArrayWrapper"):
            self._read_array(record)

    def load_out_of_band(self) -> NoReturn:
        """Refuse: everything in the release is inside its file."""
        refuse("it asks for a buffer from outside, or for memory in advance")

    def _read_array(self, record: Record) -> None:
        """Read the numbers that follow, or the pickle that an array of texts is."""
        if stored_dtype(record) is None:
            record.array = type(self)(self.file).load()
        else:
            record.array = read_stored_array(record, self.file)

    dispatch: ClassVar[dict[int, Callable[[Any], None]]] = {
        **pickle._Unpickler.dispatch,
        pickle.REDUCE[0]: load_reduce,
        pickle.NEWOBJ[0]: load_newobj,
        pickle.NEWOBJ_EX[0]: load_newobj_ex,
        pickle.BUILD[0]: load_build,
        pickle.BYTEARRAY8[0]: load_out_of_band,
        pickle.NEXT_BUFFER[0]: load_out_of_band,
        pickle.READONLY_BUFFER[0]: load_out_of_band,
    }


def make_record(kind: Any, args: Any) -> Record:
    """The record of a call.

    Raises:
        RefusedPickle: If it is not one of the kinds of records that is called, or `getattr` is used in another way
            than in the release.
    """
    if not isinstance(kind, type) or not issubclass(kind, Record) or not isinstance(args, tuple):
        refuse(f"it calls {name_of(kind)}")
    if kind.stands_for == "builtins.getattr":
        bound_to = args[0].stands_for if args and isinstance(args[0], Record) else ""
        if len(args) != 2 or args[1] not in _BOUND_METHODS.get(bound_to, ()):
            what = " of ".join([shown(args[1])] * (len(args) > 1) + [name_of(args[0])] * (len(args) > 0))
            refuse(f"it uses builtins.getattr for {what or 'nothing'}, which no file of the release does")
    return kind(*args)


def shown(name: object) -> str:
    """A name from a file, fit to be printed: escaped, and no longer than a line."""
    text = ascii(name)[1:-1] if isinstance(name, str) else name_of(name)
    return text if len(text) <= _LONGEST_SHOWN_NAME else f"{text[:_LONGEST_SHOWN_NAME]}..."


def refuse(why: str) -> NoReturn:
    """Raise, and say why."""
    raise RefusedPickle(f"refused: {why}; nothing of it was run. Get the files from PhysioNet again")
