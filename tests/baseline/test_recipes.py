import pytest

from stigma_hf.baseline.recipes import PUBLISHED, Recipe, load_recipe, make_step, recipe_names
from stigma_hf.errors import UsageError

RECIPE = load_recipe("logistic-regression-context")


def test_every_recipe_of_the_package_can_be_made():
    assert recipe_names()[:4] == list(PUBLISHED)
    for name in recipe_names():
        recipe = load_recipe(name)
        assert recipe.name == name
        for entry in [*recipe.for_all_tasks, *recipe.for_each_task]:
            make_step(recipe, entry)


def test_settings_reach_the_step():
    assert make_step(RECIPE, RECIPE.for_each_task[0]).stop_words == ["patient", "pt"]
    step = make_step(RECIPE, {"sklearn.feature_extraction.text.HashingVectorizer": {"ngram_range": [1, 2]}})
    assert step.ngram_range == (1, 2)


def test_a_recipe_of_your_own_is_read_from_its_file(tmp_path):
    file = tmp_path / "mine.yaml"
    file.write_text("title: Mine\nestimator: majority-overall\n")
    assert load_recipe(file) == Recipe("mine", "Mine", "majority-overall")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: [", "expected YAML"),
        ("- a", "expected a mapping, found list"),
        ("title: T\nestimator: majority-overall\nalfa: 1", "found title, estimator, alfa"),
        ("title: T", "expected title, estimator"),
        ("title: T\nestimator: oracle", "expected estimator among majority-overall, .*, found 'oracle'"),
        (
            "title: T\nestimator: majority-overall\nties: rarest",
            "ties among label-order, rarest-first, found 'rarest'",
        ),
        ("title: T\nestimator: scikit-learn", "expected steps under for_all_tasks and for_each_task, found none"),
    ],
)
def test_a_file_that_is_no_recipe_is_refused(tmp_path, text, message):
    file = tmp_path / "mine.yaml"
    file.write_text(text)
    with pytest.raises(UsageError, match=message):
        load_recipe(file)


def test_an_unknown_recipe_is_refused_with_the_choices():
    with pytest.raises(UsageError, match="one of majority-overall, .*, hashing.*, found 'oracle'"):
        load_recipe("oracle")


@pytest.mark.parametrize(
    "name", ["Oracle", "os.system", "sklearn.os.system", "sklearn.nothing.Here", "sklearn.set_config"]
)
def test_a_step_that_is_neither_ours_nor_of_scikit_learn_is_refused(name):
    with pytest.raises(UsageError, match=f"expected a step among .*, found '{name}'"):
        make_step(RECIPE, {name: None})


def test_an_unknown_setting_is_refused_with_the_choices():
    with pytest.raises(UsageError, match="settings of PhraseLearner among min_count, passes, threshold, found pass"):
        make_step(RECIPE, {"PhraseLearner": {"pass": 2}})


@pytest.mark.parametrize("entry", ["PhraseLearner", {}, {"a": 1, "b": 2}])
def test_a_step_that_is_not_one_name_is_refused(entry):
    with pytest.raises(UsageError, match="expected a step as `name: {setting: value}`"):
        make_step(RECIPE, entry)
