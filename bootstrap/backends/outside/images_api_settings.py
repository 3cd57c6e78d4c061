"""An images API, that of OpenAI or of another service that speaks it, as a drawer: validated data."""

from __future__ import annotations

from typing import Literal
from urllib.parse import urlsplit

from pydantic import Field

from bootstrap.backends.outside.drawer_settings import DrawerSettings
from bootstrap.machine.addresses import is_own_machine

__all__ = ["ImagesApiSettings"]


class ImagesApiSettings(DrawerSettings):
    """A model behind an images API, what it is asked for, and what that costs."""

    kind: Literal["openai"] = "openai"
    """Which kind of drawer."""
    name: str = "openai"
    model: str = "gpt-image-1"
    """The model's name at the service."""
    base_url: str = "https://api.openai.com/v1"
    """Address of the service."""
    key: str = Field("OPENAI_API_KEY", pattern=r"[A-Za-z_]\w*")
    """The environment variable that holds the key."""
    size: str = Field("1024x1024", pattern=r"\d+x\d+")
    """Width and height that are asked for."""
    quality: str = "medium"
    """The quality that is asked for; "" for services that know none."""
    input_fidelity: str = "high"
    """How closely the references' details are kept; "" for models that know none."""
    cost: float = Field(gt=0)
    """What a picture costs at most, references included."""
    currency: str = "USD"
    """Of ``cost`` and ``spend``."""
    spend: float = Field(5.0, gt=0)
    """What the run may spend; --spend sets it."""
    tries: int = Field(8, ge=1)
    """How often a picture is asked for at a service that is busy or fails."""
    seconds_a_picture: float = Field(300.0, gt=0)
    """Seconds after which an answer is given up."""

    @property
    def title(self) -> str:
        """The service and the model."""
        return f"{self.name} ({self.model})"

    @property
    def away(self) -> str:
        """The service's host, unless it is this machine."""
        host = urlsplit(self.base_url).hostname or self.base_url
        return "" if is_own_machine(host) else host

    @property
    def price(self) -> float:
        """What a picture costs."""
        return self.cost

    def money(self, pictures: int) -> str:
        """What so many pictures cost, and where the run stops."""
        whole = f"about {pictures * self.cost:.2f} {self.currency} at {self.cost:g} a picture"
        return f"{whole}; no more than {self.spend:g} {self.currency} are spent (--spend)"

    @property
    def resolution(self) -> tuple[int, int]:
        """Width and height that are asked for."""
        width, _, height = self.size.partition("x")
        return int(width), int(height)
