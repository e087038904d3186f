"""What the local diffusion editors share: crops at the model's size, windows of frames, colours matched, jobs kept."""
