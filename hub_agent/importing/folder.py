"""The files of a configuration: read below one folder and nowhere else, with their includes and secrets."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from hub_agent.errors import FileNotUnderstood
from hub_agent.model.json import JsonValue
from hub_agent.written.placed import BlueprintInput, Missing, Place, PlacedList, PlacedMap
from hub_agent.written.yaml_reader import Budget, read_yaml

# Ten thousand rules in one file are about 5 MB.
FILE_BYTES_MAX: Final = 16 * 1024 * 1024
FILES_MAX: Final = 10_000
INCLUDES_DEEP_MAX: Final = 20
PROBLEMS_MAX: Final = 1_000
SECRETS: Final = "secrets.yaml"
# A shorter value is no secret, and would be found in every second sentence.
MASKED_CHARS_MIN: Final = 3


@dataclass(frozen=True, slots=True)
class Problem:
    """A file, or a place in it, that could not be read."""

    file: str
    line: int
    text: str


@dataclass(slots=True)
class Folder:
    """`root` is the folder; nothing above it is opened, also not by way of a link."""

    root: Path
    problems: list[Problem] = field(default_factory=list)
    files_read: int = 0
    _budget: Budget = field(default_factory=Budget)
    _open: list[Path] = field(default_factory=list)
    _secrets_by_folder: dict[Path, Mapping[str, JsonValue]] = field(default_factory=dict)
    _masks: dict[str, str] = field(default_factory=dict)

    def read(self, path: Path, depth: int = 0) -> JsonValue:
        """What a file holds. Raises FileNotUnderstood."""
        inside = self._inside(path, Place(self.name(path), 1))
        if inside in self._open:
            raise FileNotUnderstood("it includes itself", self.name(path), 1)
        if len(self._open) >= INCLUDES_DEEP_MAX:
            raise FileNotUnderstood(f"includes are nested more than {INCLUDES_DEEP_MAX} deep", self.name(path), 1)
        text = self._text(inside)
        self._open.append(inside)
        try:
            return read_yaml(text, self.name(path), lambda *at: self._read_tag(inside, *at), self._budget, depth)
        finally:
            self._open.pop()

    def read_text(self, path: Path) -> str:
        """Of a file that is no YAML. Raises FileNotUnderstood."""
        return self._text(self._inside(path, Place(self.name(path), 1)))

    def read_or_note(self, path: Path) -> JsonValue:
        """What cannot be read is a problem, and None."""
        try:
            return self.read(path)
        except FileNotUnderstood as err:
            self.note(err.file, err.line, err.text)
            return None

    def note(self, file: str, line: int, text: str) -> None:
        if len(self.problems) < PROBLEMS_MAX:
            self.problems.append(Problem(file, line, self.masked(text)))

    def name(self, path: Path) -> str:
        for base in (self.root, self.root.resolve()):
            if path.is_relative_to(base):
                return path.relative_to(base).as_posix()
        return path.name

    def yaml_files(self, below: Path | None = None) -> Iterator[Path]:
        """Sorted; what is hidden, and the secrets, are left out."""
        base = self.root if below is None else below
        found = (path for suffix in ("*.yaml", "*.yml") for path in base.rglob(suffix))
        for path in sorted(found):
            parts = path.relative_to(base).parts
            if path.name != SECRETS and not any(part.startswith(".") for part in parts):
                yield path

    @property
    def secret_by_value(self) -> Mapping[str, str]:
        """Of the secrets that were asked for."""
        return self._masks

    def masked(self, text: str) -> str:
        """The text without the value of any secret."""
        for value, name in self._masks.items():
            if value in text:
                text = text.replace(value, f"!secret {name}")
        return text

    def _inside(self, path: Path, place: Place) -> Path:
        try:
            found = path.resolve()
        except (OSError, RuntimeError, ValueError) as err:  # a ring of links, or a name no file can have
            raise FileNotUnderstood("cannot be found", place.file, place.line) from err
        if not found.is_relative_to(self.root.resolve()):
            raise FileNotUnderstood("lies outside the folder that is read", place.file, place.line)
        return found

    def _text(self, path: Path) -> str:
        self.files_read += 1
        if self.files_read > FILES_MAX:
            raise FileNotUnderstood(f"there are more than {FILES_MAX} files", self.name(path), 1)
        try:
            if not path.is_file():
                raise FileNotUnderstood("there is no such file", self.name(path), 1)
            if path.stat().st_size > FILE_BYTES_MAX:
                raise FileNotUnderstood(f"is larger than {FILE_BYTES_MAX // 1024} kB", self.name(path), 1)
            return path.read_bytes().decode("utf-8-sig")
        except OSError as err:
            raise FileNotUnderstood(f"cannot be read: {err.strerror}", self.name(path), 1) from err
        except UnicodeDecodeError as err:
            raise FileNotUnderstood("is not text in UTF-8", self.name(path), 1) from err

    # Tags.

    def _read_tag(self, file: Path, tag: str, text: str, place: Place, depth: int) -> JsonValue:
        name = text.strip()
        try:
            return self._of_tag(file, tag, name, place, depth)
        except FileNotUnderstood as err:
            at_include = err.file == place.file
            self.note(err.file, err.line, err.text)
            if not at_include:
                self.note(place.file, place.line, f"{tag} {name}: {err.text} ({err.file}, line {err.line})")
            return Missing(f"{tag} {name}")

    def _of_tag(self, file: Path, tag: str, name: str, place: Place, depth: int) -> JsonValue:
        match tag:
            case "!input":
                return BlueprintInput(name)
            case "!secret":
                return self._secret(file.parent, name)
            case "!env_var":
                _, has_default, default = name.partition(" ")
                return default.strip() if has_default else Missing(f"!env_var {name}")
            case "!include":
                target = file.parent / name
                self._inside(target, place)
                return self.read(target, depth)
        readers = {
            "!include_dir_list": self._list,
            "!include_dir_named": self._named,
            "!include_dir_merge_list": self._merged_list,
            "!include_dir_merge_named": self._merged_named,
        }
        if tag not in readers:
            raise FileNotUnderstood(f"there is no tag '{tag:.40}'", place.file, place.line)
        return readers[tag](self._folder(file.parent / name, place), place, depth)

    def _folder(self, path: Path, place: Place) -> list[Path]:
        inside = self._inside(path, place)
        if not inside.is_dir():
            raise FileNotUnderstood("there is no such folder", place.file, place.line)
        return [each for each in self.yaml_files(inside) if each.suffix == ".yaml"]

    def _each(self, paths: list[Path], depth: int) -> Iterator[tuple[Path, JsonValue]]:
        """One bad file does not take its neighbours with it."""
        for path in paths:
            try:
                yield path, self.read(path, depth + 1)
            except FileNotUnderstood as err:
                self.note(err.file, err.line, err.text)

    def _list(self, paths: list[Path], place: Place, depth: int) -> JsonValue:
        found = PlacedList(place)
        for path, content in self._each(paths, depth):
            if content is not None:
                found.put(content, Place(self.name(path), 1))
        return found

    def _named(self, paths: list[Path], place: Place, depth: int) -> JsonValue:
        found = PlacedMap(place)
        for path, content in self._each(paths, depth):
            found.put(path.stem, content, Place(self.name(path), 1))
        return found

    def _merged_list(self, paths: list[Path], place: Place, depth: int) -> JsonValue:
        found = PlacedList(place)
        for _, content in self._each(paths, depth):
            if isinstance(content, PlacedList):
                for item, at in zip(content, content.places, strict=True):
                    found.put(item, at)
        return found

    def _merged_named(self, paths: list[Path], place: Place, depth: int) -> JsonValue:
        found = PlacedMap(place)
        for _, content in self._each(paths, depth):
            if isinstance(content, PlacedMap):
                for key, item in content.items():
                    found.put(key, item, content.places[key])
        return found

    def _secret(self, folder: Path, name: str) -> JsonValue:
        """From the nearest secrets.yaml, looked for upwards as far as the folder's root."""
        root = self.root.resolve()
        while True:
            known = self._secrets_of(folder)
            if name in known:
                value = known[name]
                if len(str(value)) >= MASKED_CHARS_MIN:
                    self._masks[str(value)] = name
                return value
            if folder == root or not folder.is_relative_to(root):
                return Missing(f"!secret {name}")
            folder = folder.parent

    def _secrets_of(self, folder: Path) -> Mapping[str, JsonValue]:
        if folder not in self._secrets_by_folder:
            path = folder / SECRETS
            content = self.read_or_note(path) if path.is_file() else None
            self._secrets_by_folder[folder] = content if isinstance(content, PlacedMap) else {}
        return self._secrets_by_folder[folder]
