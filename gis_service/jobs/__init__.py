"""Long computations outside the web process: asked for, watched, stopped, and taken up again after a restart."""
