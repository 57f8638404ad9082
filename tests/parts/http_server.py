"""A tool server on HTTP, made with the official SDK: NAME TRANSPORT PORT [json] [stateless].

TRANSPORT is `streamable-http` or `sse`. Its tool NAME_add reports progress before it answers.
"""

import sys

name, transport, port, *modes = sys.argv[1:]
streamable = {"json_response": "json" in modes, "stateless_http": "stateless" in modes}
try:
    from mcp.server.fastmcp import Context, FastMCP

    server = FastMCP(name, host="127.0.0.1", port=int(port), log_level="WARNING", **streamable)
    options = {}
except ModuleNotFoundError:  # generation 2 of the SDK has renamed it
    from mcp.server.mcpserver import Context, MCPServer

    server = MCPServer(name, log_level="WARNING")
    options = {"port": int(port), **(streamable if transport == "streamable-http" else {})}


@server.tool(name=f"{name}_add")
async def add(a: int, b: int, ctx: Context) -> str:
    await ctx.report_progress(1, 2)
    return str(a + b)


server.run(transport, **options)
