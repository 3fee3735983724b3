"""The extensions that come with the explorer: folders that entry points name, and that nothing else imports."""
