"""A small learned reader: which words of a text are an aspect, what is thought of it, and who thinks so.

network.onnx are the lower six layers of sentence-transformers/all-mpnet-base-v2 (Apache-2.0; Microsoft's MPNet, MIT),
changed by our fit (benchmarks/fit_tagger.py) and rounded to eight bits; tokenizer.json is that model's as it is.
"""
