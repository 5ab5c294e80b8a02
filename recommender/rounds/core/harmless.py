"""Data that cannot pass for anything but data, in a prompt and in what is read of an answer."""

import re

# Angle brackets and braces become others of Unicode's; characters that turn the direction of writing are left out.
_HARMLESS = str.maketrans("<>{}", "‹›｛｝") | dict.fromkeys([*range(0x202A, 0x202F), *range(0x2066, 0x206A)])
_TEMPLATE_MARK = re.compile(r"\[(/?(?:INST|SYS|SYSTEM_PROMPT|THINK|AVAILABLE_TOOLS|TOOL_\w+))\]", re.IGNORECASE)


def harmless(text: str) -> str:
    """Text that cannot pass for the prompt's own tags, an answer's object or a chat template's marks."""
    return _TEMPLATE_MARK.sub(r"［\1］", text.translate(_HARMLESS))
