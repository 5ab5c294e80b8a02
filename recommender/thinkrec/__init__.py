"""ThinkRec: an LLM scores candidates by its Yes and No, and says why."""
