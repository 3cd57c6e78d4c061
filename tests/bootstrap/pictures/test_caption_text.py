"""Captions of every tool: tags, sentences, separators, faces made of signs."""

import pytest

from bootstrap.pictures.caption_text import caption_parts, folded, is_sentence, named_in, spaced

SENTENCE = "A girl with red hair smiles at the viewer, standing in a forest at night."


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("mika,smile, ,forest,", ["mika", "smile", "forest"]),
        ("from behind\nfull body\r\nsmile\n", ["from behind", "full body", "smile"]),
        ("mika ||| 1girl, smile ;;; forest", ["mika", "1girl", "smile", "forest"]),
        (SENTENCE, [SENTENCE]),
        (f"mika, 1girl, {SENTENCE}", ["mika", "1girl", SENTENCE]),
        ("1girl, solo\nA girl smiles.\nShe waves at you.", ["1girl", "solo", "A girl smiles. She waves at you."]),
        ("A girl with red hair\nsmiles at the viewer.", ["A girl with red hair smiles at the viewer."]),
        ("A girl smiles.\nforest\nShe waves.", ["A girl smiles.", "forest", "She waves."]),
        (
            "A girl smiles at you, tall., forest, She waves her hand.",
            ["A girl smiles at you, tall.", "forest", "She waves her hand."],
        ),
        ("A girl smiles. She stands, waving, in a forest.", ["A girl smiles. She stands, waving, in a forest."]),
        ("a photo of mika girl, smile, forest", ["a photo of mika girl", "smile", "forest"]),
        ("a photo of mika girl\nsmile\nforest", ["a photo of mika girl", "smile", "forest"]),
        ("a girl standing there, !, !?, ...", ["a girl standing there", "!", "!?", "..."]),
        ("smile, :,(, ;), (,_,), ||_||, ^_^", ["smile", ":,(", ";)", "(,_,)", "||_||", "^_^"]),
        (r"mika \(blue archive\), smile", [r"mika \(blue archive\)", "smile"]),
        ("(red hair, smile:1.2)", ["(red hair", "smile:1.2)"]),
        ("a\x00b\x1b, c\u200b, \u202ed\ufeff", ["ab", "c", "d"]),
        ("smile\tforest\t\tnight", ["smile", "forest", "night"]),
        ("smile; forest | night, x_x; ;)", ["smile", "forest", "night", "x_x; ;)"]),
        ("She stands; she smiles, waving.", ["She stands; she smiles, waving."]),
        (
            "1girl solo red_hair smile looking_at_viewer hand_on_hip forest night",
            ["1girl", "solo", "red_hair", "smile", "looking_at_viewer", "hand_on_hip", "forest", "night"],
        ),
        ("photo of mika_chr wearing mika_coat", ["photo of mika_chr wearing mika_coat"]),
        ("mika_chr_v2 girl smiling", ["mika_chr_v2 girl smiling"]),
        ("- smile\n* forest\n1. night\n2) 3d", ["smile", "forest", "night", "3d"]),
        ('["smile", "forest"]', ["smile", "forest"]),
        ('"smile, forest"', ["smile", "forest"]),
        ("1girl, smile\nNegative prompt: lowres,\nbad\nSteps: 20, Sampler: Euler a, Seed: 1", ["1girl", "smile"]),
        ("&gt;_&lt;, tom &amp; jerry", [">_<", "tom & jerry"]),
    ],
)
def test_a_caption_is_tags_and_sentences_and_joined_it_is_the_same(text, parts):
    assert caption_parts(text) == tuple(parts)
    assert caption_parts(", ".join(caption_parts(text))) == tuple(parts)


def test_what_is_a_sentence():
    assert all(
        map(is_sentence, ["mika is here", "A girl smiles.", "a photo of mika", "She waves her left hand.", SENTENCE])
    )
    tags = ["looking at viewer", "hands on hips", "from side", "a b", "mika (blue archive)", "!?", "three-quarter view"]
    assert not any(map(is_sentence, tags))


def test_tags_are_compared_without_regard_to_how_they_are_written():
    assert folded("Red_Hair") == folded("red  hair")
    assert folded(r"Mika_\(Blue\)") == "mika (blue)"
    assert {
        folded(tag) for tag in ("(red hair:1.2)", "((red_hair))", "[Red Hair", "red hair:0.98", "red hair (0.9)")
    } == {"red hair"}
    assert [folded(tag) for tag in ("(:3)", "mika (blue)", "fate:zero", "3:2", "caf\u0065\u0301")] == [
        "(:3)", "mika (blue)", "fate:zero", "3:2", "caf\u00e9",
    ]  # fmt: skip
    assert [spaced(tag) for tag in ("score_8_up", "rating_safe")] == ["score_8_up", "rating_safe"], (
        "Pony knows no other"
    )
    assert [spaced(tag) for tag in ("red_hair", "^_^", "o_o", "0_0")] == ["red hair", "^_^", "o_o", "0_0"]


def test_tags_are_found_in_sentences_as_whole_words():
    assert named_in(SENTENCE, ["Red Hair", "green eyes", "red"]) == ["Red Hair", "red"]
    assert named_in("A red-hair girl; tanned.", ["red hair", "tan"]) == ["red hair"]
    assert named_in("Her hair is long and red, her eye green.", ["red hair", "green eyes"]) == ["red hair"]
    assert named_in("a redhaired girl with a green eye", ["red hair", "green eyes"]) == ["red hair", "green eyes"]
    assert not named_in("Her hair is in red ribbons.", ["red hair"])
