"""What PMs browse: the groups of a catalog's end users, and what a group's expert changes."""
