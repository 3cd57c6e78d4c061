from bootstrap.captions.rare import naming_rare
from bootstrap.records import TrainItem


def test_a_tag_that_few_pictures_show_stays_in_their_captions():
    def item(name, *tags, kind="kept"):
        return TrainItem(f"{name}.png", tags, kind)

    captions = [item(n, "t", "smile") for n in range(3)] + [item("s", "t", kind="seed")]
    full = [
        item(0, "t", "red hair", "smile"),
        item(1, "t", "red hair", "fox tail", "smile"),
        item(2, "t", "red hair", "fox tail", "smile"),
        item("s", "t", "red hair", "fox tail", "mole", kind="seed"),
    ]
    named = [one.tags for one in naming_rare(captions, full, 3)]
    assert named == [("t", "smile"), ("t", "smile", "fox tail"), ("t", "smile", "fox tail"), ("t", "fox tail", "mole")]
    assert naming_rare(captions, full, 0) == captions
