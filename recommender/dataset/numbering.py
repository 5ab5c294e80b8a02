"""How items and knowledge texts are numbered in what a backbone sees. Numpy only."""

PADDING_ITEM, UNKNOWN_ITEM, FIRST_ITEM = range(3)  # pads a history; an item never met; the catalog's first item
NO_TEXT = 0  # row 0 of the knowledge vectors
