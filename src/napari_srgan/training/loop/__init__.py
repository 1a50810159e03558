"""The one loop of every training: stages, losses, optimiser, checkpoints, several processes."""
