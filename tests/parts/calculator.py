"""A calculator as an MCP tool server on stdio, made with the official SDK.

With `--prefix NAME` the tool is called NAME_calculator and the server NAME, so that several of
them can serve one agent.
"""

import argparse
import ast
import logging
import math
import operator

try:
    from mcp.server.fastmcp import FastMCP
except ModuleNotFoundError:  # generation 2 of the SDK has renamed it
    from mcp.server.mcpserver import MCPServer as FastMCP

BINARY = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.Pow: operator.pow,
}
UNARY = {ast.UAdd: operator.pos, ast.USub: operator.neg}
NAMES = {name: getattr(math, name) for name in ("pi", "e", "sqrt", "sin", "cos", "log", "floor")}


def evaluate(node):
    """The value of an arithmetic expression; ValueError where it is anything else."""
    match node:
        case ast.Expression(body=body):
            return evaluate(body)
        case ast.Constant(value=int() | float()):
            return node.value
        case ast.BinOp(left=left, op=op, right=right) if type(op) in BINARY:
            return BINARY[type(op)](evaluate(left), evaluate(right))
        case ast.UnaryOp(op=op, operand=operand) if type(op) in UNARY:
            return UNARY[type(op)](evaluate(operand))
        case ast.Attribute(value=ast.Name(id="math"), attr=attr) if attr in NAMES:
            return NAMES[attr]
        case ast.Name(id=name) if name in NAMES:
            return NAMES[name]
        case ast.Call(func=func, args=args, keywords=[]):
            return evaluate(func)(*map(evaluate, args))
    raise ValueError(f"not arithmetic: {ast.unparse(node)}")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--prefix")
    prefix = parser.parse_args().prefix
    logging.basicConfig(level=logging.WARNING)
    server = FastMCP(prefix or "Calculator")

    @server.tool(name=f"{prefix}_calculator" if prefix else "calculator")
    def calculator(python_expression: str) -> dict:
        """Evaluates an arithmetic expression. `math` and its functions can be used."""
        result = evaluate(ast.parse(python_expression, mode="eval"))
        return {"success": True, "result": result}

    server.run(transport="stdio")


if __name__ == "__main__":
    main()
