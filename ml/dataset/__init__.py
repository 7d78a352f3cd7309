"""From a source of radiographs to a versioned data set: read, standardise, group, split, list, upload."""
