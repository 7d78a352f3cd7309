"""Child processes in place of containers: the images that run here, their model files, and serving."""
