"""Plain data: images, volumes, recipes, settings and results. Arrays are (z, y, x), lengths in metres."""
