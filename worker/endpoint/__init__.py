"""The embedded endpoint: OpenAI's chat-completions protocol over two demonstration models, so that R4Web runs anywhere.

Nothing else in R4Web knows about it but its address: another endpoint takes its place by setting R4_ACTOR_BASE_URL and
R4_REFLECTOR_BASE_URL. It imports neither Django nor torch nor openai, and starts at once.
"""
