"""The whole path on this machine, driven as the commands a person would type."""
