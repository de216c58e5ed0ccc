"""A made-up population whose shares are known, and corpora drawn from it as a hospital would have them.

Anchors differ in how often they stand and in what they mean; patients differ in how they are written about, so labels
of one patient depend on each other; groups differ in their anchors, their labels and in the errors of the model. A
corpus is patients drawn at random, its labelled sample is drawn by the published protocol.
"""

from dataclasses import dataclass

import numpy as np

from stigma_hf.prevalence.spans import UNKNOWN, CorpusSpans, Grouping

LABELS = ("negative", "neutral", "positive")
GROUPS = ("a", "b", "c")


@dataclass(frozen=True)
class Scenario:
    """What a population is like, and how it is sampled."""

    n_patients: int = 60_000
    n_anchors: int = 24
    group_shares: tuple[float, ...] = (0.55, 0.30, 0.15)
    model_strength: float = 2.5
    label_offsets: tuple[float, ...] = (0.0, 0.0, 0.0)
    share_of_repeats: float = 0.0
    spans_per_patient: float = 2.2
    patient_spread: float = 0.9
    corpus_patients: int = 4000
    per_anchor: int = 30
    per_task: int = 500
    sampled_groups: tuple[int, ...] = (0, 1, 2)
    seed: int = 0


SCENARIOS = {
    "base": Scenario(),
    "weak model": Scenario(model_strength=0.7),
    "rare label": Scenario(label_offsets=(-3.5, 0.0, 0.0)),
    "repeated texts": Scenario(share_of_repeats=0.2),
    "strong clusters": Scenario(spans_per_patient=6, patient_spread=2.0, corpus_patients=1500),
    "few labels": Scenario(per_anchor=10, per_task=200),
    "another population": Scenario(seed=7),
    "sampled in one group only": Scenario(sampled_groups=(0,)),
}


def softmax(values):
    powers = np.exp(values - values.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def draw_from(rng, probabilities):
    """One number per row of probabilities."""
    return (
        (rng.random(len(probabilities))[:, None] > probabilities.cumsum(axis=1))
        .sum(axis=1)
        .clip(max=probabilities.shape[1] - 1)
    )


class Population:
    """Spans of all patients there are, with their true labels."""

    def __init__(self, scenario: Scenario) -> None:
        self.scenario = s = scenario
        rng = np.random.default_rng(s.seed)
        k, n = len(LABELS), s.n_patients
        group = rng.choice(len(GROUPS), n, p=s.group_shares)
        self.n_spans = rng.geometric(1 / s.spans_per_patient, n)
        self.first = np.r_[0, self.n_spans.cumsum()[:-1]]
        patient = np.repeat(np.arange(n), self.n_spans)
        self.group = group[patient]
        self.note = rng.integers(0, 3, len(patient))
        frequency = 1 / np.arange(1, s.n_anchors + 1) ** 1.2
        mix = frequency * np.exp(rng.normal(0, 0.4, (len(GROUPS), s.n_anchors)))
        mix /= mix.sum(axis=1, keepdims=True)
        favourite = draw_from(rng, mix[group])
        self.anchor = np.where(rng.random(len(patient)) < 0.4, favourite[patient], draw_from(rng, mix[self.group]))
        meaning = np.log(rng.dirichlet([0.6] * k, s.n_anchors).clip(0.004)) + np.array(s.label_offsets)
        written = rng.normal(0, s.patient_spread, (n, k))
        harsher = np.zeros((len(GROUPS), k))
        harsher[:, 0] = 0, 0.5, 0.9
        self.label = draw_from(rng, softmax(meaning[self.anchor] + written[patient] + harsher[self.group]))
        habits = rng.normal(0, 0.8, (s.n_anchors, k))
        sees = rng.uniform(0.5, 1.3, s.n_anchors) * s.model_strength
        unfair = np.zeros((len(GROUPS), k))
        unfair[2, 0], unfair[1, 1] = 1.0, 0.5
        scores = (
            0.5 * meaning[self.anchor] + habits[self.anchor] + unfair[self.group] + rng.normal(0, 1, (len(patient), k))
        )
        scores[np.arange(len(patient)), self.label] += sees[self.anchor]
        self.probabilities = softmax(scores)
        self.text = np.full(len(patient), UNKNOWN)
        self._repeat(rng)

    def _repeat(self, rng) -> None:
        """Make some spans repeats of a text, with the label and the prediction of its first occurrence."""
        n_texts = 100
        popularity = 1 / np.arange(1, n_texts + 1)
        is_repeat = rng.random(len(self.text)) < self.scenario.share_of_repeats
        drawn = rng.choice(n_texts, is_repeat.sum(), p=popularity / popularity.sum())
        self.text[is_repeat] = self.anchor[is_repeat] * n_texts + drawn
        _, first, again = np.unique(self.text[is_repeat], return_index=True, return_inverse=True)
        source = np.flatnonzero(is_repeat)[first][again]
        self.label[is_repeat] = self.label[source]
        self.probabilities[is_repeat] = self.probabilities[source]

    def share(self, group: int | None = None):
        """True share of each label."""
        return self._share(slice(None) if group is None else self.group == group)

    def _share(self, spans):
        return np.bincount(self.label[spans], minlength=len(LABELS)) / len(self.label[spans])

    def ratio(self, group: int, reference: int):
        """True ratio of shares at the population's mix of anchors."""
        mix = np.bincount(self.anchor) / len(self.anchor)
        standard = [
            sum(share * self._share((self.group == g) & (self.anchor == anchor)) for anchor, share in enumerate(mix))
            for g in (group, reference)
        ]
        return standard[0] / standard[1]

    def harmed_notes(self):
        """True share of notes with a negative span."""
        note = np.repeat(np.arange(len(self.n_spans)), self.n_spans) * 3 + self.note
        numbers = np.unique(note, return_inverse=True)[1]
        return (np.bincount(numbers, self.label == 0) > 0).mean()

    def corpus(self, rng) -> CorpusSpans:
        """Patients drawn at random with all their spans, some of them labelled."""
        s = self.scenario
        drawn = rng.choice(len(self.n_spans), s.corpus_patients)
        counts = self.n_spans[drawn]
        places = np.repeat(self.first[drawn] - np.r_[0, counts.cumsum()[:-1]], counts) + np.arange(counts.sum())
        patient = np.repeat(np.arange(s.corpus_patients), counts)
        n = len(places)
        text = np.where(self.text[places] == UNKNOWN, self.text.max() + 1 + np.arange(n), self.text[places])
        text = np.unique(text, return_inverse=True)[1]
        anchor, label, probabilities = self.anchor[places], self.label[places], self.probabilities[places]
        group = self.group[places]
        may_be_drawn = np.isin(group, s.sampled_groups)
        is_labelled = np.zeros(n, dtype=bool)
        is_labelled[may_be_drawn] = draw_sample(
            rng, anchor[may_be_drawn], text[may_be_drawn], s.per_anchor, s.per_task
        )
        return CorpusSpans(
            "compliance",
            LABELS,
            tuple(f"anchor {number}" for number in range(s.n_anchors)),
            anchor,
            patient,
            np.unique(patient * 3 + self.note[places], return_inverse=True)[1],
            text,
            probabilities.argmax(axis=1),
            probabilities,
            np.where(is_labelled, label, UNKNOWN),
            {"group": Grouping(GROUPS, group)},
        )


def draw_sample(rng, anchor, text, per_anchor, per_task):
    """Which spans are labelled: of each anchor some texts, others until there are enough, and all their repeats."""
    first = rng.permutation(np.unique(text, return_index=True)[1])
    by_anchor = np.argsort(anchor[first], kind="stable")
    begins = np.searchsorted(anchor[first][by_anchor], np.arange(anchor.max() + 1))
    rank = np.empty(len(first), dtype=int)
    rank[by_anchor] = np.arange(len(first)) - begins[anchor[first][by_anchor]]
    is_drawn = rank < per_anchor
    is_drawn[np.flatnonzero(~is_drawn)[: max(0, per_task - is_drawn.sum())]] = True
    return np.isin(text, text[first[is_drawn]])
