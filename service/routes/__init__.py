"""The routes, one subject a module. They translate between HTTP and the parts; what they ask for is done elsewhere."""
