from threading import Thread

import numpy as np
import pytest

from stigma_hf.baseline.token_lists import Codebook, TokenLists

LISTS = [["no", "pain"], [], ["pain"]]


def test_token_lists_read_as_lists():
    lists = TokenLists.of(LISTS)
    assert list(lists) == LISTS
    assert len(lists) == 3 and lists[-1] == ["pain"] and lists[:2] == LISTS[:2]
    with pytest.raises(IndexError):
        lists[3]


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
