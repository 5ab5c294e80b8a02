class BackupError(Exception):
    """Why nothing was written or changed, or what to do now, in one or two sentences."""
