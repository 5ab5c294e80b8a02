"""Everything of one machine as one command: children started, watched, restarted and ended together."""
