"""Malformed content parts."""

from tests.unit.schema.rows import JSON, Malformed, each, item, part

TYPE, VALUE, MISSING = "invalid_type", "invalid_value", "missing_required_parameter"
UNSUPPORTED, LONG = "unsupported_value", "string_above_max_length"
PNG = "data:image/png;base64,iVBORw0KGgo="


def image(**fields: JSON) -> dict[str, JSON]:
    """A request with one image."""
    return part(type="input_image", **fields)


def file(**fields: JSON) -> dict[str, JSON]:
    """A request with one file."""
    return part(type="input_file", **fields)


CONTENT: list[Malformed] = [
    *each(
        TYPE,
        "input[0].content[0]",
        {
            "a string among the parts": item(role="user", content=["Hello."]),
            "null among the parts": item(role="assistant", content=[None]),
        },
    ),
    *each(MISSING, "input[0].content[0].type", {"a part without type": part(text="Hello.")}),
    *each(TYPE, "input[0].content[0].type", {"a part of type 5": part(type=5)}),
    *each(
        VALUE,
        "input[0].content[0].type",
        {
            "chat's text": part(type="text", text="Hello."),
            "chat's image": part(type="image_url", image_url={"url": PNG}),
            "chat's file": part(type="file", file={}),
            "an assistant's text by its chat name": part("assistant", type="text", text="Hi."),
            "a user with a model's text": part(type="output_text", text="Hello."),
            "a user with a refusal": part(type="refusal", refusal="No."),
            "an unknown part": part(type="smell"),
            "a system with an image": part("system", type="input_image", image_url=PNG),
            "a developer with a file": part("developer", type="input_file", file_url="https://a"),
            "an assistant with an image": part("assistant", type="input_image", image_url=PNG),
        },
    ),
    *each(
        UNSUPPORTED,
        "input[0].content[0].type",
        {
            "audio": part(type="input_audio", input_audio={"data": "", "format": "wav"}),
            "video": part(type="input_video", video_url="https://example.com/a.mp4"),
        },
    ),
    *each(MISSING, "input[0].content[0].text", {"text without text": part(type="input_text")}),
    *each(
        TYPE,
        "input[0].content[0].text",
        {
            "a text that is a number": part(type="input_text", text=5),
            "a text that is null": part(type="input_text", text=None),
        },
    ),
    *each(
        TYPE,
        "input[0].content[0].annotations",
        {"an annotation alone": part("assistant", type="output_text", text="", annotations={})},
    ),
    *each(
        MISSING,
        "input[0].content[0].refusal",
        {"a refusal without words": part("assistant", type="refusal")},
    ),
]

IMAGES: list[Malformed] = [
    *each(
        MISSING,
        "input[0].content[0]",
        {"an image of nothing": image(), "a file of nothing": file(filename="a.pdf")},
    ),
    *each(
        "mutually_exclusive_parameters",
        "input[0].content[0]",
        {
            "an image of two sources": image(image_url=PNG, file_id="file_1"),
            "a file of two sources": file(file_url="https://a/b", file_id="file_1"),
        },
    ),
    *each(
        UNSUPPORTED,
        "input[0].content[0].file_id",
        {"an uploaded image": image(file_id="file_1"), "an uploaded file": file(file_id="file_1")},
    ),
    *each(TYPE, "input[0].content[0].image_url", {"chat's object": image(image_url={"url": PNG})}),
    *each(VALUE, "input[0].content[0].detail", {"a detail": image(image_url=PNG, detail="fine")}),
    *each(
        VALUE,
        "input[0].content[0].image_url",
        {
            "an image by http": image(image_url="http://example.com/a.png"),
            "an image on a disk": image(image_url="file:///etc/passwd"),
            "an image nowhere": image(image_url=""),
        },
    ),
    *each(
        "invalid_image_format",
        "input[0].content[0].image_url",
        {
            "an image that is a PDF": image(image_url="data:application/pdf;base64,JVBERi0="),
            "an image without media type": image(image_url="data:;base64,iVBORw0KGgo="),
            "a drawing": image(image_url="data:image/svg+xml;base64,PHN2Zy8+"),
        },
    ),
    *each(
        "invalid_base64_image",
        "input[0].content[0].image_url",
        {
            "an image without bytes": image(image_url="data:image/png;base64,"),
            "an image of other letters": image(image_url="data:image/png;base64,iVBO*w0K"),
            "an image of letters beyond ASCII": image(image_url="data:image/png;base64,äöüß"),
            "an image cut off": image(image_url="data:image/png;base64,iVBORw0KGgo"),
            "an image padded too much": image(image_url="data:image/png;base64,iVBOR==="),
            "an image not in base64": image(image_url="data:image/png,iVBORw0KGgo="),
            "a data URL without comma": image(image_url="data:image/png;base64"),
        },
    ),
    *each(MISSING, "input[0].content[0].filename", {"a file, unnamed": file(file_data="JVBERi0=")}),
    *each(
        VALUE,
        "input[0].content[0].file_data",
        {
            "a file not in base64": file(filename="a.txt", file_data="Hello."),
            "a file without bytes": file(filename="a.txt", file_data=""),
        },
    ),
    *each(VALUE, "input[0].content[0].file_url", {"a file by ftp": file(file_url="ftp://a/b")}),
]

PARTS = [*CONTENT, *IMAGES]
OVERSIZED_PARTS = [
    *each(
        LONG,
        "input[0].content[0].text",
        {"a long part": part(type="input_text", text="x" * 10_485_761)},
    ),
    *each(
        LONG,
        "input[0].content[0].image_url",
        {"a long URL": image(image_url="https://" + "a" * 20_971_520)},
    ),
]
