"""One operation of the document: what it takes, what it answers, how it fails."""

from rejoinder.errors import GatewayError
from rejoinder.schema.items import JSON
from rejoinder.web.openapi.shapes import listing, ref, text, whole, word
from rejoinder.web.query import MAX_LIMIT

_REQUEST_ID = {
    "name": "X-Request-ID",
    "in": "header",
    "description": "An id of the client's own, for its logs; one of another form is replaced.",
    "schema": text(pattern="^[A-Za-z0-9._:-]{1,128}$"),
}


def operation(
    name: str,
    tag: str,
    summary: str,
    answer: JSON,
    *parameters: JSON,
    errors: tuple[type[GatewayError], ...] = (),
    **more: JSON,
) -> JSON:
    """The whole of it; any may fail by a fault of ours."""
    failing: tuple[type[GatewayError], ...] = (*errors, GatewayError)
    failures = {
        str(each.status): {"$ref": f"#/components/responses/{each.__name__}"} for each in failing
    }
    return {
        "operationId": name,
        "tags": [tag],
        "summary": summary,
        "parameters": [*parameters, _REQUEST_ID],
        "responses": {"200": answer, **failures},
        **more,
    }


def body(schema: str) -> JSON:
    """A body that must be sent."""
    return {"required": True, "content": {"application/json": {"schema": ref(schema)}}}


def as_json(schema: str, description: str, **headers: str) -> JSON:
    """An answer in JSON."""
    return answer(description, {"application/json": {"schema": ref(schema)}}, **headers)


def answer(description: str, content: JSON, **headers: str) -> JSON:
    """An answer of any kind; `headers` of the document, by what they are called in HTTP."""
    named = {"X-Request-ID": "RequestId"} | {
        name.replace("_", "-"): value for name, value in headers.items()
    }
    return {
        "description": description,
        "headers": {
            name: {"$ref": f"#/components/headers/{value}"} for name, value in named.items()
        },
        "content": content,
    }


def query(**schemas: JSON) -> tuple[JSON, ...]:
    """Parameters of the query string."""
    return tuple(asked(name, schema) for name, schema in schemas.items())


def asked(name: str, schema: JSON) -> JSON:
    """One parameter of the query string."""
    shape = {key: value for key, value in schema.items() if key != "description"}
    parameter = {"name": name, "in": "query", "schema": shape}
    if "description" in schema:
        parameter["description"] = schema["description"]
    return parameter


INCLUDE = asked(
    "include",
    listing(text(), "What to add: `reasoning.encrypted_content`. Others are passed over."),
)
PAGING = (
    *query(
        limit=whole(minimum=1, maximum=MAX_LIMIT, default=20),
        order=word(["asc", "desc"], default="desc"),
        after=text("The id of an item: the page begins behind it."),
        before=text("The id of an item: the page ends before it."),
    ),
    INCLUDE,
)
