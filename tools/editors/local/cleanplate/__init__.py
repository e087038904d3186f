"""Clean-plate filling: pixels borrowed from other frames, from references, or grown from the surround."""
