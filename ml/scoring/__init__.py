"""Score images by batch transform: the job, its outputs, the splits of a data set, unlabelled images."""
