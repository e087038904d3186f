"""The eyes and hands of Suture: media, vision, editors. Nothing of the mind (`agent`) is known here."""
