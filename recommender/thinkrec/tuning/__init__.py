"""ThinkRec's three stages of tuning: one adapter for all, what turns vectors into tokens, an adapter for each group."""
