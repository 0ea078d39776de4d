"""Files in and out; nothing below this floor touches a file."""
