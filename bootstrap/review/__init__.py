"""Where a person speaks: verdicts, captions and pictures of their own, from a page or from the command line.

Works beside the engine and never takes its lock. Knows no model; decides nothing by itself.
"""
