"""From a text to its statements, and from an item to the facts that these are held against. Pure; owns its types."""
