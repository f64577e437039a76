"""OpenAI's Responses API, relayed: the dialect that we speak ourselves. Contract §9.4."""
