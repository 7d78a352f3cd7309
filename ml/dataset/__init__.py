"""From a source of radiographs to a versioned data set: found, standardised, grouped, split, listed."""
