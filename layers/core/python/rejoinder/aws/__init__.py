"""State in AWS: the table, the queue, the bucket and the secret, spoken to without an SDK.

To import one would cost a cold start more than all that we do with it: sign a request, post it,
and send it again when it failed.
"""
