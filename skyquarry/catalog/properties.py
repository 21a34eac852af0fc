r"""Java properties, the text files in which HATS says what a catalogue is, and their keys.

The grammar is that of `java.util.Properties.load`, in UTF-8: `key=value`, `key: value` or
`key value`; `#` and `!` begin a comment; a backslash at a line's end joins the next line; escapes
`\t \n \r \f \uXXXX`. Keys that we do not know are kept, and so is their sequence.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from skyquarry.errors import DamagedError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

# Required keys for each dataproduct_type: hats 0.11, `TableProperties` and its kin.
ALWAYS = ("obs_collection", "dataproduct_type")
CATALOG: dict[str, tuple[str, ...]] = {
    "object": (*ALWAYS, "hats_col_ra", "hats_col_dec"),
    "source": (*ALWAYS, "hats_col_ra", "hats_col_dec"),
    "association": (
        *ALWAYS,
        "hats_primary_table_url",
        "hats_col_assn_primary",
        "hats_assn_join_table_url",
        "hats_col_assn_join",
        "hats_assn_leaf_files",
    ),
    "index": (*ALWAYS, "hats_primary_table_url", "hats_index_column"),
    "margin": (*ALWAYS, "hats_primary_table_url", "hats_margin_threshold"),
    "map": ALWAYS,
    "extension": (
        *ALWAYS,
        "hats_primary_table_url",
        "hats_col_assn_primary",
        "hats_assn_join_table_url",
        "hats_col_assn_join",
    ),
}
COLLECTION: tuple[str, ...] = ("obs_collection", "hats_primary_table_url")

CATALOG_FILES = ("hats.properties", "properties")
COLLECTION_FILE = "collection.properties"
REPEATED_KEY = "skyquarry_duplicate_ids"
"""Of a catalogue that keeps repeated ids: how many ids stand more than once."""

_ESCAPES = {"t": "\t", "n": "\n", "r": "\r", "f": "\f"}
_BLANK = " \t\f"
_LIST = re.compile(r"[\s,;]+")
_UNICODE = re.compile(r"[0-9a-fA-F]{4}")


def parse(text: str | bytes, file: str = "properties") -> dict[str, str]:
    """Keys and values of a properties text, in the order of the file; a repeated key counts last.

    Raises
    ------
    DamagedError
        Naming `file` and the line: not UTF-8, a bad escape, or a value without a key.
    """
    decoded = text if isinstance(text, str) else _decode(text, file)
    found: dict[str, str] = {}
    for line, content in _logical_lines(decoded):
        key, value = _split(content)
        name = _unescape(key, file, line)
        if not name:
            raise DamagedError(
                f"{file}, line {line}: {content!r} has no key before its '='; a line has the form "
                "key=value: give the key, or begin the line with #"
            )
        found[name] = _unescape(value, file, line)
    return found


def dump(properties: Mapping[str, object], title: str = "HATS catalog") -> str:
    """The text of a properties file: a comment, then one `key=value` a line.

    Values may be text, numbers, booleans, or lists (written with spaces between); `None` is left
    out. `parse(dump(p))` gives the same text values back.
    """
    lines = [f"#{title}"]
    lines += [
        f"{_escape_key(k)}={_escape(to_text(v))}" for k, v in properties.items() if v is not None
    ]
    return "\n".join(lines) + "\n"


def to_text(value: object) -> str:
    """A value as HATS writes it: `true`, `10.0`, `2 4`."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (list, tuple)):
        return " ".join(to_text(item) for item in value)
    return str(value)


def as_list(text: str | None) -> list[str]:
    """The items of a list value: divided by spaces, commas, semicolons or newlines."""
    return [item for item in _LIST.split(text or "") if item]


def as_integer(properties: Mapping[str, str], key: str, file: str = "properties") -> int | None:
    """An integer value, `None` where the key is absent or empty.

    Raises
    ------
    DamagedError
        When the text is no integer.
    """
    text = properties.get(key, "").strip()
    if not text or text == "None":
        return None
    try:
        return int(text)
    except ValueError:
        raise _not_a(file, key, text, "an integer") from None


def as_number(properties: Mapping[str, str], key: str, file: str = "properties") -> float | None:
    """A finite number, `None` where the key is absent or empty.

    Raises
    ------
    DamagedError
        When the text is no finite number.
    """
    text = properties.get(key, "").strip()
    if not text or text == "None":
        return None
    try:
        number = float(text)
    except ValueError:
        raise _not_a(file, key, text, "a number") from None
    if number - number != 0.0:
        raise _not_a(file, key, text, "a finite number")
    return number


def as_pairs(properties: Mapping[str, str], key: str, file: str = "properties") -> dict[str, str]:
    """A list of alternating names and paths, such as `all_indexes=id v1/NAME_id`, as a dict.

    Raises
    ------
    DamagedError
        When the list has an odd number of items.
    """
    items = as_list(properties.get(key))
    if len(items) % 2:
        raise _not_a(file, key, properties[key], "pairs of a name and a path")
    return dict(zip(items[::2], items[1::2], strict=True))


def check_catalog(properties: Mapping[str, str], file: str = "hats.properties") -> str:
    """The `dataproduct_type`, once every key that it requires is known to be there.

    Raises
    ------
    DamagedError
        Naming the keys that are missing, or the type that is unknown.
    """
    _require(properties, ALWAYS, file)
    kind = properties["dataproduct_type"].strip()
    if kind not in CATALOG:
        raise _not_a(file, "dataproduct_type", kind, "one of " + ", ".join(CATALOG))
    _require(properties, CATALOG[kind], file)
    return kind


def check_collection(properties: Mapping[str, str], file: str = COLLECTION_FILE) -> None:
    """Nothing, where a collection's properties can be used.

    Raises
    ------
    DamagedError
        Naming the keys that are missing, or a default margin or index that is not listed.
    """
    _require(properties, COLLECTION, file)
    as_pairs(properties, "all_indexes", file)
    for default, listed in (("default_margin", "all_margins"), ("default_index", "all_indexes")):
        name = properties.get(default, "").strip()
        if name and name not in as_list(properties.get(listed)):
            raise DamagedError(
                f"{file}: {default} is {name!r}, but {listed} has "
                f"{properties.get(listed, '')!r}: name one of those, or remove {default}"
            )


def _require(properties: Mapping[str, str], keys: Sequence[str], file: str) -> None:
    missing = [key for key in keys if not properties.get(key, "").strip()]
    if missing:
        kind = properties.get("dataproduct_type", "collection")
        raise DamagedError(
            f"{file} lacks {', '.join(missing)}, which a HATS {kind} needs: "
            "add the keys, or build the catalogue again"
        )


def _not_a(file: str, key: str, text: str, needed: str) -> DamagedError:
    return DamagedError(f"{file}: {key} is {text!r}, but it needs to be {needed}: correct the file")


def _decode(data: bytes, file: str) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise DamagedError(
            f"{file}, line {line}: byte {data[error.start]:#04x} is not UTF-8, which properties "
            "files are written in: convert the file to UTF-8"
        ) from None


def _logical_lines(text: str) -> Iterator[tuple[int, str]]:
    """(number of its first line, text) of each line that is no comment, continuations joined."""
    pending, began = None, 0
    for number, natural in enumerate(re.split(r"\r\n|\n|\r", text), start=1):
        line = natural.lstrip(_BLANK)
        if pending is None:
            if not line or line[0] in "#!":
                continue
            pending, began = "", number
        pending += line
        if _continues(line):
            pending = pending[:-1]
            continue
        yield began, pending
        pending = None
    if pending:
        yield began, pending


def _continues(line: str) -> bool:
    return (len(line) - len(line.rstrip("\\"))) % 2 == 1


def _split(content: str) -> tuple[str, str]:
    """Key and value, still escaped: the key ends at the first bare `=`, `:` or blank."""
    end = 0
    while end < len(content) and content[end] not in "=:" + _BLANK:
        end += 2 if content[end] == "\\" else 1
    rest = content[end:].lstrip(_BLANK)
    if rest[:1] in ("=", ":"):
        rest = rest[1:].lstrip(_BLANK)
    return content[:end], rest


def _unescape(text: str, file: str, line: int) -> str:
    if "\\" not in text:
        return text
    out, i = [], 0
    while i < len(text):
        if text[i] != "\\":
            out.append(text[i])
            i += 1
        elif text[i + 1 : i + 2] == "u":
            out.append(_unicode_escape(text[i + 2 : i + 6], file, line))
            i += 6
        else:
            follow = text[i + 1 : i + 2]
            out.append(_ESCAPES.get(follow, follow))
            i += 2
    return "".join(out).encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _unicode_escape(digits: str, file: str, line: int) -> str:
    if not _UNICODE.fullmatch(digits):
        raise DamagedError(
            f"{file}, line {line}: \\u{digits} is not a character, which needs four hexadecimal "
            "digits after \\u: correct it, or double the backslash"
        )
    return chr(int(digits, 16))


def _escape(text: str) -> str:
    out = _escape_controls(text)
    return "\\" + out if out.startswith(" ") else out


def _escape_key(key: str) -> str:
    return re.sub(r"([=:#! ])", r"\\\1", _escape_controls(key))


def _escape_controls(text: str) -> str:
    out = text.replace("\\", "\\\\").replace("\t", "\\t").replace("\f", "\\f")
    return out.replace("\n", "\\n").replace("\r", "\\r")
