#!/usr/bin/env python3
"""Django's command line for R4Web."""

import os
import sys


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "r4web.settings")
    try:
        from django.core.management import execute_from_command_line  # noqa: PLC0415 - says what to do without Django
    except ImportError:
        sys.exit("Django is not installed here. Run `make install`, then use .venv/bin/python manage.py.")
    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
