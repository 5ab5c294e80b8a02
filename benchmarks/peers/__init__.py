"""Other loops that the training benchmark runs beside ours, on the same rows and the same model.

A loop is a callable: `loop(samples)` trains on about so many more samples, loading included, and returns how many.
"""
