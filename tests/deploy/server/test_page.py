"""The page's files as they are served: whole, without a word from elsewhere, and labelled for those who cannot see."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest
from fastapi.testclient import TestClient

from smearlab.deploy.server.pages import assets

SCRIPTS = sorted(name for name in assets() if name.endswith(".js"))


class Elements(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def values(self, attribute: str) -> list[str]:
        return [str(attributes[attribute]) for _, attributes in self.found if attribute in attributes]


@pytest.fixture(scope="module", params=["/", "/docs"])
def page(request: pytest.FixtureRequest, client: TestClient) -> str:
    return client.get(request.param).text


def test_all_it_refers_to_is_served_from_here(page: str, client: TestClient) -> None:
    elements = Elements(page)
    wanted = [link for link in elements.values("href") + elements.values("src") if not link.startswith("#")]
    assert len(wanted) >= 5
    for link in wanted:
        assert link.startswith("/")
        assert client.get(link).status_code == 200, link
    assert (client.head("/").status_code, client.head("/").content) == (200, b"")


def test_nothing_in_it_is_of_another_site() -> None:
    for name, asset in assets().items():
        addresses = re.findall(
            r"(?:https?:)?//[\w.-]+\.\w+[^\s\"')]*", re.sub(r"^\s*//.*$", "", asset.content.decode(), flags=re.M)
        )
        assert set(addresses) <= {"http://www.w3.org/2000/svg"}, name


def test_scripts_import_each_other_and_nothing_else() -> None:
    for name in SCRIPTS:
        text = assets()[name].content.decode()
        assert set(re.findall(r'from "\./([^"]+)"', text)) <= set(SCRIPTS), name
        assert text.count(' from "') == text.count(' from "./'), name
        assert "innerHTML" not in text, name
        assert "eval(" not in text, name


def test_no_style_or_script_stands_in_the_page_itself(page: str) -> None:
    elements = Elements(page)
    assert not elements.values("style")
    assert not [tag for tag, _ in elements.found if tag == "style"]
    assert all("src" in attributes for tag, attributes in elements.found if tag == "script")
    assert not [name for _, attributes in elements.found for name in attributes if name.startswith("on")]


def test_what_scripts_look_for_is_in_the_page(client: TestClient) -> None:
    known = set(Elements(client.get("/").text).values("id"))
    for name in SCRIPTS:
        wanted = set(re.findall(r'\bby\("([\w-]+)"\)', assets()[name].content.decode()))
        assert wanted <= known, name


def test_it_is_named_and_labelled(page: str) -> None:
    elements = Elements(page)
    assert ("html", {"lang": "en"}) in elements.found
    assert all("alt" in attributes for tag, attributes in elements.found if tag == "img")
    labels = re.findall(r"<label[^>]*>.*?</label>", page, re.DOTALL)
    inside = {one for label in labels for one in Elements(label).values("id")}
    for tag, attributes in elements.found:
        if tag in ("input", "select"):
            assert attributes.get("aria-label") or attributes["id"] in inside


def test_the_description_names_every_route_and_object(client: TestClient) -> None:
    text = client.get("/docs").text
    schema = client.get("/openapi.json").json()
    for name in [*schema["paths"], *schema["components"]["schemas"]]:
        assert name in text
    assert "pictures=@cell.png" in text
