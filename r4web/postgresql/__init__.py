"""Django's backend for PostgreSQL, which asks a connection that was just used no question before a request's first."""
