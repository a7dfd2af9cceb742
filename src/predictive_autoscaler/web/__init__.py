"""The local page of `serve`: a group's last days and next hours in a browser, to look at only."""
