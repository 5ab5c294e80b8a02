"""A language model scores candidates by its Yes and No: what it is asked, its scores, the lists made of them."""
