"""How well ThinkRec orders what was rated and explains it: beside the active backbone, or on another catalog."""
