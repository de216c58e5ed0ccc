"""Wording hints: for anchors that were labelled in a way that may harm, a sourced principle and a neutral example.

They are reading for people. No function here changes a note, and there is no table of replacement words to build one
from: what to write instead depends on facts that only the writer knows. The hints live in
`resources/wording_hints.yaml`, whose head says how one is written.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import as_file
from importlib.resources.abc import Traversable
from itertools import product
from typing import Any

import yaml

from stigma_hf.baseline.counts import read_published_counts
from stigma_hf.lexicon import Lexicon
from stigma_hf.search import AnchorSearch
from stigma_hf.tasks import RESOURCES, load_tasks

HARMFUL: Mapping[str, tuple[str, ...]] = {
    "adamant": ("difficult", "disbelief"),
    "compliance": ("negative",),
    "other": ("negative",),
}
"""The labels of each task that may harm the patient they are about."""

LONGEST = 320
"""Characters of the longest principle or example: they are read beside a note."""


@dataclass(frozen=True)
class WordingHint:
    """How what an anchor says can be written neutrally.

    Attributes:
        family: Name of the group of anchors that it is for.
        task: Task of these anchors.
        anchors: The anchors.
        labels: The labels for which it is meant.
        principle: What to do instead, in our words.
        example_before: An invented sentence with an anchor of the family.
        example_after: The same facts without any anchor of the lexicon.
        source: The publication it rests on.
        source_url: Where that is found.
        source_says: What it says, in our words.
    """

    family: str
    task: str
    anchors: tuple[str, ...]
    labels: tuple[str, ...]
    principle: str
    example_before: str
    example_after: str
    source: str
    source_url: str
    source_says: str


def hints_for(anchor: str, label: str) -> list[WordingHint]:
    """The hints for one use of an anchor; none where the label does no harm or the anchor is not a published one.

    Args:
        anchor: An anchor of the published lexicon; case does not matter.
        label: The label that the use was given.

    Example:
        >>> [hint.source.split(".")[0] for hint in hints_for("insists", "disbelief")]
        ['Beach MC, Saha S, Park J, et al']
        >>> hints_for("insists", "exclude")
        []
    """
    return [hint for hint in load_hints() if anchor.lower() in hint.anchors and label in hint.labels]


@cache
def load_hints(file: Traversable | None = None) -> tuple[WordingHint, ...]:
    """All hints of a file, in its order; those of the package when None.

    Raises:
        ValueError: If the file lacks something or has something unknown; the message names it.
    """
    file = file or RESOURCES / "wording_hints.yaml"
    content = yaml.safe_load(file.read_text(encoding="utf-8"))
    return tuple(_read(content))


def _read(content: Mapping[str, Any]) -> Iterator[WordingHint]:
    _check_keys("wording hints", content, ("sources", "families"))
    sources: dict[str, dict[str, str]] = content["sources"]
    for name, source in sources.items():
        _check_keys(f"source {name!r}", source, ("citation", "url", "says"))
    for family in content["families"]:
        place = f"family {family.get('name')!r}"
        _check_keys(place, family, ("name", "task", "anchors", "hints"))
        for hint in family["hints"]:
            _check_keys(place, hint, ("labels", "principle", "before", "after", "source"))
            if hint["source"] not in sources:
                raise ValueError(f"{place}: expected a source among {', '.join(sources)}, found {hint['source']!r}")
            source = sources[hint["source"]]
            yield WordingHint(
                family=family["name"],
                task=family["task"],
                anchors=tuple(family["anchors"]),
                labels=tuple(hint["labels"]),
                principle=hint["principle"],
                example_before=hint["before"],
                example_after=hint["after"],
                source=source["citation"],
                source_url=source["url"],
                source_says=source["says"],
            )


def _check_keys(place: str, entry: Mapping[str, Any], expected: tuple[str, ...]) -> None:
    if sorted(entry) != sorted(expected):
        raise ValueError(f"{place}: expected the keys {', '.join(expected)}, found {', '.join(entry)}")


def check_hints(hints: Iterable[WordingHint] | None = None) -> list[str]:
    """What is wrong with some hints, one line per problem; nothing if all is well.

    Args:
        hints: The hints; those of the package when None.
    """
    hints = load_hints() if hints is None else tuple(hints)
    search = AnchorSearch()
    problems = [
        f"{hint.family}: {problem}"
        for hint in hints
        for problem in (*_wrong_places(hint, search.lexicon), *_wrong_words(hint, search), *_wrong_form(hint))
    ]
    return [*problems, *_repeated(hints), *_missing(hints)]


def _wrong_places(hint: WordingHint, lexicon: Lexicon) -> Iterator[str]:
    """Anchors and labels that are none of the task."""
    for anchor in hint.anchors:
        if anchor not in lexicon.anchors.get(hint.task, ()):
            yield f"{anchor!r} is no anchor of the task {hint.task!r}"
    for label in hint.labels:
        if label not in HARMFUL.get(hint.task, ()):
            yield f"{label!r} is no label of the task {hint.task!r} that may harm"


def _wrong_words(hint: WordingHint, search: AnchorSearch) -> Iterator[str]:
    """Anchors in an example that should not be there, or are missing."""
    before = {match.anchor for match in search.search(hint.example_before)}
    if not before & set(hint.anchors):
        yield "expected an anchor of the family in the example before"
    for anchor in sorted(before - set(hint.anchors)):
        yield f"{anchor!r} of another family in the example before"
    for match in search.search(hint.example_after):
        yield f"the anchor {match.anchor!r} in the example after"


def _wrong_form(hint: WordingHint) -> Iterator[str]:
    """Texts that are blank or too long, and addresses that are none."""
    texts = {
        "principle": hint.principle,
        "example before": hint.example_before,
        "example after": hint.example_after,
        "source": hint.source,
        "what the source says": hint.source_says,
    }
    for name, text in texts.items():
        if not text.strip() or len(text) > LONGEST:
            yield f"expected 1 to {LONGEST} characters in the {name}, found {len(text.strip())}"
    if not hint.source_url.startswith("https://"):
        yield f"expected an address with https, found {hint.source_url!r}"


def _repeated(hints: Iterable[WordingHint]) -> Iterator[str]:
    """Examples that stand twice, and anchors in two families."""
    examples = Counter(text for hint in hints for text in (hint.example_before, hint.example_after))
    for text, times in examples.items():
        if times > 1:
            yield f"expected every example once, found {times} times: {text}"
    members = {(anchor, hint.family) for hint in hints for anchor in hint.anchors}
    for anchor, times in sorted(Counter(anchor for anchor, _ in members).items()):
        if times > 1:
            yield f"expected {anchor!r} in one family, found it in {times}"


def _missing(hints: Iterable[WordingHint]) -> Iterator[str]:
    """Anchors with published spans of a label that may harm, and without a hint for it."""
    covered = {pair for hint in hints for pair in product(hint.anchors, hint.labels)}
    for anchor, label in sorted(_harmful_uses() - covered):
        yield f"no hint for {anchor!r} labelled {label!r}"


@cache
def _harmful_uses() -> frozenset[tuple[str, str]]:
    """Anchor and label, for every label that may harm and that an anchor was given in either published data set."""
    labels = {task.id: task.labels for task in load_tasks().values()}
    with as_file(RESOURCES / "published" / "anchor_label_counts.csv") as path:
        tables = [read_published_counts(path, dataset, labels) for dataset in ("mimic", "jhm")]
    return frozenset(
        (anchor, label)
        for table in tables
        for task, rows in table.items()
        for anchor, row in rows.items()
        for label, count in zip(labels[task], row, strict=True)
        if count and label in HARMFUL[task]
    )
