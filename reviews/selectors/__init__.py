"""What the review pages show, read with a fixed number of queries."""
