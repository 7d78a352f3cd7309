"""All steps from radiographs to a prediction on this machine, run as the commands that you would type."""
