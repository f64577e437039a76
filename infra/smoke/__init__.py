"""The smoke test: what could only be believed without an AWS account, asked of a real endpoint.

`python -m infra.smoke` (or `make smoke URL=… KEY=…`) takes less than five minutes, a few cents and
no key of a provider: the demo answers. All that it leaves behind are some stored responses.
docs/deploy.md tells what each check verifies, and what to do if an endpoint differs.

It knows the wire only, so that it runs against `make serve` and the Lambda rig as well.
"""
