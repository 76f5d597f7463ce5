"""The settings of what people see."""

from pathlib import Path
from typing import Annotated, Literal

from msgspec import Meta, Struct


class Pages(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What people see: texts, looks, and where they may be sent after a log-in."""

    language: Annotated[
        Literal["en", "de", "es", "fr", "ar"],
        Meta(description="Language of pages for people whose browser wants none of those there are."),
    ] = "en"
    home: Annotated[
        str,
        Meta(
            max_length=2048,
            description="Where a log-in leads that came from nowhere: a path of this origin, or an address of one of "
            "`pages.return_origins`. Empty: the account page.",
        ),
    ] = ""
    return_origins: Annotated[
        tuple[str, ...],
        Meta(
            description="Other origins, like `https://app.example.com`, that `return_to` may lead to, separated by "
            "commas. Paths of this origin always may."
        ),
    ] = ()
    accent: Annotated[
        str, Meta(max_length=7, description="Colour of buttons and links, like `#1d5b4f`; made legible if it is not.")
    ] = ""
    radius: Annotated[
        int | None, Meta(ge=0, le=24, description="Radius of corners in pixels. Empty: that of the design.")
    ] = None
    font: Annotated[
        tuple[str, ...],
        Meta(description="Names of fonts, the best first; people have them installed or not, nothing is fetched."),
    ] = ()
    logo: Annotated[
        Path | None, Meta(description="SVG, PNG or WebP file, at most 256 KiB, that stands in place of the mark.")
    ] = None
    templates: Annotated[
        Path | None, Meta(description="Folder of templates that replace those of the same name; read at start.")
    ] = None
    imprint_url: Annotated[str, Meta(max_length=2048, description="Address or path of the imprint.")] = ""
    privacy_url: Annotated[str, Meta(max_length=2048, description="Address or path of the privacy notice.")] = ""
    terms_url: Annotated[str, Meta(max_length=2048, description="Address or path of the terms of use.")] = ""
    support_url: Annotated[
        str, Meta(max_length=2048, description="Address or path where people get help; `mailto:` is fine.")
    ] = ""
