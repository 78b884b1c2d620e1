"""Small named things: the sizes of functions and files, kept by a test."""

from __future__ import annotations

import ast
from pathlib import Path
from statistics import median

PACKAGE = Path(__file__).parents[2] / "simulator"
LONGEST_FUNCTION = 80
LONGEST_FILE = 500


def functions() -> dict[str, int]:
    """Return the length of each function in lines, its docstring left out."""
    lengths = {}
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                assert node.end_lineno is not None
                words = ast.get_docstring(node, clean=False)
                length = node.end_lineno - node.lineno + 1 - (words.count("\n") + 1 if words else 0)
                lengths[f"{path.relative_to(PACKAGE)}:{node.lineno} {node.name}"] = length
    return lengths


def test_no_function_is_longer_than_a_page() -> None:
    assert not {name: n for name, n in functions().items() if n > LONGEST_FUNCTION}


def test_half_of_all_functions_are_under_a_dozen_lines() -> None:
    assert median(functions().values()) < 12


def test_nine_of_ten_functions_are_under_forty_lines() -> None:
    lengths = list(functions().values())
    assert sum(n < 40 for n in lengths) / len(lengths) > 0.9


def test_no_file_is_too_long_to_be_read_at_once() -> None:
    lengths = {str(path): len(path.read_text().splitlines()) for path in PACKAGE.rglob("*.py")}
    assert not {name: n for name, n in lengths.items() if n > LONGEST_FILE}
