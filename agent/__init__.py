"""The mind of Suture: what happens next to a film, and why."""
