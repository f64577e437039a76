"""The demo: a scripted model inside the product, so that all of it runs with no key.

It never pretends to be a model. It says what it was told, calls a tool when the user's words
name one (or `tool_choice` asks), reports what the tool said, and fills in JSON schemas. Told to
"be silent for 60 seconds", it is, before it speaks.
"""
