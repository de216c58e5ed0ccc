"""The figures of the paper, measured again on the data given: each run on its own, so that all can be resumed."""
