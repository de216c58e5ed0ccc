"""How well models label spans: predictions, figures with intervals, comparisons, calibration and their records."""
