"""The response as it is first shown: the request, echoed. Contract §3.1 and §1.4."""

from rejoinder.schema.request import CreateResponse
from rejoinder.schema.response import Number, Response, TextEcho
from rejoinder.schema.tools import CustomTool, FunctionTool, Tool


def first_response(request: CreateResponse, *, id: str, created_at: int) -> Response:
    """The response in progress, without output."""
    return Response(
        id=id,
        created_at=created_at,
        status="in_progress",
        background=request.background,
        conversation={"id": request.conversation} if request.conversation else None,
        frequency_penalty=_or(request.frequency_penalty, 0),
        instructions=request.instructions,
        max_output_tokens=request.max_output_tokens,
        max_tool_calls=request.max_tool_calls,
        model=request.model,
        parallel_tool_calls=request.parallel_tool_calls,
        presence_penalty=_or(request.presence_penalty, 0),
        previous_response_id=request.previous_response_id,
        prompt_cache_key=request.prompt_cache_key,
        prompt_cache_retention=request.prompt_cache_retention,
        reasoning=request.reasoning,
        safety_identifier=request.safety_identifier,
        service_tier=request.service_tier or "auto",
        store=request.store,
        temperature=_or(request.temperature, 1),
        text=_text(request.text),
        tool_choice=request.tool_choice,
        tools=[_tool(tool) for tool in request.tools],
        top_logprobs=request.top_logprobs,
        top_p=_or(request.top_p, 1),
        truncation=request.truncation,
        user=request.user,
        metadata=request.metadata,
    )


def _or(number: Number | None, default: Number) -> Number:
    return default if number is None else number


def _text(text: TextEcho) -> TextEcho:
    """A schema with its `strict`, which is false unless it was said (contract §1.7)."""
    wanted = text["format"]
    if wanted["type"] == "json_schema" and wanted["strict"] is None:
        return {**text, "format": {**wanted, "strict": False}}
    return text


def _tool(tool: Tool) -> Tool:
    if tool["type"] == "namespace":
        return {**tool, "tools": [_inner(inner) for inner in tool["tools"]]}
    return _inner(tool)


def _inner(tool: FunctionTool | CustomTool) -> FunctionTool | CustomTool:
    """A tool with its `strict`: what was not asked for is not promised (contract §1.4)."""
    if tool["type"] == "function" and tool["strict"] is None:
        return {**tool, "strict": False}
    return tool
