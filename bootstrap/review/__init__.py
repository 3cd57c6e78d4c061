"""Review: a person's verdicts, captions and own pictures, given on a page or on the command line.

Works beside the engine and never takes its lock. Knows no model; decides nothing by itself.
"""
