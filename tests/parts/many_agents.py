"""`many_agents.py BASE KEY COUNT SPELLINGS`: COUNT agents below BASE, each with a tool and a robot,
whose robots call once a second. Every fifth agent shows its token in a header.

Prints `ready` when every robot was answered, `away` when connections were lost and cannot be made
again, and ends when all is well again for a while. Then prints a line for each agent that saw an
error, and how many calls were answered. Where SPELLINGS is `many`, robots spell their tokens in
other ways than their tools.
"""

import asyncio
import json
import sys
import time
import urllib.parse

import websockets
from console import encrypted

PAUSE = 1.0
REDIAL = 0.3
QUIET = 3.0


def spelled(text, way):
    escaped = urllib.parse.quote(text, safe="")
    urlsafe = text.replace("+", "-").replace("/", "_").rstrip("=")
    return [escaped, text, urlsafe, escaped.replace("%2B", "%2b")][way % 4]


class Agent:
    def __init__(self, base, key, number, many):
        self.name = f"agent-{number}"
        text = encrypted(key, f'{{"agentId": "{self.name}"}}')
        self.headers = {"Authorization": f"Bearer {text}"} if number % 5 == 0 else {}

        def query(way):
            return "" if self.headers else f"?token={spelled(text, way)}"

        self.tool_url = f"{base}/mcp_endpoint/mcp/{query(0)}"
        self.robot_url = f"{base}/mcp_endpoint/call/{query(number if many else 0)}"
        self.errors = []
        self.calls = 0
        self.good_at = 0.0
        self.slowest = 0.0

    def failed(self, what):
        self.errors.append((time.monotonic(), what))


class Company:
    def __init__(self, agents):
        self.agents = agents
        self.lost = False
        self.away = asyncio.Event()
        self.dialling = asyncio.Semaphore(40)

    async def dial(self, agent, url):
        """A connection, sooner or later."""
        while True:
            try:
                async with self.dialling:
                    return await websockets.connect(
                        url, additional_headers=agent.headers, ping_interval=None, open_timeout=20
                    )
            except (OSError, websockets.WebSocketException, asyncio.TimeoutError) as error:
                agent.failed(f"no connection: {type(error).__name__}")
                if self.lost:
                    self.away.set()
            await asyncio.sleep(REDIAL)

    async def tool(self, agent):
        while True:
            socket = await self.dial(agent, agent.tool_url)
            try:
                async for text in socket:
                    answer = serve(agent.name, json.loads(text))
                    if answer:
                        await socket.send(json.dumps(answer))
            except websockets.ConnectionClosed:
                pass
            agent.failed("tool closed")
            self.lost = True

    async def robot(self, agent):
        while True:
            socket = await self.dial(agent, agent.robot_url)
            try:
                while True:
                    await self.call(agent, socket)
                    await asyncio.sleep(PAUSE)
            except websockets.ConnectionClosed:
                agent.failed("robot closed")
                self.lost = True
            except asyncio.TimeoutError:
                agent.failed("no answer")
                await socket.close()

    async def call(self, agent, socket):
        start = time.monotonic()
        params = {"name": "who", "arguments": {}}
        request = {"jsonrpc": "2.0", "id": agent.calls, "method": "tools/call", "params": params}
        await socket.send(json.dumps(request))
        answer = {"id": None}
        while answer.get("id") != agent.calls:
            answer = json.loads(await asyncio.wait_for(socket.recv(), 20))
        if "error" in answer:
            return agent.failed(f"error {answer['error']['code']}")
        assert answer["result"]["content"][0]["text"] == agent.name, answer
        agent.good_at = time.monotonic()
        agent.calls += 1
        if not agent.errors:
            agent.slowest = max(agent.slowest, agent.good_at - start)

    def is_well(self):
        def well(agent):
            return agent.calls > 0 and all(at < agent.good_at for at, _ in agent.errors)

        return all(well(agent) for agent in self.agents)

    def is_quiet(self):
        return all(time.monotonic() - at > QUIET for a in self.agents for at, _ in a.errors)


def serve(name, message):
    def result(value):
        return {"jsonrpc": "2.0", "id": message["id"], "result": value}

    match message.get("method"):
        case "initialize":
            info = {"name": "who", "version": "1"}
            capabilities = {"tools": {"listChanged": True}}
            return result(
                {"protocolVersion": "2024-11-05", "capabilities": capabilities, "serverInfo": info}
            )
        case "tools/list":
            return result({"tools": [{"name": "who", "inputSchema": {"type": "object"}}]})
        case "tools/call":
            return result({"content": [{"type": "text", "text": name}]})
        case "ping":
            return result({})


async def main(base, key, count, spellings):
    agents = [Agent(base, key, number, spellings == "many") for number in range(int(count))]
    company = Company(agents)
    tasks = [asyncio.create_task(company.tool(agent)) for agent in agents]
    # A robot that comes first is told that there is no tool, which is no error to count here.
    await asyncio.sleep(0.1)
    while company.dialling.locked():
        await asyncio.sleep(0.1)
    tasks += [asyncio.create_task(company.robot(agent)) for agent in agents]
    while not company.is_well():
        await asyncio.sleep(0.1)
    for agent in agents:
        agent.errors.clear()
    print("ready", flush=True)
    await company.away.wait()
    print("away", flush=True)
    while not (company.is_well() and company.is_quiet()):
        await asyncio.sleep(0.1)
    for task in tasks:
        task.cancel()
    for agent in agents:
        if agent.errors:
            kinds = sorted({what for _, what in agent.errors})
            print(f"harmed: {agent.name} errors={len(agent.errors)} {kinds}")
    untouched = [agent for agent in agents if not agent.errors]
    print(f"calls: {sum(agent.calls for agent in agents)}")
    print(f"slowest untouched: {max(agent.slowest for agent in untouched):.3f}")


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
