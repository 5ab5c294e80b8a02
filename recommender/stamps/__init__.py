"""Stamps: how a process knows, without asking for rows, that nothing was written into what it keeps of a catalog."""
