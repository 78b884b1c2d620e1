"""Report: numbers become pictures and words."""
