"""Run folders: results, checkpoints, settings, batches and exports."""
