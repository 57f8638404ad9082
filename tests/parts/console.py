"""`console.py CONSOLE-ADDRESS AGENT`: does what the manager console does with the address that
start-up prints.

It checks the address for `success`, makes the addresses of an agent from it by cutting and
replacing text, and asks for the agent's tools one step at a time, with integer ids. Prints the
agent's tool address, then the names of its tools.
"""

import asyncio
import base64
import hashlib
import json
import sys
import urllib.error
import urllib.parse
import urllib.request

import websockets
from cryptography.hazmat.primitives import padding
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes


def check(address):
    with urllib.request.urlopen(address, timeout=10) as response:
        assert response.status == 200 and b"success" in response.read()
    try:
        urllib.request.urlopen(address[:-1] + ("0" if address[-1] != "0" else "1"), timeout=10)
        raise AssertionError("a wrong key was accepted")
    except urllib.error.HTTPError as error:
        assert b"success" not in error.read()


def encrypted(key, text):
    padder = padding.PKCS7(128).padder()
    padded = padder.update(text.encode()) + padder.finalize()
    cipher = Cipher(algorithms.AES(key.encode()), modes.ECB()).encryptor()
    return base64.b64encode(cipher.update(padded) + cipher.finalize()).decode()


def token(key, agent):
    """The console hides an agent's id behind its MD5."""
    name = hashlib.md5(agent.encode()).hexdigest()
    return encrypted(key, f'{{"agentId": "{name}"}}')


def tool_address(console_address, agent):
    parts = urllib.parse.urlsplit(console_address)
    key = parts.query[parts.query.index("key=") + len("key=") :]
    path = parts.path[: parts.path.rindex("/")]
    scheme = "wss" if parts.scheme == "https" else "ws"
    quoted = urllib.parse.quote_plus(token(key, agent))
    return f"{scheme}://{parts.netloc}{path}/mcp/?token={quoted}"


async def answer(socket, number):
    """The console takes an id for its own only where it is an integer."""
    while True:
        message = json.loads(await asyncio.wait_for(socket.recv(), 15))
        if type(message.get("id")) is int and message["id"] == number:
            assert "result" in message and "error" not in message, message
            return message["result"]


async def list_tools(address):
    async with websockets.connect(address) as socket:
        params = {
            "protocolVersion": "2024-11-05",
            "capabilities": {"roots": {"listChanged": False}, "sampling": {}},
            "clientInfo": {"name": "xz-mcp-broker", "version": "0.0.1"},
        }
        request = {"jsonrpc": "2.0", "method": "initialize", "params": params, "id": 1}
        await socket.send(json.dumps(request))
        await answer(socket, 1)
        await socket.send('{"jsonrpc":"2.0","method":"notifications/initialized"}')
        await socket.send('{"jsonrpc":"2.0","method":"tools/list","params":null,"id":2}')
        return [tool["name"] for tool in (await answer(socket, 2))["tools"]]


def main(console_address, agent):
    check(console_address)
    address = tool_address(console_address, agent)
    print(address, flush=True)
    for name in asyncio.run(list_tools(address.replace("/mcp/", "/call/"))):
        print(name)


if __name__ == "__main__":
    main(*sys.argv[1:])
