"""The two graphs, their nodes and routing functions; the only place where stages meet."""

from agent.graph.film import FilmGraph, answer_shot, film_graph, repairs_of, thread
from agent.graph.pixels import PixelHands
from agent.graph.shot import Answer, ShotGraph, shot_graph

__all__ = [
    "Answer",
    "FilmGraph",
    "PixelHands",
    "ShotGraph",
    "answer_shot",
    "film_graph",
    "repairs_of",
    "shot_graph",
    "thread",
]
