"""A small learned reader: which words of a text are an aspect, what is thought of it, and who thinks so."""
