"""What MkDocs does beside its own work: pages from outside docs/, links that hold here and on a code host, colours.

The pages are written for both places. Their links are those of the repository, and lead to a file of it; here they
are turned into those of the site. `<!-- reference: NAME -->` becomes the reference of that object, from its docstring.
"""

from __future__ import annotations

import re
from pathlib import Path
from posixpath import relpath
from typing import TYPE_CHECKING

from pygments.formatters import HtmlFormatter

if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.files import Files
    from mkdocs.structure.pages import Page

ROOT = Path(__file__).resolve().parents[1]
OUTSIDE = {
    "README.md": "index.md",
    **{name: name for name in ("MODEL_CARD.md", "CHANGELOG.md", "CONTRIBUTING.md", "benchmarks/RESULTS.md")},
    "LICENSE": "LICENSE.txt",
}
"""Files of the repository that are part of the site, and where they stand in it."""

_FENCE = r"^```.*?^```$"
_LINK = re.compile(rf"(?P<fence>{_FENCE})|(?<=\]\()(?!\w+:|#)(?P<target>[^)\s#]+)", re.MULTILINE | re.DOTALL)
_REFERENCE = re.compile(r"^<!-- reference: ([\w.]+) -->$", re.MULTILINE)
_ROW = re.compile(rf"(?P<fence>{_FENCE})|^\|.*\|$", re.MULTILINE | re.DOTALL)
_CODE = re.compile(r"`[^`\n]+`")
_CSS = """
.navbar.bg-primary { background: #4a2f91 !important; }
.col-md-9 table { display: block; overflow-x: auto; }
.col-md-9 img { max-width: 100%; height: auto; }
"""


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Leave pages out of the navigation that are not written yet; links to them would still stop the build."""
    for section in config.nav or []:
        for title, entries in section.items():
            if isinstance(entries, list):
                section[title] = [entry for entry in entries if _written(*entry.values())]
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages from outside docs/, the files that any page links to, and the style sheet."""
    from mkdocs.structure.files import File

    for inside, place in OUTSIDE.items():
        files.append(File.generated(config, place, abs_src_path=str(ROOT / inside)))
    linked = {target for file in files.documentation_pages() for target in _linked(file.src_uri)}
    for target in sorted(linked):
        files.append(File.generated(config, place_of(target), abs_src_path=str(ROOT / target)))
    files.append(File.generated(config, "stylesheets/site.css", content=style_sheet()))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Turn a page of the repository into one of the site."""
    del config, files
    return as_site(markdown, page.file.src_uri)


def as_site(markdown: str, place: str) -> str:
    """Turn the text of a page of the repository into that of the page `place` of the site."""
    source = source_of(place)

    def moved(found: re.Match[str]) -> str:
        target = None if found["fence"] else _inside(source, found["target"])
        return relpath(place_of(target), Path(place).parent.as_posix()) if target else found[0]

    markdown = _LINK.sub(moved, markdown)
    # Code hosts want `a\|b` in a table; Python-Markdown shows the backslash.
    markdown = _ROW.sub(lambda row: row[0] if row["fence"] else _CODE.sub(_without_escapes, row[0]), markdown)
    return _REFERENCE.sub(r"::: \1", markdown)


def place_of(path: str) -> str:
    """Return where a file of the repository, named from its root, stands in the site."""
    return OUTSIDE.get(path, path.removeprefix("docs/"))


def source_of(place: str) -> str:
    """Return the file of the repository that stands at this place of the site."""
    outside = {there: here for here, there in OUTSIDE.items()}
    return outside.get(place, f"docs/{place}")


def style_sheet() -> str:
    """Return the colours of code, for light and for dark, and tables that scroll by themselves."""
    light = HtmlFormatter(style="default").get_style_defs("[data-bs-theme=light] .highlight")
    dark = HtmlFormatter(style="github-dark").get_style_defs("[data-bs-theme=dark] .highlight")
    return f"{light}\n{dark}\n{_CSS}"


def _written(place: str) -> bool:
    return (ROOT / source_of(place)).is_file()


def _inside(source: str, link: str) -> str | None:
    """Return the file of the repository that a link of a page means; None where there is none, for MkDocs to tell."""
    path = (ROOT / source).parent.joinpath(link).resolve()
    return path.relative_to(ROOT).as_posix() if path.is_file() and path.is_relative_to(ROOT) else None


def _linked(place: str) -> set[str]:
    """Return the files outside docs/ that a page links to and that are not part of the site anyway."""
    source = source_of(place)
    found = (
        _inside(source, match["target"])
        for match in _LINK.finditer((ROOT / source).read_text("utf-8"))
        if match["target"]
    )
    return {target for target in found if target and target not in OUTSIDE and not target.startswith("docs/")}


def _without_escapes(code: re.Match[str]) -> str:
    return code[0].replace("\\|", "|")
