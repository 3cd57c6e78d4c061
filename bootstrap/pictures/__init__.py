"""Pictures: opened, gathered from folders, laid out on sheets. Knows no run."""
