from itertools import combinations

import pytest

from stigma_hf.demo.labels import LOOKS, PAGES, colours_as_css, definitions, look_of
from stigma_hf.tasks import load_tasks


def luminance(colour):
    channels = (int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5))
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one, other):
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("name", LOOKS)
@pytest.mark.parametrize("scheme", PAGES)
def test_words_are_legible_and_lines_show(name, scheme):
    page, text = PAGES[scheme]
    tint, line = getattr(LOOKS[name], f"{scheme}_tint"), getattr(LOOKS[name], scheme)
    assert contrast(text, tint) >= 4.5
    assert contrast(line, page) >= 3
    assert contrast(line, tint) >= 2.5


def test_labels_of_a_task_differ_without_any_colour():
    for task in load_tasks().values():
        for one, other in combinations(task.labels, 2):
            assert one != other and {one, other} == {"exclude", "neutral"} or LOOKS[one].line != LOOKS[other].line


def test_every_label_has_a_look_and_a_definition():
    assert {task: list(of) for task, of in definitions().items()} == {
        task.id: list(task.labels) for task in load_tasks().values()
    }
    assert all(look_of(label) == label for task in load_tasks().values() for label in task.labels)
    assert look_of("something else") == "exclude"
    assert all(f".look-{name} " in colours_as_css() for name in LOOKS)
