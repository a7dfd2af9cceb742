"""The lab: the world that capacity lives in, and the peers to compare with."""
