"""Seeds: the original pictures, checked, captioned and cut into reference crops and altered copies.

A seed's own caption decides what the trigger absorbs: view, framing, outfit, background and style come from the sidecar
.txt, from ``seeds`` in character.json, or are read zero-shot with a margin; what could not be read is said, not
guessed. Knows no model: the zero-shot reader is handed in.
"""

from __future__ import annotations

import io
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from bootstrap.captions import Wording
from bootstrap.character import SeedNote
from bootstrap.errors import SeedError
from bootstrap.figures import figures, subject
from bootstrap.records import FRAMINGS, Box, Seed

__all__ = [
    "MOST_SEEDS",
    "SUBJECT",
    "Cut",
    "Read",
    "SeedCaptioner",
    "View",
    "cuts",
    "gather",
    "open_seed",
    "square",
    "unread",
    "views_in",
]

MOST_SEEDS = 4
SUBJECT = "-subject.png"
"""End of the name of a seed that was cropped to its subject."""
MOST_PIXELS = 50_000_000
SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".avif", ".bmp")
Composition = Mapping[str, Mapping[str, Box]]
Read = Callable[[Image.Image, Sequence[str]], str]
"""Reads which phrase a picture shows; "" when the best does not lead by the margin."""


@dataclass(frozen=True)
class Cut:
    """A seed, a crop of it, or an altered copy; ``extra`` tags say what was done to it."""

    image: Image.Image
    kind: str
    framing: str
    extra: tuple[str, ...] = ()


@dataclass(frozen=True)
class View:
    """A picture that shows the character once: a seed, or figure ``number`` (from 1; 0: no sheet) of a sheet.

    ``data`` are the bytes of the file ``name``.
    """

    name: str
    image: Image.Image
    data: bytes
    number: int


def gather(sources: Sequence[Path]) -> list[Path]:
    """The seed files among files or one folder, sorted within the folder. Raises SeedError unless 1 to 4."""
    found: list[Path] = []
    for source in sources:
        if source.is_dir():
            found += sorted(path for path in source.iterdir() if path.suffix.lower() in SUFFIXES)
        elif source.exists():
            found.append(source)
        else:
            raise SeedError(f'no such picture "{source}"', "give 1 to 4 picture files, or a folder with them")
    if not 1 <= len(found) <= MOST_SEEDS:
        where = ", ".join(f'"{source}"' for source in sources) or "no file"
        raise SeedError(f"{where}: {len(found)} pictures found", f"give 1 to {MOST_SEEDS} pictures of one character")
    return found


def open_seed(path: Path, smallest: int = 64) -> tuple[Image.Image, bytes]:
    """A seed as upright RGB on white, and its original bytes. Raises SeedError with what is wrong with the file."""
    try:
        data = path.read_bytes()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # what is too large is said below
            opened = Image.open(io.BytesIO(data))
        with opened:
            if opened.width * opened.height > MOST_PIXELS:
                raise SeedError(
                    f'"{path}" has {opened.width}x{opened.height} pixels', "scale it down below 50 megapixels"
                )
            if getattr(opened, "n_frames", 1) > 1:
                raise SeedError(f'"{path}" is animated', "save one frame as PNG")
            image = _on_white(ImageOps.exif_transpose(opened))
    except Image.DecompressionBombError:
        raise SeedError(f'"{path}" has too many pixels to open', "scale it down below 50 megapixels") from None
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError) as error:
        why = "" if isinstance(error, UnidentifiedImageError) else f" ({error})"
        empty = path.is_file() and path.stat().st_size == 0
        reason = "is empty" if empty else f"is no picture that can be read{why}"
        raise SeedError(f'"{path}" {reason}'.replace("\n", " "), "save it again as PNG") from None
    if min(image.size) < smallest:
        raise SeedError(
            f'"{path}" is {image.width}x{image.height}, {smallest - min(image.size)} pixels too small',
            f"give a picture of at least {smallest} pixels a side",
        )
    return image, data


def _on_white(image: Image.Image) -> Image.Image:
    """Any mode as RGB, transparency on white (field practice C3); 16 bits and floats are scaled, not clipped."""
    if image.mode.startswith(("I", "F")):
        values = np.asarray(image, np.float64)
        most = 1.0 if image.mode == "F" and values.max() <= 1 else 65535.0 if values.max() > 255 else 255.0
        return Image.fromarray((values.clip(0, most) * (255 / most)).round().astype(np.uint8)).convert("RGB")
    if image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info:
        rgba = image.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", rgba.size, "white"), rgba).convert("RGB")
    return image.convert("RGB")


def views_in(image: Image.Image, data: bytes, stem: str, suffix: str, *, whole: bool) -> list[View]:
    """The views of an opened seed: itself, its subject where the ground around it is wide, or each figure of a sheet.

    What is cut is a PNG of its own (field practice C2). ``stem`` and ``suffix`` name the file; ``whole`` says that the
    picture is known to be one view.
    """
    boxes = [] if whole else figures(image)
    if not boxes and (box := subject(image)):
        part = image.crop(box)
        return [View(f"{stem}{SUBJECT}", part, _png(part), 0)]
    if not boxes:
        return [View(f"{stem}{suffix}", image, data, 0)]
    return [
        View(f"{stem}-{number}.png", part, _png(part), number)
        for number, part in enumerate((image.crop(box) for box in boxes), 1)
    ]


def _png(image: Image.Image) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, format="PNG")
    return buffer.getvalue()


def square(image: Image.Image) -> Image.Image:
    """The picture padded to a square with the colour of its border, so that nothing is cut off."""
    if image.width == image.height:
        return image
    side = max(image.size)
    red, green, blue = image.resize((1, 1), Image.Resampling.BOX, box=(0, 0, 2, 2)).tobytes()
    canvas = Image.new("RGB", (side, side), (red, green, blue))
    canvas.paste(image, ((side - image.width) // 2, (side - image.height) // 2))
    return canvas


@dataclass(frozen=True)
class SeedCaptioner:
    """Finds out what each seed shows besides the character."""

    wording: Wording
    read: Read

    def caption(self, path: Path, stored: str, sha256: str, image: Image.Image, figure: int = 0) -> Seed:
        """The Seed record of a picture, or of a figure of a sheet; its tags are ``axis=tag`` texts of what it shows.

        Raises SeedError when what was written about it cannot be used.
        """
        said, origin = self._said(path, figure)
        padded, phrases = square(image), self._phrases()
        view, framing = (said.pop(axis, "") or self.read(padded, phrases[axis]) for axis in ("view", "framing"))
        family, view = self._view(view)
        hidden = {"view", "framing"} | self.wording.views.hidden(family, framing)
        others = {axis: tag for axis, tag in said.items() if axis not in phrases}
        seen = {
            axis: said.get(axis) or self.read(padded, of_axis)
            for axis, of_axis in phrases.items()
            if axis in said or axis not in hidden
        }
        return Seed(
            path=stored,
            sha256=sha256,
            source=f"{path}#{figure}" if figure else str(path),
            family=family,
            view=view,
            framing=framing,
            outfit=others.pop("outfit", "") or next(iter(self._outfits())),
            tags=tuple(f"{axis}={tag}" for axis, tag in {**others, **seen}.items()),
            caption_from=origin,
        )

    def told_whole(self, path: Path) -> bool:
        """Whether somebody wrote how the whole picture shows the character: then it is one view, and no sheet."""
        note = self._note(path.name)
        return path.with_suffix(".txt").is_file() or (note is not None and bool(note.view or note.framing))

    def _said(self, path: Path, figure: int) -> tuple[dict[str, str], str]:
        """What was written about a picture (axis → tag), and where."""
        sidecar, note = path.with_suffix(".txt"), self._note(path.name, figure)
        if sidecar.is_file() and not figure:
            try:
                return self._from_tags(sidecar.read_text(encoding="utf-8-sig").split(",")), "sidecar"
            except (OSError, UnicodeDecodeError) as error:
                raise SeedError(f'"{sidecar}" cannot be read ({error})', "save it as UTF-8 text") from None
        return (self._from_note(note), "character.json") if note else ({}, "read")

    def _note(self, name: str, figure: int = 0) -> SeedNote | None:
        """The note of a picture; a figure's own ("sheet.png#2") comes before the sheet's."""
        notes = {note.file: note for note in self.wording.character.seeds}
        return notes.get(f"{name}#{figure}") or notes.get(name)

    def shown(self, seed: Seed) -> dict[str, str]:
        """Axis → tag of everything the seed shows that is not the character, in caption order; unread axes left out."""
        views = self.wording.views.families
        outfit = self.wording.character.wardrobe[seed.outfit]
        worn = {self.wording.axis_of(tag, f"outfit {n}"): tag for n, tag in enumerate((outfit.trigger, *outfit.tags))}
        looked = {"view": views[seed.family].views[seed.view] if seed.view else "", "framing": seed.framing}
        rest = dict(tag.split("=", 1) for tag in seed.tags)
        return {axis: tag for axis, tag in {**worn, **looked, **rest}.items() if tag}

    def _phrases(self) -> dict[str, tuple[str, ...]]:
        """What is read where nobody said it; axes whose words the panel does not know are left unread."""
        views = tuple(tags for plan in self.wording.views.families.values() for tags in plan.views.values())
        axes = ("expression", "pose", "background", "style")
        return {"view": views, "framing": FRAMINGS} | {a: self.wording.vocabulary.get(a, ()) for a in axes}

    def _from_note(self, note: SeedNote) -> dict[str, str]:
        said = self._from_tags(note.tags)
        named = {"view": note.view, "framing": note.framing, "outfit": note.outfit}
        return said | {axis: tag for axis, tag in named.items() if tag}

    def _from_tags(self, tags: Sequence[str]) -> dict[str, str]:
        """Axis → tag of a list of tags; identity and outfit tags are known from character.json and left out."""
        words = [tag.strip().replace("_", " ") for tag in tags if tag.strip()]
        views = [t for plan in self.wording.views.families.values() for t in plan.views.values()]
        view = max((v for v in views if set(v.split(", ")) <= set(words)), key=len, default="")
        own = {
            *self.wording.character.identity,
            *self.wording.character.core,
            self.wording.character.trigger,
            *view.split(", "),
            *(tag for outfit in self._outfits().values() for tag in outfit),
        }
        said = {self.wording.axis_of(word, f"tag {n}"): word for n, word in enumerate(words) if word not in own}
        return said | ({"view": view} if view else {})

    def _outfits(self) -> dict[str, tuple[str, ...]]:
        return {name: outfit.tags for name, outfit in self.wording.character.wardrobe.items()}

    def _view(self, said: str) -> tuple[str, str]:
        """Family and view name of what was said (a family, a view name, or tags); front where nothing is known."""
        for family, plan in self.wording.views.families.items():
            for name, tags in plan.views.items():
                if said in (name, family, tags):
                    return family, name
        if said:
            names = [name for plan in self.wording.views.families.values() for name in plan.views]
            raise SeedError(f'seed view "{said}" is unknown', f"use one of: {', '.join(names)}")
        return "front", ""


def unread(seed: Seed) -> tuple[str, ...]:
    """The axes of a seed that nobody said and that could not be read: the trigger may swallow them."""
    empty = [tag.partition("=")[0] for tag in seed.tags if tag.endswith("=")]
    return (*(["view"] if not seed.view else []), *(["framing"] if not seed.framing else []), *empty)


def cuts(
    image: Image.Image, framing: str, composition: Composition, side: int, head: Box | None = None
) -> list[Cut]:
    """One seed as several training pictures of ``side`` pixels: whole, tighter framings, and a greyscale copy (D9).

    ``head`` is where the head stands in the square around the picture; None: where the framing usually has it.
    """
    whole = square(image)
    found = [Cut(_sized(whole, side), "seed", framing)]
    tighter = FRAMINGS[: FRAMINGS.index(framing)] if framing in composition else FRAMINGS if head else ()
    for target in tighter:
        box = _reframed(head or composition[framing]["head"], composition[target]["head"])
        if box[2] - box[0] < 0.95 and (head or (min(box[:2]) > -0.05 and max(box[2:]) < 1.05)):
            found.append(Cut(_sized(whole, side, box), "crop", target))
    grey = ImageOps.grayscale(found[0].image).convert("RGB")
    return [*found, Cut(grey, "altered", framing, ("monochrome",))]


def _reframed(head: Box, wanted: Box) -> Box:
    """The window in which the head stands as the wanted framing has it."""
    scale = (head[2] - head[0]) / (wanted[2] - wanted[0])
    left, top = head[0] - wanted[0] * scale, head[1] - wanted[1] * scale
    return (left, top, left + scale, top + scale)


def _sized(image: Image.Image, side: int, box: Box = (0, 0, 1, 1)) -> Image.Image:
    """A window of a square picture (fractions; moved inside) at ``side`` pixels."""
    width = min(1.0, box[2] - box[0])
    left, top = (min(max(0.0, edge), 1 - width) for edge in box[:2])
    left, top, width = left * image.width, top * image.width, width * image.width
    return image.resize((side, side), Image.Resampling.LANCZOS, box=(left, top, left + width, top + width))
