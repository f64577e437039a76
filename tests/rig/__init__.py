"""The Lambda rig: the deployment's bundled functions, run on this machine as Lambda runs them.

`gateway` is API Gateway: it makes proxy events and relays answers. `runtime_api` and `processes`
are Lambda: processes that start when they are needed and stop (SIGSTOP) between invocations.
`queue_pump` is the event source mapping of a queue. moto's server (`services`) keeps table, queue,
bucket and secret. `stack` is what of a deployment the rig has to know, `template` reads it from
the synthesized template, and `rig` puts all together; `python -m tests.rig` runs it for a person.

What it is not: it knows no IAM, no quotas and no clock of AWS. Nothing here proves that AWS does
the same; where we had to guess, `gateway` says so in one table.
"""
