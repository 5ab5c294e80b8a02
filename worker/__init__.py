"""What runs in the background: tasks by job name, the embedded endpoint, and the supervisor behind `make run`."""
