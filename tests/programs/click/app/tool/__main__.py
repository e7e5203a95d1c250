from tool.cli import cli

cli()
