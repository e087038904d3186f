"""What is no fix of a film: questions, other work, and attempts to make Suture do what it must not.

Text in quotation marks was taken out before: it is data and asks for nothing.
"""

from __future__ import annotations

import re

ATTACKS = (
    r"\b(?:ignore|disregard|forget|override|overrule|bypass|disable|skip|turn off|switch off|circumvent|deactivate|drop|suspend|remove|lift)\b[^.;]*\b(?:instructions?|rules?|limits?|checks?|verification|guard ?rails?|safety|safeguards?|restrictions?|policy|policies|approvals?|consent|budget|caps?|masks?|gates?|previous|above|system|ledger|protections?|validation|filters?)\b",
    r"\b(?:system prompt|api[ _-]?keys?|secrets?|passwords?|tokens?|credentials?|private keys?|environment variables?|env vars?|\.env|ssh)\b",
    r"\b(?:rm -|sudo|shell|bash|terminal|curl|wget|powershell|cmd\.exe|subprocess|eval|exec|os\.system|drop table|select \*|script tag|javascript|sql)\b",
    r"(?:https?|ftp|file) ?:|\bwww\b|\.(?:com|net|org|ru|io|sh|exe|py)\b|/etc/|\.\./|~/|\bc:",
    r"\b(?:without (?:asking|approval|permission|confirm\w*|my ok|checking|verification|verifying)|no matter (?:what|the cost|how)|unlimited|at any cost|at all costs|whatever it costs|don't ask|do not ask|regardless of (?:cost|price|budget)|no budget|money is no object|as many times as)\b",
    r"\b(?:pretend|you are now|act as|jailbreak|developer mode|dan mode|god mode|admin mode|root access|as an? (?:admin|administrator|root|superuser)|new instructions?|roleplay|simulate)\b",
    r"\b(?:delete|erase|wipe|overwrite|destroy|purge|corrupt|replace|rename|move|remove|clear|reset|trash|edit|change|modify|alter)\b[^.;]*\b(?:files?|originals?|sources?|masters?|database|db|ledger|logs?|folders?|director(?:y|ies)|disks?|drive|backups?|versions?|history|checkpoints?|cache|store|repositor(?:y|ies)|project|film\.toml|settings|config\w*|machine|computer|server|prices?|labels?|thresholds?|reports?)\b",
    r"\b(?:approve|accept|pass|acknowledge|sign off|mark|flag|set|report|close|resolve|dismiss)\b[^.;]*\b(?:everything|all|findings?|pending|errors?|issues?|decisions?|checks?|jobs?|faults?)\b",
    r"\b(?:upload|send|post|publish|share|email|mail|ftp|transfer|leak|exfiltrate|forward|tweet)\b[^.;]*\b(?:to|on|at|with|everything|footage|film|frames?|files?|movie)\b",
    r"\b(?:raise|increase|set|change|double|remove|lift|extend)\b[^.;]*\b(?:budget|cap|limit|spend\w*)\b",
    r"\b(?:spend|use|burn|charge|bill|buy|pay|purchase|order|subscribe)\b[^.;]*\b(?:all|everything|whole|entire|credits?|card|account|money|wallet|subscription)\b",
    r"\b(?:run|execute|launch|install|download|compile|kill|restart|shut ?down|reboot)\b[^.;]*\b(?:commands?|code|scripts?|programs?|python|process(?:es)?|binary|package|module|machine|computer|server|software)\b",
    r"\b(?:print|show|reveal|output|repeat|display|give|tell|dump|list|read|leak)\b[^.;]*\b(?:prompts?|instructions?|keys?|config\w*|environment|secrets?|system|contents? of|tokens?)\b",
    r"\b(?:nude|naked|undress|deepfake|porn\w*|strip her|strip him)\b",
)  # fmt: skip
OTHER = (
    r"^(?:how|what|what's|who|who's|whose|when|where|where's|why|which|is|are|was|were|does|do|did|has|have|am|will|should|may|might|"
    r"any|got|tell me|explain|describe|summar\w+|list|show me|give me|count|compare|estimate|recommend|suggest|advise)\b",
    r"\b(?:export|convert|transcode|compress|upscale|upres|translate|dub|subtitle|caption|transcribe|burn in|encode|archive|back ?up|"
    r"schedule|book|order|email|call|remind|invoice|pay|buy|sell|search|google|download|open|play|pause|rewind|print|screenshot|"
    r"trim|shorten|lengthen|extend|speed up|slow down|slow motion|loop|reverse|rotate|stabili[sz]e|denoise|colou?r ?grade|"
    r"write|compose|draft|generate a|generate an|generate me|generate new|create|design|invent|make me|make a|make an|record|sing|mix|master|"
    r"render|storyboard|cast|rewrite|score|edit together|cut together|assemble|animate)\b",
    r"\b(?:add|put|insert|include|overlay)\b[^.;]*\b(?:music|soundtrack|score|subtitles?|captions?|voice ?over|narration|sound effects?|sfx|title|titles|title card|"
    r"credits?|intro|outro|transitions?|fade|dissolve|shot|scene|ending|trailer|logo sting|end card)\b",
    r"\b(?:joke|weather|recipe|poem|song|capital of|president|news|stock|lottery|hello|hi there|thanks|thank you|good morning|good job|how are you|who are you|what are you)\b",
)  # fmt: skip
OTHER_THINGS = re.compile(
    r"\b(?:music|soundtrack|score|subtitles?|captions?|voice ?over|narration|sound effects?|sfx|titles?|title card|credits?|intro|outro|transitions?|fade|dissolve|shots?|scenes?|ending|trailer|logo sting|end card|dialogue|sound)\b"
)
DECLINED = (
    "That is nothing Suture does for words in a request: it changes pictures inside masks, asks before it spends, and "
    "keeps every original and every check. Say what is wrong in the picture, such as “remove the earpiece in SH020”."
)
NO_FIX = (
    "That is no fix of a shot, so nothing was done. Suture removes, restores, changes or repairs things in shots: say "
    "what, where and how, such as “remove the earpiece in SH020, keep everything else”; `suture --help` lists the rest."
)


GUARDED = re.compile(
    r"\b(?:checks|verification|safety|safeguards?|guard ?rails?|restrictions?|rules?|instructions?|polic(?:y|ies)|consent|ledger|database|originals|files?|folders?|directory|"
    r"source (?:footage|media|material)|backups?|api|prompts?|permissions?|passwords?|settings|config\w*|credits? card|wallet|server|suture\.toml|film\.toml|scripts?|code)\b"
)
"""What a request never touches: nouns that are in no picture, once what was said about how is taken out."""


def is_attack(text: str, rest: str) -> bool:
    """Whether words ask for something that no request may bring about; `rest` is without what was said about how."""
    return GUARDED.search(rest) is not None or any(re.search(pattern, text) for pattern in ATTACKS)


def is_other(text: str) -> bool:
    """Whether words ask for something else than a fix."""
    return any(re.search(pattern, text) for pattern in OTHER)


def is_other_thing(noun: str) -> bool:
    """Whether a thing that is to be added is none that a picture lacks."""
    return OTHER_THINGS.search(noun) is not None
