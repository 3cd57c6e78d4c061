"""The pages that ship with the package are listed, found by name, and shown."""

import re

import pytest

from bootstrap.config import configs_dir
from bootstrap.config.pages import doc_page, doc_pages


def test_every_page_of_the_configs_is_listed_with_its_title(call):
    done = call("docs")
    assert done.code == 0
    assert len(done.out.splitlines()) == len(list(configs_dir().rglob("*.md")))
    for page in doc_pages():
        assert re.search(rf"^{re.escape(page.name)} +{re.escape(page.title)}$", done.out, re.M)
        assert page.title
        assert not page.title.startswith("#")


@pytest.mark.parametrize(
    ("name", "page"), [("sdxl", "base/sdxl"), ("Characters", "characters"), ("real.md", "scoring/real")]
)
def test_a_page_is_found_with_and_without_its_folder(call, name, page):
    done = call("docs", name)
    assert done.code == 0
    assert done.out.strip() == doc_page(page).text.strip()
    assert call("docs", page, "--path").out.strip() == str(configs_dir() / doc_page(page).path)


def test_a_name_of_two_pages_and_a_misspelt_one_are_a_line_each(call):
    done = call("docs", "klein")
    assert (done.code, done.line) == (2, 'error: several pages are called "klein"')
    assert "base/klein, drawers/klein" in done.err
    done = call("docs", "base/sdlx")
    assert (done.code, done.line) == (2, 'error: no page is called "base/sdlx"')
    assert "base/sdxl" in done.err


@pytest.mark.parametrize("page", doc_pages(), ids=lambda page: page.name)
def test_the_links_of_a_page_lead_somewhere(page):
    links = re.findall(r"\]\((?!https?:|#)([^)#]+)", page.text)
    assert not [link for link in links if not (page.path.parent / link).exists()]
