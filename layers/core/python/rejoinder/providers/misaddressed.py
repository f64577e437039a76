"""Upstreams that are not where the settings say: the commonest mistake, and how to mend it.

The operator is told the address, in the log and by who looks for models; no client is.
"""

import httpx

from rejoinder.errors import GatewayError


class Misaddressed(GatewayError):
    """Whatever answers there is no model server: the operator's to mend, who is told `why`."""

    code = "upstream_address"

    def __init__(self, message: str, why: str = "") -> None:
        super().__init__(message)
        self.why = why


def nothing_there() -> Misaddressed:
    """There is a server, which knows no such path."""
    return Misaddressed(
        "Nothing is at the address that is configured for the model server; "
        "whoever runs this gateway has to mend that."
    )


def redirected() -> Misaddressed:
    """There is a server, which names another."""
    return Misaddressed(
        "The model server redirects to an address other than the one that is configured for it; "
        "whoever runs this gateway has to mend that."
    )


def explained(
    error: Misaddressed, asked: httpx.Request, path: str, answer: httpx.Response
) -> Misaddressed:
    """The same error with what the operator has to know; no passwords, no queries.

    `path` is what was added to `base_url`.
    """
    why = f"{asked.method} {_place(asked.url)}{asked.url.path} answered {answer.status_code}"
    if "location" in answer.headers:
        why += f", a redirect to {_place(_target(asked.url, answer.headers['location']))}"
    return Misaddressed(error.message, f"{why}; {_hint(asked.url.path.removesuffix(path), path)}")


def _place(url: httpx.URL) -> str:
    return f"{url.scheme}://{url.netloc.decode('ascii')}"


def _target(asked: httpx.URL, location: str) -> httpx.URL:
    try:
        return asked.join(location)
    except httpx.InvalidURL:
        return httpx.URL("about:blank")


def _hint(base: str, path: str) -> str:
    path = path.partition("?")[0]
    if base.endswith(path):
        return f"base_url ends with {path}, which is added to it"
    return "is base_url right?" if base.endswith("/v1") else "does base_url end with /v1?"
