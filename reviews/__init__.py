"""Where people decide: the review room, all other pages, and what decisions teach. It never imports worker."""
