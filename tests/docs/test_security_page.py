"""What docs/security.md promises is proved by tests that exist."""

from __future__ import annotations

import ast
import re
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")
NAMED = re.compile(r"`(tests/[\w/]+\.py)::(test_\w+)`")
ROW = re.compile(r"^\| (?P<items>\d+\.\d+\.\d+(?:, \d+\.\d+\.\d+)*) \| [^|]+ \| (?P<proof>[^|]+) \|$", re.MULTILINE)


def test_every_test_that_the_security_page_names_exists() -> None:
    named = NAMED.findall(PAGE)
    assert len(named) > 60
    missing = [
        f"{path}::{test}"
        for path, test in named
        if test
        not in {
            node.name
            for node in ast.walk(ast.parse((ROOT / path).read_text(encoding="utf-8")))
            if isinstance(node, ast.FunctionDef)
        }
    ]
    assert missing == []


def test_every_item_stands_once_and_with_a_test() -> None:
    rows = list(ROW.finditer(PAGE))
    assert len(rows) == len([line for line in PAGE.splitlines() if re.match(r"\| \d", line)])
    assert [row["items"] for row in rows if not NAMED.search(row["proof"])] == []
    items = Counter(item for row in rows for item in row["items"].split(", "))
    assert [item for item, times in items.items() if times > 1] == []
    order = [tuple(int(part) for part in item.split(".")) for item in items]
    assert [item[0] for item in order] == sorted(item[0] for item in order)
