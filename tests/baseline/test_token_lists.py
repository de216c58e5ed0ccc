from threading import Thread

import numpy as np
import pytest

from stigma_hf.baseline.token_lists import Codebook, TokenLists

LISTS = [["no", "pain"], [], ["pain"]]


def test_token_lists_read_as_lists():
    lists = TokenLists.of(LISTS)
    assert list(lists) == LISTS
    assert len(lists) == 3 and lists[-1] == ["pain"]
    with pytest.raises(IndexError):
        lists[3]


@pytest.mark.parametrize(
    "part",
    [slice(1, 3), slice(None), slice(-1, None), slice(2, 1), slice(5, 9), slice(None, None, 2), slice(None, None, -1)],
)
def test_a_part_of_token_lists_is_token_lists(part):
    lists = TokenLists.of(LISTS)
    assert isinstance(lists[part], TokenLists)
    assert list(lists[part]) == LISTS[part]
    assert lists[part].codebook is lists.codebook


def test_token_lists_are_taken_as_they_are():
    lists = TokenLists.of(LISTS)
    assert TokenLists.of(lists) is lists
    assert list(TokenLists.of([])) == []


def test_kept_tokens_stay_in_their_lists():
    lists = TokenLists.of(LISTS)
    assert lists.starts().tolist() == [True, False, True]
    assert list(lists.keep(np.array([False, True, False]))) == [["pain"], [], []]


def test_threads_that_share_a_codebook_agree_on_the_codes():
    codebook = Codebook()
    words = [str(number) for number in range(5000)]
    found = {}

    def encode(name, step):
        found[name] = codebook.encode(words[::step])

    threads = [Thread(target=encode, args=(step, step)) for step in (1, -1, 2, -2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for step, codes in found.items():
        assert [codebook.tokens[code] for code in codes] == words[::step]
    assert len(codebook) == 5000
