"""What came instead of an answer of a CDS service: a redirect, a proxy's page, something else. In words."""

from urllib.parse import urlsplit

from cds_service.calling.wire import JSON, Heard

HTML = ("text/html", "application/xhtml+xml")
GATEWAY = (502, 503, 504)


def no_service(heard: Heard) -> tuple[str, str] | None:
    """Say in what an answer is none of a CDS service, and what to do; None when it may be one.

    Nothing of the body is repeated.
    """
    if 300 <= heard.status < 400:
        return _redirect(heard)
    kind = printable(heard.media_type) or "no media type"
    if heard.status in GATEWAY and not isinstance(heard.value, dict):
        return (
            f"status {heard.status} ({kind}): a proxy answers and reaches no service behind it",
            "start the service, and look at the address that the proxy passes calls on to; its log says why",
        )
    if heard.media_type in HTML:
        return (
            f"status {heard.status} with an HTML page, where JSON was wanted",
            "something in front of the service answers (a proxy's error page, a sign-in page, another site): let it "
            "pass calls on, or correct the URL",
        )
    if not isinstance(heard.value, dict):
        return (
            f"status {heard.status} with {kind}, which holds no JSON object",
            "look at what answers at this URL; a CDS service answers with a JSON object",
        )
    return None


def _redirect(heard: Heard) -> tuple[str, str]:
    to = location(heard)
    return (
        f"status {heard.status}: a redirect{f' to {to}' if to else ''}, which is not followed",
        "give the URL that it leads to, without a redirect: an EHR does not follow one with a POST either, and a token "
        "is good for one URL",
    )


def location(heard: Heard) -> str:
    """Where a redirect leads, without a query: that may hold more than is to be shown. "" for nowhere."""
    try:
        parts = urlsplit(heard.headers.get("location", ""))
        text = f"{parts.scheme}://{parts.hostname}{f':{parts.port}' if parts.port else ''}" if parts.hostname else ""
    except ValueError:
        return ""
    return printable(f"{text}{parts.path}")


def printable(text: str, most: int | None = 200) -> str:
    """Up to `most` characters of what a server said (None = all), without those that a terminal would obey."""
    return "".join(each for each in text[:most] if each.isprintable() or each == "\xa0")


def is_json(heard: Heard) -> bool:
    """Whether an answer says that it is JSON."""
    return heard.media_type == JSON or heard.media_type.endswith("+json")
