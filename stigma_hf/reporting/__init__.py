"""Reports on how well models label spans: figures, comparisons and subgroups as JSON, Markdown and one HTML page."""
