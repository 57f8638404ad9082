//! `GET /metrics`: the text format of Prometheus. It has numbers only, no names.

use super::request::Request;
use super::response::Reply;
use crate::ledger::{OwnerKind, Totals};
use crate::relay::{Counts, Latency, Traffic, COUNTERS, FAMILIES};
use crate::time::Moment;
use crate::VERSION;
use std::fmt::{Display, Write};

/// The media type of the text format.
const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

pub(super) fn metrics(request: &Request<'_>, _: &str) -> Reply {
    let (relay, shell) = (request.context.relay, &request.context.shell);
    let (counts, traffic) = (relay.counts(), relay.traffic());
    let mut page = Exposition::default();
    page.family("build_info", GAUGE, "The version that runs.");
    page.sample("build_info", &[("version", VERSION)], 1);
    page.family("uptime_seconds", GAUGE, "Time since the start.");
    page.sample("uptime_seconds", &[], seconds(request.context.now.since(Moment::default())));
    present(&mut page, &counts);
    page.one("queue_bytes", GAUGE, "Bytes that wait to be sent or read.", shell.queued_bytes);
    managed(&mut page, request);
    memory(&mut page, request);
    past(&mut page, &traffic);
    durations(&mut page, &traffic.latency);
    page.one("connections_accepted_total", COUNTER, "Connections let in.", shell.accepted);
    let turned_away = "Connections for which there was no room.";
    page.one("connections_turned_away_total", COUNTER, turned_away, shell.turned_away);
    let refused = "Requests refused for their token, key or origin.";
    page.one("refusals_total", COUNTER, refused, shell.refused);
    page.family("closes_total", COUNTER, "WebSockets that ended, by reason.");
    for (reason, count) in shell.ends.iter() {
        page.sample("closes_total", &[("reason", reason.label())], count);
    }
    page.one("network_receive_bytes_total", COUNTER, "Bytes read.", shell.bytes_in);
    page.one("network_transmit_bytes_total", COUNTER, "Bytes written.", shell.bytes_out);
    Reply::new(200, CONTENT_TYPE, page.text)
}

fn present(page: &mut Exposition, counts: &Counts) {
    page.one("agents", GAUGE, "Agents with a connection.", counts.agents);
    page.family("connections", GAUGE, "Open WebSockets, by side.");
    page.sample("connections", &[("side", "tool")], counts.tools);
    page.sample("connections", &[("side", "robot")], counts.robots);
    page.one("offered_tools", GAUGE, "Tool names offered to robots.", counts.offered);
    page.one("requests_in_flight", GAUGE, "Requests at tools.", counts.in_flight);
    page.one("requests_waiting", GAUGE, "Requests that wait for a tool.", counts.waiting);
}

fn managed(page: &mut Exposition, request: &Request<'_>) {
    page.family("managed_servers", GAUGE, "Tool servers of the servers file, by state.");
    for (state, count) in super::managed::by_state(request) {
        page.sample("managed_servers", &[("state", state)], count);
    }
    let restarts = request.context.shell.managed_restarts;
    let name = "managed_server_restarts_total";
    page.one(name, COUNTER, "Times a tool server of the servers file was started again.", restarts);
}

fn memory(page: &mut Exposition, request: &Request<'_>) {
    let limit = request.context.settings.websocket.memory_limit;
    page.one("memory_limit_bytes", GAUGE, "The setting memory_limit.", limit);
    let by_owner = |page: &mut Exposition, of: &dyn Fn(&Totals) -> u64, name: &str| {
        for (kind, totals) in OwnerKind::ALL.iter().zip(&request.context.shell.memory) {
            page.sample(name, &[("owner", kind.label())], of(totals));
        }
    };
    let number = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
    let name = "memory_charged_bytes";
    page.family(name, GAUGE, "Memory kept on behalf of peers, by kind of owner.");
    by_owner(page, &|totals| number(totals.bytes), name);
    page.family("memory_owners", GAUGE, "Owners of memory, by kind.");
    by_owner(page, &|totals| number(totals.owners), "memory_owners");
    let name = "memory_gave_way_total";
    page.family(name, COUNTER, "Times an owner gave way at memory_limit, by kind.");
    by_owner(page, &|totals| totals.gave_way, name);
}

fn past(page: &mut Exposition, traffic: &Traffic) {
    for (place, (name, help)) in FAMILIES.into_iter().enumerate() {
        page.family(name, COUNTER, help);
        for counter in COUNTERS.iter().filter(|counter| counter.family == place) {
            page.sample(name, counter.label.as_slice(), (counter.get)(traffic));
        }
    }
}

fn durations(page: &mut Exposition, latency: &Latency) {
    let name = "call_duration_seconds";
    page.family(name, "histogram", "How long tools took to answer.");
    let mut below = 0u64;
    for (index, count) in latency.classes.iter().enumerate() {
        below = below.saturating_add(*count);
        let bound = Latency::BOUNDS.get(index).map(|bound| decimal(*bound));
        let bound = bound.unwrap_or_else(|| "+Inf".to_owned());
        page.sample(&format!("{name}_bucket"), &[("le", &bound)], below);
    }
    page.sample(&format!("{name}_sum"), &[], decimal(latency.sum));
    page.sample(&format!("{name}_count"), &[], below);
}

fn seconds(duration: std::time::Duration) -> String {
    decimal(u64::try_from(duration.as_millis()).unwrap_or(u64::MAX))
}

/// Milliseconds, written as seconds.
fn decimal(milliseconds: u64) -> String {
    let (whole, rest) = (milliseconds / 1000, milliseconds % 1000);
    match rest {
        0 => whole.to_string(),
        _ => format!("{whole}.{rest:03}").trim_end_matches('0').to_owned(),
    }
}

const COUNTER: &str = "counter";
const GAUGE: &str = "gauge";

/// The text being written. Every name starts with `mcp_endpoint_`.
#[derive(Default)]
struct Exposition {
    text: String,
}

impl Exposition {
    fn family(&mut self, name: &str, kind: &str, help: &str) {
        // Writing to a string cannot fail.
        let _ = writeln!(self.text, "# HELP mcp_endpoint_{name} {help}");
        let _ = writeln!(self.text, "# TYPE mcp_endpoint_{name} {kind}");
    }

    fn sample(&mut self, name: &str, labels: &[(&str, &str)], value: impl Display) {
        let _ = write!(self.text, "mcp_endpoint_{name}");
        for (index, (label, value_text)) in labels.iter().enumerate() {
            let separator = if index == 0 { '{' } else { ',' };
            let _ = write!(self.text, "{separator}{label}=\"{value_text}\"");
        }
        let end = if labels.is_empty() { "" } else { "}" };
        let _ = writeln!(self.text, "{end} {value}");
    }

    /// A family with one sample without labels.
    fn one(&mut self, name: &str, kind: &str, help: &str, value: impl Display) {
        self.family(name, kind, help);
        self.sample(name, &[], value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn buckets_of_durations_are_cumulative() {
        let mut latency = Latency::default();
        latency.classes[0] = 2;
        latency.classes[3] = 1;
        latency.classes[Latency::BOUNDS.len()] = 1;
        latency.sum = 400_060;
        let mut page = Exposition::default();
        durations(&mut page, &latency);
        for line in [
            "mcp_endpoint_call_duration_seconds_bucket{le=\"0.005\"} 2\n",
            "mcp_endpoint_call_duration_seconds_bucket{le=\"0.05\"} 3\n",
            "mcp_endpoint_call_duration_seconds_bucket{le=\"2.5\"} 3\n",
            "mcp_endpoint_call_duration_seconds_bucket{le=\"+Inf\"} 4\n",
            "mcp_endpoint_call_duration_seconds_sum 400.06\n",
            "mcp_endpoint_call_duration_seconds_count 4\n",
        ] {
            assert!(page.text.contains(line), "{line} in {}", page.text);
        }
    }

    #[test]
    fn a_duration_is_written_in_seconds() {
        assert_eq!(seconds(Duration::from_millis(1250)), "1.25");
        assert_eq!(seconds(Duration::from_secs(3)), "3");
    }
}
