"""`many.py NAME`: an MCP tool server NAME on stdio with one tool, NAME_add."""

import logging
import sys

try:
    from mcp.server.fastmcp import FastMCP
except ModuleNotFoundError:  # generation 2 of the SDK has renamed it
    from mcp.server.mcpserver import MCPServer as FastMCP


def main():
    name = sys.argv[1]
    logging.basicConfig(level=logging.WARNING)
    server = FastMCP(name)

    @server.tool(name=f"{name}_add")
    def add(a: int, b: int) -> str:
        """Adds two numbers and says who did it."""
        return f"{name}: {a + b}"

    server.run(transport="stdio")


if __name__ == "__main__":
    main()
