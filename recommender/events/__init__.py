"""What a shop sends while it runs: events of end users, items, end users and interactions, many at once.

Every write takes the catalog's lock for a few thousand rows at a time (catalogs.changes), so that two calls with the
same entries, or an erasure between them, leave what one after the other would.
"""
