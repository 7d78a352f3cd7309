"""HTML pages that are one file."""
