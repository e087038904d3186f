"""Requests in plain words with their typed truth: three films as outlines, and what every request asks of one of them.

A case file is TOML. The shipped cases are cases.toml beside this file, the shipped films films.toml; a case file of
one's own has cases, and may have films, in the same form:

    [[film]]
    id = "night-ferry"
    title = "Night Ferry"
    fps = "24000/1001"                     # a fraction, or a number
    panels = ["mara/face"]                 # optional, as are editors, characters and props
    editors = ["plate"]
    characters = { mara = "Yellow raincoat." }   # id = canon
    props = { lantern = "" }

    [[film.shot]]
    id = "SH020"
    frames = [100, 249]                    # of the film, both ends included
    scene = "SC010"                        # optional, as is everything below
    characters = ["mara"]
    props = ["lantern"]
    prompt = "Medium shot of Mara."

    [[case]]
    id = "mine-01"                         # optional
    film = "night-ferry"                   # a film of this file, a shipped one, or a project's folder or film.toml
    class = "plain"                        # one of CLASSES
    request = "remove the earpiece in SH020, under two dollars"
    kind = "plan"                          # left out: plan with fixes, question in class ambiguous, else answer
    fixes = [{ operation = "remove", thing = "earpiece", shots = ["SH020"] }]
    budget_usd = 2                         # and keep, spare, forbid, only, ask_first: as Constraints names them
    aside = true                           # kept aside: nobody looked at it when the grammar was made

A fix has operation, shots and, where the words say so, thing, subject, span, place, wanted and like, as
`agent.request.plan.Fix` names them. Paths are relative to the case file.

The truth follows one policy. A request that names no shot, but a character or prop, means every shot that it is in; one
that names neither is asked about. "Until SH050" includes SH050, "before SH050" does not. Shots that are left out of
a list ("all but SH040") are not spared: "don't touch SH040" spares. What is to stay and has no name of its own among
what can be kept ("keep her hat") is everything else. A thing's subject is the character or prop that the words name
as its own. More than three shots are never made again on a few words.
"""
