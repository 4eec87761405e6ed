"""What a bundle knows of its model; in ``model.py`` the values of the exported model stand here."""

from __future__ import annotations

from typing import Any

SETTINGS: dict[str, Any] = {}
