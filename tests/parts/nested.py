"""`nested.py`: an MCP tool server on stdio with 120 tools that take nested models, and one, `report`,
that answers in several parts."""

import logging
from enum import Enum
from typing import Literal

from mcp.server.fastmcp import FastMCP, Image
from pydantic import BaseModel, Field


class Zone(str, Enum):
    UTC = "utc"
    CST = "cst"


class Place(BaseModel):
    """A place on a map."""

    city: str = Field(description="The name of the city")
    zone: Zone = Zone.UTC


class Step(BaseModel):
    at: Place
    # Models may hold each other.
    then: "Step | None" = None


class Traveller(BaseModel):
    name: str
    home: Place = Field(description="Where the traveller lives")
    seats: list[Literal["aisle", "window"]] = []


class Plan(BaseModel):
    start: Place
    via: list[Place] = []
    steps: dict[str, Step] = {}
    by: Traveller | None = None


def main():
    logging.basicConfig(level=logging.WARNING)
    server = FastMCP("nested")
    for number in range(120):

        @server.tool(name=f"plan_{number}")
        def plan(plan: Plan, others: list[Traveller], home: Place | None = None) -> str:
            """Plans a journey."""
            return f"{plan.start.city} {len(others)}"

    @server.tool()
    def report():
        """Answers in several parts."""
        return ["one", Image(data=b"\x89PNG", format="png"), "two"]

    server.run(transport="stdio")


if __name__ == "__main__":
    main()
