"""ThinkRec (arXiv 2505.15091): a language model that scores by its Yes, reasons, and knows groups of end users."""
