"""Jobs: work that is acknowledged at once and done later, by whichever replica gets to it, kept in the shared store."""
