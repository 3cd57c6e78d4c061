"""Licences as the Hugging Face Hub writes them: an identifier that it knows, or ``other`` with a name and a link."""

from __future__ import annotations

import re

__all__ = ["LICENSES", "LICENSE_FILE", "front_of", "license_text"]

NAMES = """
afl-3.0 agpl-3.0 apache-2.0 artistic-2.0 bigscience-bloom-rail-1.0 bigscience-openrail-m bsd bsd-2-clause bsd-3-clause
bsd-3-clause-clear bsl-1.0 c-uda cc cc-by-2.0 cc-by-2.5 cc-by-3.0 cc-by-4.0 cc-by-nc-2.0 cc-by-nc-3.0 cc-by-nc-4.0
cc-by-nc-nd-3.0 cc-by-nc-nd-4.0 cc-by-nc-sa-2.0 cc-by-nc-sa-3.0 cc-by-nc-sa-4.0 cc-by-nd-4.0 cc-by-sa-3.0 cc-by-sa-4.0
cc0-1.0 cdla-permissive-1.0 cdla-permissive-2.0 cdla-sharing-1.0 creativeml-openrail-m ecl-2.0 epl-1.0 epl-2.0
etalab-2.0 eupl-1.1 eupl-1.2 gfdl gpl gpl-2.0 gpl-3.0 isc lgpl lgpl-2.1 lgpl-3.0 lppl-1.3c mit mpl-2.0 ms-pl ncsa odbl
odc-by ofl-1.1 openrail openrail++ osl-3.0 other pddl postgresql unknown unlicense wtfpl zlib
"""
LICENSES = frozenset(NAMES.split())
"""The identifiers that the Hub takes as ``license``."""
LICENSE_FILE = "LICENSE.md"
"""Where a licence stands that the Hub does not know and that has no page of its own."""
LINK = re.compile(r"https?://[^\s<>\"')\]]*[^\s<>\"')\].,;:]")
SPELLINGS = (
    (r"^the-|-(licen[cs]e|international|unported|deed|version)\b", ""),
    (r"creative-commons", "cc"), (r"attribution", "by"), (r"non-?commercial", "nc"), (r"share-?alike", "sa"),
    (r"no-?deriv(ative)?s?", "nd"), (r"^apache$", "apache-2.0"),
    (r"^(cc-?)?(zero|0)(-1\.0)?(-universal)?$|^cc0$", "cc0-1.0"),
    (r"^([al]?gpl)-?v?([123])(\.0)?(-only|-or-later|\+)?$", r"\1-\2.0"), (r"-?\bv(?=\d)", "-"),
    (r"^(cc-by[a-z-]*?)-?(\d)$", r"\1-\2.0"),
    (r"^(open)?rail\+\+(-m)?$|^(creativeml-)?open-?rail\+\+(-m)?$", "openrail++"),
    (r"^creativeml-open-?rail-m$", "creativeml-openrail-m"), (r"--+", "-"),
)  # fmt: skip
"""How people spell licences → how the Hub does, one after the other."""


def _identifier_of(text: str) -> str:
    """The identifier of a licence on the Hub; "" where it has none."""
    slug = re.sub(r"[^a-z0-9.+]+", "-", LINK.sub("", text).lower()).strip("-")
    if slug in LICENSES:
        return slug
    for pattern, instead in SPELLINGS:
        slug = re.sub(pattern, instead, slug).strip("-")
    return slug if slug in LICENSES else ""


def front_of(text: str) -> dict[str, str]:
    """The entries of a card's front matter about a licence."""
    if not text.strip():
        return {"license": "unknown"}
    if identifier := _identifier_of(text):
        return {"license": identifier}
    link = LINK.search(text)
    name = re.sub(r"[^a-z0-9.+]+", "-", LINK.sub("", text).lower()).strip("-.")
    return {"license": "other", "license_name": name or "own", "license_link": link[0] if link else LICENSE_FILE}


def license_text(text: str, credits: str) -> str:
    """What stands in the file of a licence that the Hub does not know; "" where there is no need for one."""
    if front_of(text).get("license_link") != LICENSE_FILE:
        return ""
    by = f" {credits}." if credits else ""
    return f"Licence of the original pictures, which holds for everything made from them: {text}{by}\n"
