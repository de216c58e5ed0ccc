"""The demo page: a note on one's own machine, with the words that may read as stigmatizing, and why."""
