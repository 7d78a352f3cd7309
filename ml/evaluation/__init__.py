"""From the scores of a model to what can be said of it."""
