"""`python_robot.py URL EXPRESSION …`: behaves like the MCP endpoint client of xiaozhi-server.

It sends its start in one burst and waits for nothing, looks for the keys `result`, `method` and
`error` in this order, and calls with ids from 3 on. Of a schema it keeps `type`, `properties` and
`required`. Prints the text of each call's result. An EXPRESSION `@NAME` calls the tool NAME without
arguments; `schemas` prints what is kept of each schema, one to a line.
"""

import asyncio
import json
import sys

import websockets


class Robot:
    def __init__(self, socket):
        self.socket = socket
        self.tools = {}
        self.calls = {}
        self.ready = asyncio.Event()
        self.next_id = 3

    async def send(self, **message):
        await self.socket.send(json.dumps({"jsonrpc": "2.0", **message}))

    async def listen(self):
        async for text in self.socket:
            await self.take(json.loads(text))

    async def take(self, message):
        number = int(message["id"]) if message.get("id") is not None else 0
        if "result" in message:
            if number in self.calls:
                self.calls.pop(number).set_result(message["result"])
            elif number == 2:
                self.tools |= {tool["name"]: kept(tool) for tool in message["result"]["tools"]}
                cursor = message["result"].get("nextCursor")
                if cursor:
                    await self.send(id=2, method="tools/list", params={"cursor": cursor})
                else:
                    self.ready.set()
        elif "method" not in message and number in self.calls:
            self.calls.pop(number).set_exception(RuntimeError(message["error"]["message"]))

    async def call(self, name, arguments):
        number, self.next_id = self.next_id, self.next_id + 1
        future = self.calls[number] = asyncio.get_running_loop().create_future()
        await self.send(
            id=number, method="tools/call", params={"name": name, "arguments": arguments}
        )
        result = await asyncio.wait_for(future, 30)
        if result.get("isError") is True:
            raise RuntimeError(result["error"])
        content = result.get("content")
        if isinstance(content, list) and content and "text" in content[0]:
            return content[0]["text"]
        return str(result)


def kept(tool):
    schema = {"type": "object", "properties": {}, "required": []}
    given = tool.get("inputSchema")
    if isinstance(given, dict):
        schema = {name: given.get(name, default) for name, default in schema.items()}
    return {**tool, "inputSchema": schema}


async def main(url, expressions):
    async with websockets.connect(url) as socket:
        robot = Robot(socket)
        listener = asyncio.create_task(robot.listen())
        client = {"name": "XiaozhiMCPEndpointClient", "version": "1.0.0"}
        await robot.send(
            id=1,
            method="initialize",
            params={
                "protocolVersion": "2024-11-05",
                "capabilities": {"roots": {"listChanged": True}, "sampling": {}},
                "clientInfo": client,
            },
        )
        await robot.send(method="notifications/initialized", params={})
        await robot.send(id=2, method="tools/list")
        await asyncio.wait_for(robot.ready.wait(), 30)
        print("tools:", *sorted(robot.tools), flush=True)
        for expression in expressions:
            if expression == "schemas":
                for tool in robot.tools.values():
                    print(json.dumps(tool["inputSchema"]))
                continue
            name, arguments = "calculator", {"python_expression": expression}
            if expression.startswith("@"):
                name, arguments = expression[1:], {}
            try:
                print(await robot.call(name, arguments))
            except RuntimeError as error:
                print("failed:", error)
        listener.cancel()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2:]))
