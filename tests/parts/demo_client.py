"""`demo_client.py PROGRAM`: the official SDK's client starts the program's tool server on standard input
and output, and uses all of it. Random expressions must have the results that Python gives, and the
program must end with its standard input. Runs on both generations of the SDK."""

import asyncio
import json
import math
import random
import subprocess
import sys

from mcp import ClientSession, StdioServerParameters
from mcp.client.stdio import stdio_client

EXPRESSIONS = 300


def expression(depth):
    kind = random.random()
    if depth == 0 or kind < 0.1:
        if random.random() < 0.5:
            return str(random.randint(0, 1000))
        return repr(random.uniform(0, 1) * 10 ** random.randint(-3, 18))
    if kind < 0.2:
        return "-" + expression(depth - 1)
    if kind < 0.4:
        return f"({expression(depth - 1)})"
    operator = random.choice(["+", "-", "*", "/", "//", "%"])
    return f"{expression(depth - 1)} {operator} {expression(depth - 1)}"


async def calculate(session, text):
    """The result as it is written, or None where the tool says that there is none."""
    result = await session.call_tool("calculator", {"python_expression": text})
    said = result.content[0].text
    # Generation 2 of the SDK names it otherwise.
    if getattr(result, "isError", None) or getattr(result, "is_error", None):
        return None
    assert json.loads(said)["success"] is True, said
    return said.removeprefix('{"success": true, "result": ').removesuffix("}")


async def use(program):
    parameters = StdioServerParameters(command=program, args=["demo", "--language", "en"], env={"TZ": "XYZ-5:30"})
    async with stdio_client(parameters) as (read, write), ClientSession(read, write) as session:
        await session.initialize()
        tools = [tool.name for tool in (await session.list_tools()).tools]
        assert tools == ["calculator", "now", "roll_dice"], tools
        assert await calculate(session, "130000 * 130000") == "16900000000"
        for text in ["1 / 0", "2 ** 127", "1 +", "__import__('os')"]:
            assert await calculate(session, text) is None, text
        for _ in range(EXPRESSIONS):
            text = expression(4)
            try:
                expected = eval(text)
            except ZeroDivisionError:
                expected = None
            if isinstance(expected, int) and abs(expected) >= 2**64:
                # An intermediate number may be too large for the tool.
                continue
            if expected is not None:
                assert math.isfinite(expected), text
                expected = repr(expected)
            found = await calculate(session, text)
            assert found == expected, f"{text}: {found}, and Python says {expected}"
        now = json.loads((await session.call_tool("now", {})).content[0].text)["now"]
        assert now.endswith("+05:30"), now
        dice = await session.call_tool("roll_dice", {"count": 3, "sides": 20})
        assert len(json.loads(dice.content[0].text)["rolls"]) == 3
        await session.send_ping()


def end(program):
    """The program ends where its input does, also in the middle of a line."""
    for text in ["", '{"jsonrpc":"2.0","id":1,"method":"ping"}', '{"jsonrpc"']:
        ended = subprocess.run([program, "demo"], input=text, capture_output=True, text=True, timeout=60)
        assert ended.returncode == 0 and not ended.stderr, ended
        assert ended.stdout.count("\n") == (1 if text else 0), ended


if __name__ == "__main__":
    random.seed(1)
    asyncio.run(use(sys.argv[1]))
    end(sys.argv[1])
