"""What the base draws for the trigger before anything is trained: a word that it knows brings its own idea along.

A few pictures with the trigger alone, without it, and with made-up words in its place, of the same random seeds, once a
run. What was found is a note of the run, and stands among what its acceptance tells. The pictures are not kept.
"""

from __future__ import annotations

from bootstrap.backends.regularisation import NO_SHOT
from bootstrap.captions.wording import calling
from bootstrap.character.core_tag import core_tags_in
from bootstrap.config.estimate import MADE_UP_WORDS
from bootstrap.config.run_settings import RunConfig
from bootstrap.pictures import square
from bootstrap.records import Job, JobKind, random_seed_of
from loops.engine import Engine
from scoring.features import Vectors
from scoring.measurement import Picture, digest_of
from scoring.word_meaning import WordMeaning, meaning_of

__all__ = ["bias_of_base", "look_at_trigger"]

FACT = "what the trigger means to the base"
CONSONANTS = "bdfgklmnprstvz"


def look_at_trigger(engine: Engine) -> None:
    """Draw, compare and note it, once a run. Not for the demonstration's base, which knows no words but its own."""
    store, config = engine.store, engine.config
    if (
        not (config.loop.trigger_pictures and engine.character.trigger)
        or config.base.demonstration
        or store.recall(FACT) is not None
    ):
        return
    if store.rounds():
        return  # begun before it was looked at
    trigger, found = engine.character.trigger, list[Vectors]()
    words = ["", trigger, *_made_up(config, trigger)]
    for number, word in enumerate(words):
        found.append(_drawn_with(engine, word))
        engine.progress("looking at the trigger", number + 1, len(words))
    plain, worded, *made_up = found
    store.remember(FACT, _told(trigger, meaning_of(plain, worded, made_up)))
    engine.note(bias_of_base(engine)[1])


def bias_of_base(engine: Engine) -> tuple[bool, str]:
    """Whether the trigger means nothing to the base, and what was found in words; "" where nobody looked."""
    told = engine.store.recall(FACT) or ""
    return not told.startswith("the base has its own idea"), told


def _told(trigger: str, meaning: WordMeaning) -> str:
    furthest = max(meaning.made_up)
    numbers = f"with it alone pictures move by {meaning.moved:.2f}, with made-up words by up to {furthest:.2f}"
    if meaning.has_one:
        return f'the base has its own idea of "{trigger}", which may win over yours: {numbers}; a made-up word is safer'
    return f'the base has no idea of its own of "{trigger}": {numbers}'


def _made_up(config: RunConfig, trigger: str) -> list[str]:
    """Words of consonants, as long as a usual trigger, which no base knows."""
    words = []
    for number in range(MADE_UP_WORDS):
        digits = random_seed_of(config.random_seed, trigger, "made-up word", number)
        letters = [CONSONANTS[digits // len(CONSONANTS) ** place % len(CONSONANTS)] for place in range(7)]
        words.append("".join(letters))
    return words


def _drawn_with(engine: Engine, word: str) -> Vectors:
    """Unit vectors of what the base draws with a word before the core, or with the core alone, (n, d)."""
    config, jobs = engine.config, []
    core = tuple(tag for tag in engine.character.core if not core_tags_in([tag]))  # those hold the trigger
    subject = engine.character.model_copy(update={"trigger": word, "core": core, "unique": {}, "style_switch": ()})
    prompt = ", ".join(part for part in (*calling(subject, config.base.dialect), config.base.quality) if part)
    for number in range(config.loop.trigger_pictures):
        seed = random_seed_of(config.random_seed, "trigger alone", number)
        jobs.append(Job(f"trigger{number}", JobKind.PROBE, 0, 0, NO_SHOT, prompt, config.base.negative, seed, {}))
    pictures: list[Picture] = []
    for batch in engine.drawer.draw(jobs, None):
        for _, image in batch:
            whole = square(image.convert("RGB"))
            pictures.append(Picture(whole, digest_of(whole), "", ""))
    return engine.judges.features.vectors(engine.judges.encoder, pictures)
