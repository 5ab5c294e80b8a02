"""Experiments on served lists: written, started, stopped, and what they found. Serving reads them: serving.variants."""
