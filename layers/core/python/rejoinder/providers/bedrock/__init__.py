"""Amazon Bedrock's Converse and ConverseStream. Contract §9.3."""
