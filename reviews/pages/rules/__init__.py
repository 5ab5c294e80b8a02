"""What becomes of single items in a catalog's lists: business rules, seen by PMs, set and ended by leads."""
