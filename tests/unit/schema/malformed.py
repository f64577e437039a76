"""Requests that must be refused: what each is called, its body, and the code and parameter it gets.

Data only: the unit test reads each body, the HTTP test posts it. Those in `OVERSIZED` are over a
limit of the API by being over 10 MB, so that a server may refuse them sooner, as too large.
"""

from tests.unit.schema.malformed_input import INPUT, OVERSIZED_INPUT
from tests.unit.schema.malformed_options import OPTIONS, OVERSIZED_OPTIONS
from tests.unit.schema.malformed_parts import OVERSIZED_PARTS, PARTS
from tests.unit.schema.malformed_tools import TOOLING

MALFORMED = [*OPTIONS, *INPUT, *PARTS, *TOOLING]
OVERSIZED = [*OVERSIZED_OPTIONS, *OVERSIZED_INPUT, *OVERSIZED_PARTS]
