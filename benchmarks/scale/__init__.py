"""What a data set of any size takes to prepare: time, memory, requests and dollars."""
