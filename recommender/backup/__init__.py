"""Database and made files as one archive, and back again."""
