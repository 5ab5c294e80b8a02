"""ThinkRec (arXiv 2505.15091): a language model as the scorer, with experts for groups of end users."""
