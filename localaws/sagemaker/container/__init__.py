"""Child processes in place of containers, and the registry of images that run here."""
