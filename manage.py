#!/usr/bin/env python3
"""Django's command line for R4Web."""

import os
import sys


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "r4web.settings")
    try:
        from django.core.exceptions import ImproperlyConfigured  # noqa: PLC0415 - says what to do without Django
        from django.core.management import execute_from_command_line  # noqa: PLC0415 - likewise
        from django.db import DatabaseError  # noqa: PLC0415 - likewise
    except ImportError:
        sys.exit("Django is not installed here. Run `make install`, then use .venv/bin/python manage.py.")
    try:
        execute_from_command_line(sys.argv)
    except ImproperlyConfigured as error:
        sys.exit(f"{error} (docs/settings.md)")
    except DatabaseError as error:
        from recommender.api.unavailable import OF_ANOTHER_RELEASE, reason  # noqa: PLC0415 - likewise

        if reason(error) != OF_ANOTHER_RELEASE:
            raise
        sys.exit("The database lacks tables: `make run` makes them, and so does `python manage.py migrate`.")
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
