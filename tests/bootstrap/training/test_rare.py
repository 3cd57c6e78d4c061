from bootstrap.captions.rare import naming_rare
from bootstrap.records import TrainItem


def test_a_tag_that_few_pictures_show_stays_in_their_captions():
    def item(name, *tags, kind="kept"):
        return TrainItem(f"{name}.png", tags, kind)

    captions = [item(n, "t", "smile") for n in range(5)] + [item("s", "t", kind="seed")]
    full = [
        *[item(n, "t", "red hair", "smile") for n in range(3)],
        item(3, "t", "red hair", "fox tail", "smile"),
        item(4, "t", "red hair", "fox tail", "smile"),
        item("s", "t", "red hair", "fox tail", "mole", kind="seed"),
    ]
    named = [one.tags for one in naming_rare(captions, full, 3)]
    assert named == [*[("t", "smile")] * 3, *[("t", "smile", "fox tail")] * 2, ("t", "fox tail", "mole")]
    assert naming_rare(captions, full, 15)[:5] == naming_rare(captions, full, 3)[:5], "half of them show red hair"
    assert naming_rare(captions, full, 0) == captions
    assert naming_rare(captions[-1:], full, 15) == captions[-1:], "of no picture nothing is rare"
