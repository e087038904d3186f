"""What no request may bring about, and what is no fix of a picture.

The patterns see a request's words in lower case, one space between them, and one word for whatever stands in quotation
marks: quoted text is data and asks for nothing.
"""

from __future__ import annotations

import re

FILES = (
    r"(?:originals|(?:the |all |source |media |original |any )+(?:files?|footage|media|material|masters?|clips)|sources?|database|db|ledger|logs?|"
    r"backups?|history|checkpoints?|cache|repositor(?:y|ies)|project|hard drive|disks?|drive|folders?|director(?:y|ies)|film \. toml|suture \. toml|"
    r"settings|config\w*|reports?|labels?|store|versions?)"
)
HOSTILE: tuple[str, ...] = tuple(
    rf"\b(?:{pattern})"
    for pattern in (
        # the rules
        r"(?:ignore|disregard|forget|override|overrule|bypass|circumvent|violate|break|drop|skip|suspend|lift)\b[^.;!?\n]*\b(?:instructions?|rules?|limits?|restrictions?|polic(?:y|ies)|guard ?-?rails?|safeguards?|safety|previous|prior|above|system|prompt|cap|budget|approvals?|consent|checks?|verification|gates?|protections?)\b",
        r"(?:turn|switch|shut)(?:ing)? (?:\w+ ){0,4}off(?: \w+){0,4} (?:checks?|verification|gates?|safety|limits?|logs?|logging|approvals?|filters?|masks?)\b|(?:disable|deactivate|suppress|mute)\b[^.;!?\n]*\b(?:checks?|verification|gates?|safety|limits?|logs?|logging|ledger|approvals?|filters?|masks?|protections?)\b",
        r"(?:checks?|verification|approvals?|safety|limits?|logging) (?:\w+ ){0,3}off\b",
        r"(?:you are now|act as|pretend|roleplay|role-play|jailbreak|developer mode|god mode|admin mode|dan mode|unrestricted|as an? (?:admin|administrator|root|superuser|ai)|new instructions?|system :|assistant :|simulate being)\b",
        r"(?:obey|follow|do|execute) (?:it|what (?:it|they|the \w+|he|she) (?:says?|tells?)|its? (?:orders?|instructions?)|that instead)\b|do what it says|as it says|so (?:please )?obey",
        # secrets
        r"(?:api[ _-]?keys?|secrets?|passwords?|credentials?|private keys?|environment variables?|env vars?|system prompt|hidden prompt|access tokens?|openai_api_key|\w+_api_key|fal_key)\b",
        r"(?:print|reveal|output|display|dump|leak|echo|tell|show|give|send|repeat|list|read|cat|expose)\b[^.;!?\n]*\b(?:keys?|tokens?|\. env|environment|your prompt|your instructions|contents of)\b(?! (?:on|in) the)",
        # what is there
        rf"(?:delete|erase|wipe|overwrite|destroy|purge|corrupt|rename|trash|clear|reset|format|empty|nuke|remove|replace|drop|edit|modify|falsify|alter|change)\b(?: \w+)*? {FILES}\b(?! (?:on|in|at|from|behind|under|next) )",
        # money and asking
        r"(?:unlimited|infinite|no limit|limitless|whatever it (?:costs|takes)|no matter (?:what|the cost|how much)|at any (?:cost|price)|at all costs|money is no object|regardless of (?:the )?(?:cost|price|budget)|spend (?:everything|all|it all|as much)|until it is perfect|as many times as)\b",
        r"without (?:asking|approval|permission|confirm\w*|checking|verif\w*|my ok|consent|telling)|(?:do not|never) ask\b|no questions asked|no questions|no confirmation|no approval|do not (?:tell|warn|inform|notify)|so (?:that )?nobody notices|secretly|silently",
        r"(?:raise|increase|double|lift|remove|ignore|delete|set|drop|get rid of)\b[^.;!?\n]*\b(?:the |my |your |spending |any )(?:budget|cap|limit|spending)\b",
        r"(?:pay|charge|buy|purchase|order|subscribe|bill)\b",
        # out of the house
        r"(?:upload|publish|post|tweet|e-?mail|mail|ftp|exfiltrate|leak|share|transfer|stream|send|forward|push|copy)\b[^.;!?\n]*\b(?:to|on|at|with|it|online|everything|footage|film|frames?|files?|movie|shots?)\b",
        r"https?\b|www\b|ftp :|youtube|dropbox|google drive|instagram|tiktok|vimeo",
        # the machine
        r"(?:run|execute|launch|install|download|compile|kill|restart|shut ?down|reboot|start|call|eval|invoke)\b[^.;!?\n]*\b(?:commands?|code|scripts?|programs?|python|process(?:es)?|binar(?:y|ies)|packages?|modules?|machine|computer|server|software|shell|bash|terminal|rm)\b",
        r"(?:sudo|curl|wget|powershell|bash|chmod|ssh|os \. system|subprocess|eval|exec|drop table|rm - ?rf?|import os|/ etc)\b",
        # the books
        r"(?:mark|flag|set|record|count|report|log|declare|label)\b[^.;!?\n]*\b(?:as |to )?(?:fixed|done|verified|passed|approved|accepted|resolved|clean|good|ok)\b(?! (?:shot|take))",
        r"(?:approve|accept|acknowledge|sign off|close|resolve|dismiss|pass|reject)\b[^.;!?\n]*\b(?:everything|all|every|findings?|pending|errors?|issues?|decisions?|checks?|jobs?|faults?|takes?|edits?|repairs?)\b",
        r"(?:nude|naked|undress|deepfake|porn\w*|strip (?:her|him|them) (?:naked|down|bare))\b",
    )
)
"""Requests for what no request may bring about."""
ASKING = re.compile(
    r"^(?:how|what|what's|who|whose|whom|when|where|why|which|is|are|was|were|does|do|did|has|have|am|will|may|might|can i|can we see|should i|should we|"
    r"any idea|tell me|explain|describe|summari[sz]e|list|show me|give me (?:a|an|the) (?:list|summary|overview|report)|count|compare|estimate|recommend|suggest|advise)\b"
)
OTHER = re.compile(
    r"\b(?:export|convert|transcode|compress|upscale|translate|dub|transcribe|encode|archive|schedule|book|remind|invoice|sell|search|google|"
    r"download|play|pause|rewind|screenshot|trim|shorten|lengthen|extend|speed up|slow down|slow motion|loop|reverse|rotate|denoise|colou?r ?-?grade|"
    r"write|compose|draft|create|design|invent|record|sing|storyboard|rewrite|edit together|assemble|animate|undo|revert|rename|render|crop|zoom|"
    r"reorder|swap the order|change the order|insert a shot|new scene|generate a|cut (?:S\d+|the|to|by)|move S\d+|merge|split|scan|resume)\b"
    r"|\b(?:add|put|insert|include|overlay|play)\b[^.;!?\n]*\b(?:music|soundtrack|score|subtitles?|captions?|voice ?-?over|narration|sound effects?|sfx|title card|titles|credits|intro|outro|transitions?|trailer|end card)\b"
    r"|\b(?:joke|weather|recipe|poem|song|capital of|president|news|stocks?|lottery|flight|hotel|pizza)\b"
)
"""Work that Suture does not do for words in a request."""
SMALL_TALK = re.compile(
    r"^(?:\W|hi|hello|hey|there|thanks|thank|you|a lot|so much|great|good|morning|evening|job|work|nice|looks?|looking|perfect|ok|okay|cool|bye|well done|awesome|love it|it|all|very|much|test|testing|yes|no|is|this|on)+$"
)
DECLINED = (
    "That is nothing Suture does for words in a request: it changes pictures inside masks, keeps every original, every "
    "check and every limit, and sends nothing anywhere that film.toml does not allow. Say what is wrong in the picture, "
    "such as “remove the earpiece in SH020”."
)
NO_FIX = (
    "That is no fix of a shot, so nothing was done. Suture removes, restores, changes, matches and repairs things in shots, and "
    "makes shots again: say what, where and how, such as “remove the earpiece in SH020, keep everything else”. `suture "
    "--help` lists what else there is."
)


def is_hostile(text: str) -> bool:
    """Whether words ask for something that no request may bring about."""
    return any(re.search(pattern, text) for pattern in HOSTILE)


def is_other(text: str) -> bool:
    """Whether words that are no fix ask for something else, or for nothing."""
    return bool(ASKING.match(text) or OTHER.search(text) or SMALL_TALK.match(text))
