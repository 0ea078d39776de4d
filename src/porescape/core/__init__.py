"""The things themselves: images, volumes, recipes and settings. Arrays are (z, y, x), lengths metres."""
