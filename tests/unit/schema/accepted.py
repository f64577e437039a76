"""Requests that must be understood: the shapes that clients send, and what they become.

Only the fields named are compared.
"""

from tests.unit.schema.accepted_clients import CLIENTS
from tests.unit.schema.accepted_codex import CODEX
from tests.unit.schema.accepted_items import ITEMS
from tests.unit.schema.accepted_options import FORMS
from tests.unit.schema.accepted_tools import CHOICES, TOOLS

ACCEPTED = [*CODEX, *CLIENTS, *FORMS, *ITEMS, *TOOLS, *CHOICES]
