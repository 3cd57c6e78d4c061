"""The pairs that the imitation of a judge of two pictures is trained on."""

from bootstrap.puppets.train.individuals import PER_GROUP, SHOTS
from bootstrap.puppets.train.twins import TWINS
from tests.benchmarks.pair_judge import pairs_of


def test_each_front_is_paired_with_its_own_other_pictures_and_with_its_twins_of_the_same_group():
    firsts, seconds, same = pairs_of(2)
    assert len(same) == 2 * TWINS * 2 * (PER_GROUP - 1)
    assert same.sum() == 2 * TWINS * 2 * (len(SHOTS) - 1)
    assert (firsts // PER_GROUP == seconds // PER_GROUP).all()
    assert (firsts != seconds).all()
    assert ((firsts // len(SHOTS) == seconds // len(SHOTS)) == same).all()
