"""One module for each format without pages of its own making: Office, web, book, mail and other parsers' output."""
