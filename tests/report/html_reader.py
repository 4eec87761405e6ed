"""What a browser would make of a page: its elements, and whether they are closed as they were opened."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser

VOID = {"meta", "link", "img", "br", "hr", "input", "path", "circle", "use", "rect", "g"}
OPTIONAL = {"path", "circle", "use", "rect", "g"}


@dataclass
class Element:
    tag: str
    attributes: dict[str, str]
    text: str = ""


@dataclass
class Reader(HTMLParser):
    elements: list[Element] = field(default_factory=list)
    unclosed: list[str] = field(default_factory=list)
    mismatched: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__(convert_charrefs=True)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append(Element(tag, {name: value or "" for name, value in attrs}))
        if tag not in VOID - OPTIONAL:
            self.unclosed.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append(Element(tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        if not self.unclosed or self.unclosed.pop() != tag:
            self.mismatched.append(tag)

    def handle_data(self, data: str) -> None:
        if self.elements:
            self.elements[-1].text = (self.elements[-1].text + data).strip()

    def all(self, *tags: str) -> list[Element]:
        return [element for element in self.elements if element.tag in tags]


def read_html(html: str) -> Reader:
    reader = Reader()
    reader.feed(html)
    reader.close()
    return reader
