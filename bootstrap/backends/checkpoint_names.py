"""What the name of a checkpoint says: its finetune, drawings or photographs, tags or sentences, few steps, velocity.

Authors write names without spaces ("waiANINSFWPONYXL_v11"). A name is cut into words, and only whole words count:
"kawaii" holds neither "wai" nor "ai". Imports no model library; knows no file.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

__all__ = ["FEW_STEPS", "FINETUNES", "marks_in", "names_a_plain_base"]

FINETUNES = ("noobai", "illustrious", "pony", "animagine", "nai")
"""Finetunes whose prompts have words of their own; NoobAI descends from Illustrious, "nai" is NovelAI's of 2022."""
FEW_STEPS = ("turbo", "lightning", "lcm", "dmd", "hyper")
"""Ways in which a base was distilled to few steps: SDXL Turbo, Lightning, LCM, DMD2, Hyper-SD."""
SPELLINGS = {
    # finetunes, and merges that are known as theirs
    "pony": "pony ponyxl pny pnyxl pdxl autismmix autism",
    "illustrious": (
        "illustrious illustriousxl il ilxl illu illust ilust illustxl anillustrious illumiyume plantmilk rouwei"
    ),
    "noobai": "noobai noob noobxl noobaixl nbxl cattower laxhar",
    "animagine": "animagine animaginexl",
    "nai": "nai novelai animefull animesfw",
    # what it draws
    "drawn": (
        "anime ani manga toon cartoon hentai furry yiff comic illustration drawn waifu doujin pixelart flat2d"
        " anything anythingv counterfeit abyssorange abyssorangemix orangemix orangemixs meina meinamix meinahentai"
        " pastelmix hassaku cetus cetusmix darksushimix revanimated toonyou mistoon divineelegance divineelegancemix"
        " ghostmix anylora aam animepastel bluepencil kenshi breakdomain yiffymix fluffyrock easyfluff indigofurrymix"
        " realcartoon cartoonmix animix"
    ),
    "photo": (
        "photo photos photoreal photorealistic photorealism photographic photography photon real realism realistic"
        " realvis realvisxl realisticvision epicrealism epicrealismxl cyberrealistic cyberrealism absolutereality"
        " chilloutmix majicmix juggernaut juggernautxl jugg albedobase albedobasexl zavychroma zavychromaxl nightvision"
        " icbinp epicphotogasm copax lustify biglust analogmadness helloworld leosams uberrealistic hyperreal"
        " hyperrealistic hyperrealism"
    ),
    "prose": "dreamshaper",
    # few steps
    "turbo": "turbo sdxlturbo turbovision turbovisionxl",
    "lightning": "lightning sdxllightning",
    "lcm": "lcm",
    "dmd": "dmd",
    "hyper": "hyper hypersd hypersdxl",
    # what it predicts
    "velocity": "vpred vprediction vpredict vparam vparameterization fluffyrock easyfluff",
    "ztsnr": "ztsnr zsnr zerosnr",
    "edm": "edm cosxl playgroundv25 playground25",
}
"""What a word means → its spellings, in lower case without signs."""
FILLERS = (
    "xl sdxl sd ai v nsfw sfw mix merge model diffusion base style cyber nova hard super fast based by full pruned ema"
    " only vae baked fp bf no"
)
"""Words that mean nothing here, but that others are written together with."""


def _meanings_by_word() -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for meaning, spellings in SPELLINGS.items():
        for word in spellings.split():
            found.setdefault(word, set()).add(meaning)
    return found


MEANINGS = _meanings_by_word()
WORDS = {*MEANINGS, *FILLERS.split()} - {"ai", "v"}
CAMEL = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|\d+")
RUN = re.compile(r"[A-Za-z]+|\d+")
VERSION = re.compile(r"(?<=[a-z])v(?=\d)")
"""A version written to a word: "ilv60"."""
JOINED = 4
"""Most neighbouring words that are read as one: "v-pred", "S D X L"."""
PLAIN = ("sdxlbase", "sdxl10", "stablediffusionxlbase", "v15pruned", "v14pruned", "sdv15", "sd15", "sdv14", "sd14")
PLAIN_HUB = ("stablediffusionv15", "stablediffusionv14")
"""How the names of the models begin that Stability AI and Runway published, without signs."""
REALISM = re.compile(r"real|detail")
"""What follows "hyper" where it means no few steps: "HyperRealistic"."""


def marks_in(name: str) -> frozenset[str]:
    """What the whole words of a name mean; see `SPELLINGS`. A name that says nothing gives none."""
    found: set[str] = set()
    for words in (_words(CAMEL, name), _words(RUN, name)):
        for place, word in enumerate(words):
            for meaning in _meanings(word):
                if meaning != "hyper" or not REALISM.match("".join(words[place + 1 : place + 2])):
                    found.add(meaning)
        for joined in _joined(words):
            found |= MEANINGS.get(joined, set())
    return frozenset(found)


def names_a_plain_base(name: str) -> bool:
    """Whether a name is that of the model itself, of no finetune."""
    letters = re.sub(r"[^a-z0-9]", "", name.lower())
    return letters.startswith((*PLAIN, *PLAIN_HUB)) and not marks_in(name)


def _words(pattern: re.Pattern[str], name: str) -> list[str]:
    return [word.lower() for word in pattern.findall(VERSION.sub(" v", name))]


def _joined(words: list[str]) -> Iterator[str]:
    for count in range(2, JOINED + 1):
        for place in range(len(words) - count + 1):
            yield "".join(words[place : place + count])


def _meanings(word: str) -> Iterable[str]:
    """The meanings of a word, or of the words that it is made of without a rest."""
    if word in MEANINGS:
        return MEANINGS[word]
    found: set[str] = set()
    for part in _parts(word):
        found |= MEANINGS.get(part, set())
    return found


def _parts(word: str) -> tuple[str, ...]:
    """Known words that a word is made of, the longest first; () unless nothing is left over."""
    for end in range(len(word), 1, -1):
        if word[:end] in WORDS:
            if end == len(word):
                return (word,)
            if rest := _parts(word[end:]):
                return (word[:end], *rest)
    return ()
