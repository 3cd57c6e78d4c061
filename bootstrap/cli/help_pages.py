"""How help is laid out: commands in groups by what a person is about to do, options in groups, nothing cut off.

Knows the names of commands, not what they do.
"""

from __future__ import annotations

from typing import Any

from typer.core import TyperCommand, TyperGroup

__all__ = ["GROUPS", "GroupedCommands", "GroupedOptions"]

GROUPS = {
    "Begin": ("demo", "setup", "describe", "init", "check", "run", "queue"),
    "While it runs": ("status", "watch", "review", "approve", "reject", "undo", "approval"),
    "With the result": ("report", "export", "compare"),
    "Several in one LoRA": ("bundle", "marry"),
    "Any folder or file": ("score", "audit", "tags", "label", "upscale", "repair", "lora"),
    "This machine": ("doctor", "gc", "verify"),
    "Look up": ("settings", "docs", "schema", "version"),
}
"""Heading → commands, in the order of a first hour; those that are not named here follow by themselves."""
OTHERS = "More"


class GroupedCommands(TyperGroup):
    """Lists commands in groups, each with its whole first sentence."""

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Write a section for each group that has commands here."""
        named = {name for names in GROUPS.values() for name in names}
        others = tuple(name for name in self.commands if name not in named)
        groups = {**GROUPS, OTHERS: others} if "run" in self.commands else {"Commands": tuple(self.commands)}
        for heading, names in groups.items():
            rows = [(name, _summary(self.commands[name].help)) for name in names if name in self.commands]
            if rows:
                with formatter.section(heading):
                    formatter.write_dl(rows)


class GroupedOptions(TyperCommand):
    """Lists options below the headings that they are declared with (``rich_help_panel``)."""

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write a section for the arguments, and for each heading."""
        sections: dict[str, list[tuple[str, str]]] = {}
        for parameter in self.get_params(ctx):
            record = parameter.get_help_record(ctx)
            if record is not None:
                usual = "Arguments" if parameter.param_type_name == "argument" else "Options"
                heading = getattr(parameter, "rich_help_panel", None) or usual
                sections.setdefault(heading, []).append(record)
        for heading, rows in sections.items():
            with formatter.section(heading):
                formatter.write_dl(rows)


def _summary(text: str | None) -> str:
    """The first paragraph of a help text, in one line."""
    return " ".join((text or "").partition("\n\n")[0].split())
