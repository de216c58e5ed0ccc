import pytest
import torch
from datasets import Dataset, IterableDataset
from transformers import AutoConfig, pipeline
from transformers.pipelines.pt_utils import KeyDataset

from stigma_hf import Lexicon
from stigma_hf.publishing import NotPublishable

NOTES = ["", "Pt insists he took it; pleasant, refused labs.", "No events.", "She claims pain.", "\n"]
KEYS = ["task", "anchor", "start", "end", "word", "label", "score", "probabilities", "context"]


@pytest.fixture(scope="module")
def expected(pipe):
    return [pipe(note) for note in NOTES]


def test_a_note_gives_one_list_of_spans_ordered_by_position(pipe):
    spans = pipe(NOTES[1])
    assert [list(span) for span in spans] == [KEYS] * 3
    assert [span["start"] for span in spans] == sorted(span["start"] for span in spans)
    for span in spans:
        assert NOTES[1][span["start"] : span["end"]] == span["word"]
        assert span["score"] == max(span["probabilities"].values()) == span["probabilities"][span["label"]]
        assert sum(span["probabilities"].values()) == pytest.approx(1)
        assert list(span["probabilities"]) == sorted(span["probabilities"])


def test_notes_without_anchors_give_empty_lists_and_never_shift_the_order(pipe, expected):
    assert [len(spans) for spans in pipe(NOTES)] == [0, 3, 0, 1, 0]
    assert pipe(NOTES) == expected


@pytest.mark.parametrize("batch_size", [1, 2, 3, 16, 1000])
def test_batch_size_never_changes_a_prediction(pipe, expected, batch_size):
    assert pipe(NOTES * 40, batch_size=batch_size) == expected * 40


@pytest.mark.parametrize(
    "wrap",
    [
        tuple,
        lambda notes: Dataset.from_dict({"text": notes}),
        lambda notes: Dataset.from_dict({"body": notes})["body"],
        lambda notes: KeyDataset(Dataset.from_dict({"body": notes}), "body"),
    ],
    ids=["tuple", "dataset", "column", "key dataset"],
)
def test_everything_with_a_length_gives_a_list_of_that_length(pipe, expected, wrap):
    assert pipe(wrap(NOTES)) == expected


def test_nothing_gives_nothing(pipe):
    assert pipe([]) == []
    assert list(pipe(iter([]))) == []


def test_a_generator_gives_a_lazy_generator(pipe, expected):
    taken = []

    def notes():
        for number in range(1000):
            taken.append(number)
            yield NOTES[1]

    results = pipe(notes(), batch_size=2)
    assert next(results) == expected[1]
    assert len(taken) < 200
    stream = pipe(IterableDataset.from_generator(lambda: iter([{"text": note} for note in NOTES])))
    assert list(stream) == expected


def test_a_stream_without_anchors_does_not_wait_for_a_full_batch(pipe):
    def notes():
        yield "refused"
        yield from ("nothing" for _ in range(5000))
        raise AssertionError("read too far")

    assert len(next(pipe(notes(), batch_size=64))) == 1


def test_ready_made_windows_are_labelled_as_they_are(pipe):
    windows = [
        {"task": "compliance", "anchor": "refused", "context": "she refused labs", "label": "ignored"},
        {"task": "other", "anchor": "absent", "context": "nothing here"},
    ]
    first, second = pipe(windows)
    assert (first[0]["word"], first[0]["start"], first[0]["end"]) == ("refused", 4, 11)
    assert first[0]["label"] == "negative"
    assert (second[0]["word"], second[0]["start"], second[0]["end"]) == ("absent", None, None)
    assert set(second[0]["probabilities"].values()) == {0.25}
    assert pipe(windows[0]) == first
    assert pipe(Dataset.from_list(windows[1:])) == [second]
    assert pipe(windows, tasks="other") == [[], second]


def test_tasks_and_top_k_restrict_the_answer(pipe):
    spans = pipe(NOTES[1], tasks=["compliance", "other"], top_k=2)
    assert [span["task"] for span in spans] == ["other", "compliance"]
    for span in spans:
        assert len(span["probabilities"]) == 2
        assert next(iter(span["probabilities"])) == span["label"]


def test_own_lexicon_and_windows_are_used(pipe):
    spans = pipe("He swears, refused.", lexicon=Lexicon({"adamant": ["swears"]}), window_words=1)
    assert [(span["anchor"], span["context"]) for span in spans] == [("swears", "he swears, refused.")]
    assert spans[0]["probabilities"] == pytest.approx({"difficult": 1 / 3, "disbelief": 1 / 3, "exclude": 1 / 3})


@pytest.mark.parametrize(
    ("inputs", "kind", "message"),
    [
        (3, TypeError, "expected a note, several notes or windows, found int"),
        (["refused", 3], TypeError, "input 1: expected a note as text, or a window, found int"),
        ([None], TypeError, "input 0: .* found NoneType"),
        ({"anchor": "a"}, ValueError, r"input 0: expected a window .* found the keys \['anchor'\]"),
        ({"task": "x", "anchor": "a", "context": "a"}, ValueError, "expected a task among adamant, compliance, other"),
    ],
)
def test_what_is_neither_note_nor_window_is_refused(pipe, inputs, kind, message):
    with pytest.raises(kind, match=message):
        pipe(inputs)


@pytest.mark.parametrize(
    ("parameters", "kind", "message"),
    [
        ({"tasks": ["stigma"]}, ValueError, "expected tasks among adamant, compliance, other, found 'stigma'"),
        ({"top_k": 0}, ValueError, "top_k to be a whole number from 1 on, found 0"),
        ({"batch_size": -2}, ValueError, "batch_size to be a whole number from 1 on, found -2"),
        ({"window": "raw"}, ValueError, "expected window among trained, released-api"),
        ({"threshold": 1}, TypeError, "found threshold"),
    ],
)
def test_unknown_parameters_and_values_are_refused(pipe, parameters, kind, message):
    with pytest.raises(kind, match=message):
        pipe("refused", **parameters)
    with pytest.raises(kind, match=message):
        list(pipe(iter(["refused"]), **parameters))


def test_a_saved_pipeline_loads_without_remote_code_and_answers_the_same(pipe, expected, tmp_path):
    pipe.save_pretrained(tmp_path)
    assert "custom_pipelines" not in (tmp_path / "config.json").read_text()
    assert not list(tmp_path.glob("*.py"))
    assert pipeline("stigma-classification", model=str(tmp_path))(NOTES) == expected


def test_a_model_of_another_kind_is_refused_when_it_loads(tmp_path):
    AutoConfig.for_model("bert", hidden_size=8, num_hidden_layers=1, num_attention_heads=1).save_pretrained(tmp_path)
    with pytest.raises(ValueError, match="Could not load model"):
        pipeline("stigma-classification", model=str(tmp_path))


def test_device_is_accepted(expected):
    assert pipeline("stigma-classification", device="cpu")(NOTES) == expected
    assert pipeline("stigma-classification", device=torch.device("cpu"))(NOTES) == expected


def test_the_embedded_default_says_what_it_is(caplog):
    pipeline("stigma-classification")
    assert "Majority per anchor, from the label counts printed in Harrigian et al. 2023" in caplog.text


def test_nothing_can_be_pushed(pipe, tmp_path):
    for push in (
        lambda: pipe.push_to_hub("someone/model"),
        lambda: pipe.model.push_to_hub("someone/model"),
        lambda: pipe.save_pretrained(tmp_path, push_to_hub=True),
        lambda: pipe.model.save_pretrained(tmp_path, push_to_hub=True),
    ):
        with pytest.raises(NotPublishable, match="push_to_hub is closed"):
            push()
    assert not list(tmp_path.iterdir())
