"""What PMs browse: an end user's list and why it is so."""
