//! The tool servers that the program runs or dials itself: how they are, for the key holder, and how many in
//! which state, for everybody.

use super::json::Json;
use super::json::Value::{Count, List, Null, Number, Object, Text};
use super::request::Request;
use crate::managed::{ManagedStatus, Status};
use crate::sorted::sorted;

/// The member `managed_servers`, in the order of docs/protocol.md#managed-servers-shown.
pub(super) fn write(json: &mut Json, request: &Request<'_>) {
    let servers = request.context.machine.managed();
    json.put("managed_servers", Object);
    for (name, index) in sorted(servers.iter().enumerate().map(|(at, server)| (server.name, at))) {
        if let Some(server) = servers.get(index) {
            json.put(name, Object);
            write_server(json, server);
            json.end();
        }
    }
    json.end();
}

fn write_server(json: &mut Json, server: &ManagedStatus<'_>) {
    json.put("kind", Text(server.kind));
    json.put("state", Text(server.status.label()));
    json.put("restarts", Number(server.restarts.into()));
    json.put("last_error", server.last_end.map_or(Null, Text));
    json.put("stderr", List);
    server.last_lines.iter().for_each(|line| json.add(Text(line)));
    json.end();
    json.put("tools_count", Count(server.tools));
    json.put("agents_count", Count(server.agents));
    match server.open_to {
        None => json.put("agents", Null),
        Some(agents) => {
            json.put("agents", List);
            agents.iter().for_each(|agent| json.add(Text(agent)));
            json.end();
        }
    }
    json.put("memory_bytes", Count(server.memory));
}

/// How many are in each state.
pub(super) fn by_state(request: &Request<'_>) -> [(&'static str, usize); Status::ALL.len()] {
    let servers = request.context.machine.managed();
    Status::ALL.map(|status| {
        let count = servers.iter().filter(|server| server.status == status).count();
        (status.label(), count)
    })
}
