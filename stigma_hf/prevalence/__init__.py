"""How often each label stands in a corpus, corrected by a labelled sample, with patient-clustered uncertainty."""
