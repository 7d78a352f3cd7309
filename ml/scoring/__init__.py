"""Score images by batch transform: the job, its outputs, a data set's splits, and unlabelled images."""
