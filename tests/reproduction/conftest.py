import pytest

from reproduction.labelled_folder import write_folder
from stigma_hf.reproduction.workers import Outcome, _attempt


@pytest.fixture(scope="session")
def data(tmp_path_factory):
    return write_folder(tmp_path_factory.mktemp("spans"))


@pytest.fixture(scope="module")
def jobs_done_here():
    """The runs that were done, in this process: starting others takes seconds."""
    done = []

    def share_out(jobs, work, workers, prepare=None):
        for job in jobs:
            done.append(job)
            yield Outcome(job, *_attempt(work, job))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("stigma_hf.reproduction.experiment.share_out", share_out)
        yield done


@pytest.fixture
def jobs_done(jobs_done_here):
    """Those of one test."""
    jobs_done_here.clear()
    return jobs_done_here
