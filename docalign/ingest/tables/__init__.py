"""Tables of a page: from what is drawn, or from how the words stand."""
