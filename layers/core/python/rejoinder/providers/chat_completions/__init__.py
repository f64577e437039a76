"""Chat Completions: what every OpenAI-compatible server speaks. Contract §9.1."""
