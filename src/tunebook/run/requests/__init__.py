"""What a user asks for while a study runs: stops, trials of their own, and leave to start programs."""
