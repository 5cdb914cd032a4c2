"""Every number of the checklist with its strength; for those without a check, why there is none."""

CLIENT = "the client's duty"
NOTE = "a note, nothing to keep to"
UNSEEN = "cannot be seen over the protocol"
NO_SERVER = "needs a FHIR server, which the probe does not run"
NO_HOOK = "a hook that the probe cannot call"

_STRENGTHS = {
    "MUST": "101 102 104 105 106 201 202 204 206 207 301 302 303 304 307 309 310 313 314 316 401 402 403 404 406 407 "
    "408 409 410 412 415 416 417 501 504 508 602 603 604 605 606 611 612 620 622 624 630 631 632 640 641 642 643 645 "
    "650 702 703 704 705 707 708 709 801 804 805 806 807 809 810 811 814 817 901 1014 1015",
    "SHOULD": "103 203 205 210 214 306 311 315 411 418 502 506 633 802 803 808 812 813 816 819 902",
    "MAY": "208 209 211 212 213 215 305 308 312 405 413 414 420 503 505 509 601 607 608 609 610 613 621 623 644 701 "
    "706 815",
    "REC": "107 108 419 507 711 712 1016 1020 1104",
    "NOTE": "510 710 818 903 1001 1002 1003 1004 1005 1006 1007 1008 1009 1010 1011 1012 1013 1101 1102 1103",
}
STRENGTH = dict(
    sorted((int(number), strength) for strength, numbers in _STRENGTHS.items() for number in numbers.split())
)

WITHOUT_CHECK = {
    214: UNSEEN, 308: CLIENT, 309: CLIENT, 313: NO_SERVER, 315: NO_SERVER, 316: CLIENT, 416: NO_SERVER, 417: CLIENT,
    510: NOTE, 645: "only for links that open by themselves", 802: UNSEEN, 815: "mutual TLS is for whoever ends TLS",
    817: "business set-up", 818: "browsers only; see the browser test", 819: UNSEEN, 903: NOTE, 1004: NO_HOOK,
    1005: NO_HOOK, 1006: NO_HOOK, 1008: NO_HOOK, 1009: NO_HOOK, 1010: NO_HOOK, 1011: NO_HOOK, 1012: NO_HOOK,
    1013: NO_HOOK, 1101: NOTE, 1102: NOTE, 1103: NOTE,
}  # fmt: skip
