"""Bridges tool servers on stdio to an MCP endpoint.

    bridge.py [URL] COMMAND [ARGUMENT …] [+ COMMAND [ARGUMENT …]] …

Each command, set apart by `+`, has a connection of its own. Without a URL, MCP_ENDPOINT names it.
Each line a command writes becomes one text message, its line end kept; each message that comes is
written to it with a line end. When either side goes the other is ended, and both are made anew
after 1 s; where that fails, after 2 s, 4 s, and so on up to 60 s.
"""

import asyncio
import os
import signal
import sys

import websockets

FIRST_WAIT, LONGEST_WAIT = 1, 60


def say(text):
    print(text, file=sys.stderr, flush=True)


async def to_endpoint(process, socket):
    while line := await process.stdout.readline():
        await socket.send(line.decode("utf-8"))


async def to_process(process, socket):
    async for message in socket:
        data = message if isinstance(message, bytes) else message.encode("utf-8")
        process.stdin.write(data + b"\n")
        await process.stdin.drain()


async def bridge_once(url, command):
    """One connection with one process, until either of them ends."""
    async with websockets.connect(url, max_size=None) as socket:
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            limit=64 * 1024 * 1024,
        )
        # The last argument tells apart what is otherwise the same command.
        name = os.path.basename(command[-1])
        say(f"up: process of {name}, {process.pid}")
        pumps = [
            asyncio.create_task(pump(process, socket)) for pump in (to_endpoint, to_process)
        ]
        try:
            done, _ = await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
            for pump in done:
                pump.result()
        finally:
            for pump in pumps:
                pump.cancel()
            await asyncio.gather(*pumps, return_exceptions=True)
            await end(process)
            say(f"down: process of {name}, {process.pid}")


async def end(process):
    if process.returncode is None:
        process.stdin.close()
        try:
            await asyncio.wait_for(process.wait(), 2)
        except asyncio.TimeoutError:
            process.kill()
            await process.wait()


async def bridge(url, command):
    wait = FIRST_WAIT
    while True:
        try:
            await bridge_once(url, command)
            wait = FIRST_WAIT
        except (OSError, websockets.WebSocketException, asyncio.TimeoutError) as error:
            say(f"lost: {error}")
        await asyncio.sleep(wait)
        wait = min(wait * 2, LONGEST_WAIT)


def commands(arguments):
    found = [[]]
    for argument in arguments:
        if argument == "+":
            found.append([])
        else:
            found[-1].append(argument)
    return found


async def main():
    arguments = sys.argv[1:]
    if arguments and arguments[0].startswith(("ws://", "wss://")):
        url = arguments.pop(0)
    else:
        url = os.environ.get("MCP_ENDPOINT")
    if not url:
        sys.exit("No address: give it first, in quotes, or export MCP_ENDPOINT='ws://…'")
    if not all(commands(arguments)):
        sys.exit(__doc__)
    bridges = [asyncio.create_task(bridge(url, command)) for command in commands(arguments)]

    def stop():
        for task in bridges:
            task.cancel()

    if os.name == "posix":
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, stop)
    await asyncio.gather(*bridges, return_exceptions=True)


if __name__ == "__main__":
    asyncio.run(main())
