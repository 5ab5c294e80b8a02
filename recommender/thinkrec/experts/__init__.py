"""Groups of end users, which of their experts acts for one, and experts of a language model, fused exactly."""
