"""Pages of HTML that ask for nothing: style, script and pictures are in them, and their policy forbids everything else.

Whatever a value holds is text, unless the page itself made it as `Markup`. Needs jinja2, of the extra `report`.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup


def page(folder: Path, filters: Mapping[str, Callable[[str], Markup]], **values: object) -> str:
    """Return the page made from a folder's `page.html.j2`, `page.css.j2` and `page.js`.

    The templates know `policy`, `style` and `script` beside the values. The script runs only as it stands in its
    file: the policy names its digest, so that no other one does.
    """
    environment = Environment(
        loader=FileSystemLoader(folder),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(filters)
    script = (folder / "page.js").read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    made: dict[str, Any] = {
        "policy": Markup(
            "default-src 'none'; style-src 'unsafe-inline'; "
            f"script-src 'sha256-{digest}'; img-src data:; base-uri 'none'; form-action 'none'"
        ),
        "style": Markup(environment.get_template("page.css.j2").render(**values)),
        "script": Markup(script),
    }
    return environment.get_template("page.html.j2").render(**values, **made)
