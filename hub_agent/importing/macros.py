"""`{% from 'tools.jinja' import f %}`: this hub has no files of templates, so the macros are written into the template itself."""

import re
from typing import Final

from hub_agent.errors import FileNotUnderstood
from hub_agent.importing.folder import Folder

FOLDER: Final = "custom_templates"
NESTED_MAX: Final = 5
INSERTIONS_MAX: Final = 30
CHARS_MAX: Final = 64 * 1024
_FROM: Final = re.compile(
    r"{%-?\s*from\s+['\"](?P<file>[\w./-]{1,200})['\"]\s+import\s+(?P<names>[\w\s,]{1,2000}?)(?:\s+with(?:out)?\s+context)?\s*-?%}"
)
_MACRO: Final = re.compile(r"{%-?\s*macro\s.*?{%-?\s*endmacro\s*-?%}", re.DOTALL)
_COMMENT: Final = re.compile(r"{#.*?#}", re.DOTALL)
_RENAMED: Final = re.compile(r"(\w+)\s+as\s+(\w+)")


class Macros:
    def __init__(self, folder: Folder) -> None:
        self._folder = folder
        self._text_by_file: dict[str, str | None] = {}
        self._insertions_left = INSERTIONS_MAX

    def written_in(self, text: str, depth: int = 0) -> str:
        """The same template without files, as far as they are there. What grows too long stays as it was."""
        if "import" not in text or depth > NESTED_MAX or len(text) > CHARS_MAX:
            return text
        if depth == 0:
            self._insertions_left = INSERTIONS_MAX
        found = _FROM.sub(lambda each: self._instead_of(each, depth), text)
        return found if len(found) <= CHARS_MAX else text

    def _instead_of(self, statement: re.Match[str], depth: int) -> str:
        macros = self._macros_of(statement["file"])
        if macros is None or self._insertions_left <= 0:
            return statement[0]
        self._insertions_left -= 1
        renamed = "".join(f"{{%- set {new} = {old} -%}}" for old, new in _RENAMED.findall(statement["names"]))
        return self.written_in(macros, depth + 1) + renamed

    def _macros_of(self, file: str) -> str | None:
        """Only its macros, and what it takes from other files: what else stands there is never shown."""
        if file not in self._text_by_file:
            try:
                text = _COMMENT.sub("", self._folder.read_text(self._folder.root / FOLDER / file))
            except FileNotUnderstood:
                self._text_by_file[file] = None
            else:
                parts = [*(each[0] for each in _FROM.finditer(text)), *_MACRO.findall(text)]
                self._text_by_file[file] = "".join(parts)
        return self._text_by_file[file]
