"""`sdk_robot.py URL EXPRESSION`: a robot on the official SDK's client and WebSocket transport, which
asks for the subprotocol `mcp`. Prints the names of the tools, then the text of the result."""

import asyncio
import sys
import warnings

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from mcp import ClientSession
    from mcp.client.websocket import websocket_client


async def main(url, expression):
    async with websocket_client(url) as (read, write), ClientSession(read, write) as session:
        await session.initialize()
        for tool in (await session.list_tools()).tools:
            print(tool.name)
        result = await session.call_tool("calculator", {"python_expression": expression})
        assert not result.isError, result
        print(result.content[0].text)
        await session.send_ping()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
