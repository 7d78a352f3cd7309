"""Compare the images that the endpoint receives with the validation images."""
