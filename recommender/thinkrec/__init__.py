"""ThinkRec: an LLM that ranks, and thinks, on vectors learnt from who liked what (arXiv 2505.15091)."""
