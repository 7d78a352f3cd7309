"""Training jobs: the request, its price, following a job, and the records of past runs."""
