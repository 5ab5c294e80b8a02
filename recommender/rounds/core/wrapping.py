"""Take an answer out of what models wrap around it: thinking, channels, end marks, fences.

The marks are those of the chat templates that are in use; what is not one of them stays. Thinking that never ends
leaves no answer: MalformedAnswerError.
"""

import re

from recommender.rounds.core.errors import MalformedAnswerError

MAX_ANSWER = 60_000  # characters that are looked at, thinking included

# How models open and close their thinking, beyond tags.
_OTHER_THINKING = (
    (r"◁think▷", r"◁/think▷"),
    (r"\[THINK\]", r"\[/THINK\]"),
    (r"<\|begin_of_thought\|>", r"<\|end_of_thought\|>"),
    (r"<\|START_THINKING\|>", r"<\|END_THINKING\|>"),
    (r"<unused94>", r"<unused95>"),
)
_THOUGHT_NAMES = r"(?:think|thinking|thoughts?|reasoning|inner_?thoughts?|scratch_?pad|analysis|seed:think|reflecting)"
_THOUGHT_TAG = re.compile(rf"<[ ]?(/?)[ ]?{_THOUGHT_NAMES}[ ]?>", re.IGNORECASE)
# gpt-oss's harmony: the answer is what its final channel says. Where a server drops the marks their words remain.
_CHANNEL = re.compile(
    r"<\|channel\|>\s*(\w+)[^<]*<\|message\|>(.*?)(?=<\|(?:end|return|call|start|channel)\|>|\Z)", re.DOTALL
)
_BARE_CHANNELS = re.compile(r"\A\s*analysis(?=\S).*?assistant\s*final(?=\S)", re.DOTALL)
_ANSWER_TAG = re.compile(
    r"\A\s*<(answer|response|output|final|final_answer|solution)>(.*?)(?:</\1>\s*\Z|\Z)", re.DOTALL | re.IGNORECASE
)
_PARTS = re.compile(
    r"\A\W{0,4}here(?:'s| is| are) my (?:thought process|thinking|reasoning|analysis)\W.*?"
    r"^\W{0,4}here(?:'s| is) my (?:final )?(?:response|answer)\W{0,4}$",
    re.DOTALL | re.IGNORECASE | re.MULTILINE,
)
_MARKS = re.compile(
    r"<\|(?:[a-z]\w*|END_RESPONSE|START_RESPONSE|END_OF_TURN_TOKEN|[A-Z_]+_TOKEN)\|>"
    r"|</?s>|<(?:bos|eos|pad|unk)>|<(?:start|end)_of_turn>(?:model|user)?|\[/?INST\]|<<?/?SYS>>?|<｜[^<>｜]{1,40}｜>",
)
_FENCE = re.compile(r"^[ \t]*(?:```|~~~)[\w-]*[ \t]*$", re.MULTILINE)


def unwrapped(text: str) -> str:
    """The answer itself. Raises MalformedAnswerError where the model was still thinking when it ended."""
    text = _final_channel(text[:MAX_ANSWER])
    text = _BARE_CHANNELS.sub("", text, count=1)
    for opening, closing in _OTHER_THINKING:
        text = re.sub(opening, "<think>", text)
        text = re.sub(closing, "</think>", text)
    text = _without_thoughts(text)
    text = _PARTS.sub("", text, count=1)
    text = _MARKS.sub(" ", text)
    if tagged := _ANSWER_TAG.match(text):
        text = tagged[2]
    return _FENCE.sub("", text).replace("\x00", " ").strip()


def _final_channel(text: str) -> str:
    channels = _CHANNEL.findall(text)
    if not channels:
        return text
    final: list[str] = [said for name, said in channels if name == "final"]
    if not final:
        raise MalformedAnswerError("The answer ends while still thinking; give the answer itself.")
    return final[-1]


def _without_thoughts(text: str) -> str:
    outside, start, depth = "", 0, 0
    for tag in _THOUGHT_TAG.finditer(text):
        if not tag[1]:
            outside += "" if depth else text[start : tag.start()]
            depth += 1
        elif depth:
            depth -= 1
        else:
            outside = ""  # the opening tag was part of the prompt: all so far was thinking
        start = tag.end()
    if depth:
        raise MalformedAnswerError("The answer ends while still thinking; give the answer itself.")
    return f"{outside} {text[start:]}"
