"""Run directories: what is in one, which one is meant, and how one begins and goes on."""
