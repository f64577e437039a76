"""Malformed bodies, and malformed fields other than `input` and the tools."""

from tests.unit.schema.rows import Malformed, each, saying, schema, without

TYPE, VALUE, MISSING = "invalid_type", "invalid_value", "missing_required_parameter"
LONG = "string_above_max_length"

BODIES: list[Malformed] = [
    *each(
        "invalid_json",
        None,
        {
            "no body": b"",
            "blanks only": b"  \n",
            "not JSON": b"model=demo",
            "JSON cut off": b'{"model": "demo", "input": "Hel',
            "a trailing comma": b'{"model": "demo", "input": "Hello.",}',
            "two objects": b'{"model": "demo"} {"input": "Hello."}',
            "single quotes": b"{'model': 'demo', 'input': 'Hello.'}",
            "a byte order mark": b'\xef\xbb\xbf{"model": "demo", "input": "Hello."}',
            "invalid UTF-8": b'{"model": "demo", "input": "\xff"}',
            "a surrogate in UTF-8": b'{"model": "demo", "input": "\xed\xa0\x80"}',
            "a lone surrogate escape": b'{"model": "demo", "input": "\\ud800"}',
            "a raw control character": b'{"model": "demo", "input": "\x00"}',
            "NaN": b'{"model": "demo", "input": "Hello.", "temperature": NaN}',
            "Infinity": b'{"model": "demo", "input": "Hello.", "temperature": Infinity}',
            "an endless number": b'{"model": "demo", "seed": ' + b"1" * 5000 + b"}",
            "arrays nested too deeply": b'{"input": ' + b"[" * 5000 + b"]" * 5000 + b"}",
            "objects nested too deeply": b'{"input":' * 300 + b"1" + b"}" * 300,
            "an opening without end": b"[" * 100_000,
            "an array": [saying()],
            "a string": "Hello.",
            "a number": 5,
            "null": None,
        },
    ),
]

NEEDED: list[Malformed] = [
    *each(
        MISSING,
        "model",
        {
            "an empty object": {},
            "no model": without(saying(), "model"),
            "a model that is null": saying(model=None),
            "a model without a name": saying(model=""),
        },
    ),
    *each(TYPE, "model", {"a model that is a number": saying(model=4)}),
    *each(LONG, "model", {"a model with an endless name": saying(model="m" * 257)}),
    *each(
        "unsupported_value",
        "model",
        {
            "o3 deep research": saying(model="o3-deep-research"),
            "o4 deep research, dated": saying(model="o4-mini-deep-research-2025-06-26"),
            "deep research, routed": saying(model="openai/o3-deep-research"),
        },
    ),
    *each(
        MISSING,
        "input",
        {
            "no input": without(saying(), "input"),
            "an input that is null": saying(input=None),
        },
    ),
]

REFUSED_KEYS: list[Malformed] = [
    row
    for key, value in {
        "messages": [{"role": "user", "content": "Hello."}],
        "max_tokens": 100,
        "max_completion_tokens": 100,
        "response_format": {"type": "json_object"},
        "reasoning_effort": "low",
        "functions": [],
        "function_call": "auto",
        "n": 1,
        "stop": "\n",
        "logit_bias": {},
        "prompt": {"id": "pmpt_1"},
    }.items()
    for row in each("unsupported_parameter", key, {f"the key {key}": saying(**{key: value})})
]

WRONG_TYPES: list[Malformed] = [
    row
    for field, value in {
        "instructions": ["Be brief."],
        "previous_response_id": 5,
        "include": "reasoning.encrypted_content",
        "tools": {"type": "function"},
        "tool_choice": 1,
        "parallel_tool_calls": "true",
        "max_tool_calls": "3",
        "max_output_tokens": "64",
        "temperature": "hot",
        "top_p": [1],
        "presence_penalty": "0",
        "frequency_penalty": {},
        "top_logprobs": 2.5,
        "text": "plain",
        "reasoning": "low",
        "stream": 1,
        "stream_options": True,
        "store": "false",
        "background": 0,
        "metadata": [],
        "user": 7,
        "safety_identifier": 7,
        "prompt_cache_key": 7,
        "seed": "7",
        "conversation": 7,
    }.items()
    for row in each(TYPE, field, {f"{field} of the wrong type": saying(**{field: value})})
]

NUMBERS: list[Malformed] = [
    *each(TYPE, "max_output_tokens", {"true as a count": saying(max_output_tokens=True)}),
    *each(TYPE, "max_output_tokens", {"a fraction of a token": saying(max_output_tokens=16.5)}),
    *each(TYPE, "temperature", {"true as a temperature": saying(temperature=True)}),
    *each(TYPE, "seed", {"a seed with a fraction": saying(seed=0.5)}),
    *(
        row
        for field, value, code in [
            ("max_output_tokens", 15, "integer_below_min_value"),
            ("max_output_tokens", -1, "integer_below_min_value"),
            ("max_tool_calls", 0, "integer_below_min_value"),
            ("top_logprobs", -1, "integer_below_min_value"),
            ("top_logprobs", 21, "integer_above_max_value"),
            ("max_output_tokens", 2**70, "integer_above_max_value"),
            ("max_tool_calls", 2**63, "integer_above_max_value"),
            ("seed", 2**63, "integer_above_max_value"),
            ("seed", -(2**63), "integer_below_min_value"),
            ("temperature", -0.1, "decimal_below_min_value"),
            ("temperature", 2.1, "decimal_above_max_value"),
            ("temperature", 10**400, "decimal_above_max_value"),
            ("top_p", -1, "decimal_below_min_value"),
            ("top_p", 1.01, "decimal_above_max_value"),
            ("presence_penalty", -2.5, "decimal_below_min_value"),
            ("presence_penalty", 3, "decimal_above_max_value"),
            ("frequency_penalty", -3, "decimal_below_min_value"),
            ("frequency_penalty", 2.5, "decimal_above_max_value"),
        ]
        for row in each(code, field, {f"{field} of {str(value)[:8]}": saying(**{field: value})})
    ),
    *each(
        "decimal_above_max_value",
        "temperature",
        {"a number beyond all floats": b'{"model":"demo","input":"","temperature":1e999}'},
    ),
]

WORDS: list[Malformed] = [
    *each(VALUE, "truncation", {"an unknown truncation": saying(truncation="middle")}),
    *each(VALUE, "service_tier", {"an unknown tier": saying(service_tier="first class")}),
    *each(
        VALUE,
        "prompt_cache_retention",
        {"an unknown retention": saying(prompt_cache_retention="1w")},
    ),
    *each(
        VALUE,
        "previous_response_id",
        {
            "another kind of id": saying(previous_response_id="msg_1"),
            "an id without end": saying(previous_response_id="resp_" + "a" * 60),
            "an id with a blank": saying(previous_response_id="resp_a b"),
            "an empty id": saying(previous_response_id=""),
        },
    ),
    *each(LONG, "safety_identifier", {"65 characters": saying(safety_identifier="x" * 65)}),
    *each(LONG, "prompt_cache_key", {"a long cache key": saying(prompt_cache_key="x" * 65)}),
]

METADATA: list[Malformed] = [
    *each(
        "object_above_max_properties",
        "metadata",
        {"17 pairs": saying(metadata={str(i): "" for i in range(17)})},
    ),
    *each(LONG, "metadata.k", {"a long value": saying(metadata={"k": "x" * 513})}),
    *each(LONG, f"metadata.{'k' * 60}", {"a long key": saying(metadata={"k" * 65: "x"})}),
    *each(
        TYPE,
        "metadata.job",
        {
            "a number as metadata": saying(metadata={"job": 42}),
            "null as metadata": saying(metadata={"job": None}),
            "an object as metadata": saying(metadata={"job": {}}),
        },
    ),
    *each(TYPE, "metadata.(odd)[0]", {"a key like a path": saying(metadata={"(odd)[0]": 1})}),
]

TEXT: list[Malformed] = [
    *each(TYPE, "text.format", {"a format that is a word": saying(text={"format": "json"})}),
    *each(MISSING, "text.format.type", {"a format without type": saying(text={"format": {}})}),
    *each(TYPE, "text.format.type", {"a type of format 5": saying(text={"format": {"type": 5}})}),
    *each(VALUE, "text.format.type", {"an unknown format": saying(text={"format": {"type": "x"}})}),
    *each(VALUE, "text.verbosity", {"an unknown verbosity": saying(text={"verbosity": "huge"})}),
    *each(
        MISSING,
        "text.format.name",
        {
            "a schema whose name is empty": schema(name=""),
            "a nested schema without name": saying(
                text={"format": {"type": "json_schema", "json_schema": {"schema": {}}}}
            ),
        },
    ),
    *each(VALUE, "text.format.name", {"a schema's name with a dot": schema(name="a.b")}),
    *each(LONG, "text.format.name", {"a schema's long name": schema(name="a" * 65)}),
    *each(TYPE, "text.format.schema", {"a schema that is a string": schema(schema="{}")}),
    *each(TYPE, "text.format.strict", {"strict as a string": schema(strict="yes")}),
    *each(TYPE, "text.format.description", {"a description 5": schema(description=5)}),
    *each(TYPE, "text.format.json_schema", {"a nested schema 5": schema(json_schema=5)}),
    *each(
        MISSING,
        "text.format.schema",
        {"no schema": saying(text={"format": {"type": "json_schema", "name": "answer"}})},
    ),
]

REASONING: list[Malformed] = [
    *each(VALUE, "reasoning.effort", {"an unknown effort": saying(reasoning={"effort": "much"})}),
    *each(VALUE, "reasoning.summary", {"an unknown summary": saying(reasoning={"summary": "x"})}),
    *each(
        VALUE,
        "reasoning.generate_summary",
        {"an unknown summary by its old name": saying(reasoning={"generate_summary": "long"})},
    ),
]

MANAGEMENT: list[Malformed] = [
    *each(VALUE, "context_management", {"no management": saying(context_management=[])}),
    *each(TYPE, "context_management", {"management without a list": saying(context_management={})}),
    *each(
        VALUE,
        "context_management[0].type",
        {"management of another kind": saying(context_management=[{"type": "clearing"}])},
    ),
    *each(
        MISSING,
        "context_management[0].type",
        {"management of no kind": saying(context_management=[{"compact_threshold": 2000}])},
    ),
    *each(
        "integer_above_max_value",
        "context_management[0].compact_threshold",
        {
            "a threshold of 2**63": saying(
                context_management=[{"type": "compaction", "compact_threshold": 2**63}]
            )
        },
    ),
    *each(
        "integer_below_min_value",
        "context_management[0].compact_threshold",
        {
            "a low threshold": saying(
                context_management=[{"type": "compaction", "compact_threshold": 999}]
            )
        },
    ),
]

TOGETHER: list[Malformed] = [
    *each(
        VALUE,
        "stream_options",
        {
            "options of no stream": saying(stream_options={}),
            "options of a stream refused": saying(stream=False, stream_options={}),
        },
    ),
    *each(
        TYPE,
        "stream_options.include_obfuscation",
        {"obfuscation 1": saying(stream=True, stream_options={"include_obfuscation": 1})},
    ),
    *each(VALUE, "background", {"unstored background": saying(background=True, store=False)}),
    *each(
        "mutually_exclusive_parameters",
        None,
        {"two histories": saying(conversation="conv_1", previous_response_id="resp_1")},
    ),
    *each(MISSING, "conversation.id", {"a conversation without id": saying(conversation={})}),
    *each(TYPE, "conversation.id", {"a conversation of a number": saying(conversation={"id": 1})}),
    *each(VALUE, "conversation", {"a conversation without name": saying(conversation="")}),
    *each(
        VALUE,
        "conversation.id",
        {"an object without a conversation's name": saying(conversation={"id": ""})},
    ),
]

OPTIONS = [
    *BODIES,
    *NEEDED,
    *REFUSED_KEYS,
    *WRONG_TYPES,
    *NUMBERS,
    *WORDS,
    *METADATA,
    *TEXT,
    *REASONING,
    *MANAGEMENT,
    *TOGETHER,
]
OVERSIZED_OPTIONS = [
    *each(LONG, "instructions", {"long instructions": saying(instructions="x" * 10_485_761)}),
    *each(LONG, "input", {"a long input": saying(input="x" * 10_485_761)}),
]
