"""Fixes asked for in plain words: from a sentence to a typed plan, one question back, or an answer."""
