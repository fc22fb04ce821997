"""What people think of chunkings: rankings made on the page, feedback after deployment, and what comes out of both."""
