"""`seed_robot.py URL`: the five messages every robot of this ecosystem can be tried with, one
after another. Prints each answer. Succeeds where ids come back as they were sent, and the real
calculator has answered."""

import asyncio
import json
import sys

import websockets

MESSAGES = [
    {
        "jsonrpc": "2.0",
        "id": 0,
        "method": "initialize",
        "params": {
            "protocolVersion": "2024-11-05",
            "capabilities": {"sampling": {}, "roots": {"listChanged": False}},
            "clientInfo": {"name": "xz-mcp-broker", "version": "0.0.1"},
        },
    },
    {"jsonrpc": "2.0", "method": "notifications/initialized"},
    {"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {}},
    {"jsonrpc": "2.0", "id": 2, "method": "ping", "params": {}},
    {
        "jsonrpc": "2.0",
        "id": 10,
        "method": "tools/call",
        "params": {
            "name": "calculator",
            "arguments": {"python_expression": "130000 * 130000"},
            "serialNumber": None,
        },
    },
]


async def main(url):
    answers = []
    async with websockets.connect(url, max_size=None) as socket:
        for message in MESSAGES:
            await socket.send(json.dumps(message))
            if "id" not in message:
                continue
            text = await asyncio.wait_for(socket.recv(), 30)
            print(text, flush=True)
            answer = json.loads(text)
            assert type(answer["id"]) is int and answer["id"] == message["id"], text
            assert "result" in answer and "error" not in answer, text
            answers.append(answer)
    tools = [tool["name"] for tool in answers[1]["result"]["tools"]]
    assert "calculator" in tools, tools
    assert answers[2]["result"] == {}, answers[2]
    assert "16900000000" in answers[3]["result"]["content"][0]["text"], answers[3]


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
