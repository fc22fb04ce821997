"""Worker processes with limits, and the pages kept from earlier runs. Knows nothing about formats."""
