"""The builder class of the `datasets` library: annotated spans per task, or every match, cached as Arrow files.

The name of this module is the name of the data set on disk.
"""

import dataclasses
from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import datasets
import pyarrow as pa
import pyarrow.compute as pc
from datasets.utils import tqdm

from stigma_hf.errors import UsageError
from stigma_hf.mimic.annotations import read_annotators
from stigma_hf.mimic.build import Builder, Duplicates
from stigma_hf.mimic.files import MimicFiles, MimicPath, find_files
from stigma_hf.mimic.identity import code_identity, input_identity
from stigma_hf.mimic.matches import MATCHES, METADATA
from stigma_hf.mimic.output import private_folder
from stigma_hf.mimic.report import BuildReport
from stigma_hf.mimic.splits import PUBLISHED_SEED, SPLITS, Split
from stigma_hf.tasks import load_tasks

ALL_TASKS = "all"
ALL_MATCHES = "matches"
CONFIGURATIONS = (*load_tasks(), ALL_TASKS, ALL_MATCHES)
REPORT = "build_report.json"

_HOMEPAGE = "https://physionet.org/content/stigmatizing-language/"
_LICENSE = "PhysioNet Credentialed Health Data License 1.5.0"
_DESCRIPTION = (
    "Stigmatizing language in the discharge notes of MIMIC-IV: {what}, rebuilt from local files with stigma_hf."
)
_SYNTHETIC = "SYNTHETIC: invented patients and notes, no data of MIMIC-IV. "


@dataclasses.dataclass
class StigmaSpansConfig(datasets.BuilderConfig):
    """What to build, and from what.

    Attributes:
        mimic: The folder of MIMIC-IV, or several that are searched together; `data_dir` stands in for it.
        annotations: The published annotations, or others in their layout; not needed for `matches`.
        split: `released` repeats the published assignment, `hash` is stable when patients come and go.
        seed: Seed of the assignment.
        split_admissions: The admissions file of MIMIC-IV 2.2, to draw the published assignment on another release.
        duplicates: Whether `matches` marks repeated texts or drops them.
    """

    mimic: MimicPath | Sequence[MimicPath] | None = None
    annotations: str | Path | None = None
    split: Split = "released"
    seed: int = PUBLISHED_SEED
    split_admissions: str | Path | None = None
    duplicates: Duplicates = "mark"

    @cached_property
    def files(self) -> MimicFiles:
        """Where the tables are."""
        mimic = self.mimic or self.data_dir
        if mimic is None:
            raise UsageError("expected mimic=, the folder of MIMIC-IV, found none")
        return find_files(mimic)

    @property
    def has_labels(self) -> bool:
        """Whether the rows are annotated spans."""
        return self.name != ALL_MATCHES

    @cached_property
    def features(self) -> datasets.Features:
        """Columns of the data set."""
        columns: dict[str, Any] = {field.name: datasets.Value(str(field.type)) for field in MATCHES}
        if self.has_labels:
            if self.annotations is None:
                raise UsageError(f"expected annotations=, the CSV file of annotations, for {self.name!r}, found none")
            columns["label"] = datasets.ClassLabel(names=self._labels())
            columns.update((name, datasets.Value("string")) for name in read_annotators(self.annotations))
        columns.update(datasets.Features.from_arrow_schema(METADATA))
        if not self.has_labels:
            columns["is_duplicate"] = datasets.Value("bool")
        return datasets.Features(columns)

    @cached_property
    def schema(self) -> pa.Schema:
        """The same as Arrow types; every `arrow_schema` of features is made anew."""
        return self.features.arrow_schema

    def info(self) -> datasets.DatasetInfo:
        """What the data set says of itself."""
        what = f"annotated spans, {self.name}" if self.has_labels else "every match, unlabelled"
        stamp = _SYNTHETIC if self.files.is_synthetic else ""
        return datasets.DatasetInfo(
            description=stamp + _DESCRIPTION.format(what=what),
            features=self.features,
            homepage=_HOMEPAGE,
            license="" if stamp else _LICENSE,
        )

    def identity(self) -> str:
        """A digest of the input files and the options that decide the result."""
        options: dict[str, Any] = {"name": self.name}
        inputs = list(self.files.paths.values())
        if self.has_labels:
            options |= {"split": self.split, "seed": self.seed}
            inputs += [Path(path) for path in (self.annotations, self.split_admissions) if path is not None]
        else:
            options["duplicates"] = self.duplicates
        if missing := [str(path) for path in inputs if not path.is_file()]:
            raise UsageError(f"expected files at {', '.join(missing)}, found none")
        return input_identity(inputs, options)

    def create_config_id(self, config_kwargs: dict[str, Any], custom_features: datasets.Features | None = None) -> str:
        """The name of this build in a cache: another one whenever an input or an option changes."""
        identity: str = super().create_config_id({"inputs": self.identity()}, custom_features)
        return identity

    def rows(self, spans: pa.Table) -> pa.Table:
        """Annotated spans of this configuration's task in the columns of its features."""
        if self.name != ALL_TASKS:
            spans = spans.filter(pc.equal(spans["task"], self.name))
        labels = pc.index_in(spans["label"], pa.array(self._labels())).cast(pa.int64())
        spans = spans.set_column(spans.column_names.index("label"), "label", labels)
        return spans.select(self.schema.names).cast(self.schema)

    def _labels(self) -> list[str]:
        """Labels of the task in their fixed order; of all tasks together, alphabetically."""
        tasks = load_tasks()
        if self.name == ALL_TASKS:
            return sorted({label for task in tasks.values() for label in task.labels})
        return list(tasks[self.name].labels)


class StigmaSpans(datasets.ArrowBasedBuilder):
    """Builds the data set from local MIMIC-IV files, into a cache folder of the person's choice.

    The configurations `adamant`, `compliance`, `other` and `all` hold annotated spans in the splits train, validation
    and test; `matches` holds every match of every note in the one split train.

        builder = StigmaSpans("cache", config_name="all", mimic="mimic-iv", annotations="annotations.csv")
        builder.download_and_prepare()
        spans = builder.as_dataset()

    Args:
        cache_dir: Where to keep the Arrow files; they hold text of notes. Made readable by its owner alone.
        config_name: The configuration.
        hash: Identity of the code; the installed one unless given.
        **kwargs: Fields of `StigmaSpansConfig`, and other arguments of `datasets.DatasetBuilder`.

    Attributes:
        report: The account of the build, once it has run in this process.

    Raises:
        UsageError: If an input is not as it should be, or no cache folder is named.
    """

    BUILDER_CONFIG_CLASS = StigmaSpansConfig
    BUILDER_CONFIGS = [StigmaSpansConfig(name=name) for name in CONFIGURATIONS]
    DEFAULT_CONFIG_NAME = ALL_TASKS

    def __init__(
        self,
        cache_dir: str | Path | None = None,
        dataset_name: str | None = None,
        config_name: str | None = None,
        hash: str | None = None,
        **kwargs: Any,
    ) -> None:
        if cache_dir is None:
            raise UsageError("expected cache_dir=, a folder of your own for data that holds text of notes, found none")
        if config_name not in (None, *CONFIGURATIONS):
            raise UsageError(f"expected a configuration among {', '.join(CONFIGURATIONS)}, found {config_name!r}")
        self.report: BuildReport | None = None
        self._num_proc = 1
        private_folder(cache_dir)
        super().__init__(str(cache_dir), dataset_name, config_name, hash or code_identity(), **kwargs)

    def _info(self) -> datasets.DatasetInfo:
        return self.config.info()

    def _split_generators(self, dl_manager: Any) -> list[datasets.SplitGenerator]:
        config = self.config
        if not config.has_labels:
            return [datasets.SplitGenerator(datasets.Split.TRAIN, gen_kwargs={"spans": None})]
        with tqdm(desc="Reading notes", unit=" notes") as bar:
            builder = Builder(config.files, on_notes=bar.update)
            spans = builder.spans(
                config.annotations, config.split, config.seed, config.split_admissions, self._num_proc
            )
        self.report = spans.report
        return [
            datasets.SplitGenerator(name, gen_kwargs={"spans": config.rows(spans.splits[name])}) for name in SPLITS
        ]

    def _generate_tables(self, spans: pa.Table | None) -> Iterator[tuple[int, pa.Table]]:
        if spans is not None:
            yield 0, spans
            return
        with tqdm(desc="Reading notes", unit=" notes") as bar:
            builder = Builder(self.config.files, on_notes=bar.update)
            self.report = BuildReport(builder.release)
            yield from enumerate(builder.matches(self.report, self.config.duplicates, self._num_proc))

    def _download_and_prepare(
        self, dl_manager: Any, verification_mode: Any, num_proc: int | None = None, **kwargs: Any
    ) -> None:
        # One gzip file cannot be read in several places at once, so processes share its notes and not its splits.
        self._num_proc = num_proc or 1
        super()._download_and_prepare(dl_manager, verification_mode, **kwargs)
        if self.report:
            self.report.save(Path(self._output_dir) / REPORT)

    def _as_dataset(self, split: Any = datasets.Split.TRAIN, in_memory: bool = False) -> datasets.Dataset:
        # The library writes a split without rows and then refuses to read it.
        if str(split) in self.info.splits and not self.info.splits[str(split)].num_examples:
            empty = self.config.schema.empty_table()
            return datasets.Dataset(empty, self.info.copy(), datasets.NamedSplit(str(split)))
        return super()._as_dataset(split, in_memory)


def enable_load_dataset() -> None:
    """Make `datasets.load_dataset("stigma_spans", name, data_dir=..., annotations=..., cache_dir=...)` work here.

    Since version 4 the library runs no loading scripts; it knows its own builders only, by a private table that this
    adds one to. `stigma_hf.load_spans` needs no such thing.
    """
    from datasets.packaged_modules import _PACKAGED_DATASETS_MODULES

    _PACKAGED_DATASETS_MODULES["stigma_spans"] = (__name__, code_identity())
