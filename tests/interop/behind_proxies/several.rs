//! Several instances with the same key behind one balancer that hashes the token.

use super::proxy::{Kind, Setup};
use crate::common::{Parts, Server};
use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

const KEY: &str = "0123456789abcdef0123456789abcdef";
const AGENTS: usize = 300;

/// Each takes the whole machine: one at a time.
static TURN: Mutex<()> = Mutex::new(());

/// The agents that have a tool at this instance, which are those that have a robot there.
fn agents(server: &Server) -> BTreeSet<String> {
    let connections = server.connections();
    let names = |member: &str| -> BTreeSet<String> {
        connections[member].as_object().unwrap().keys().cloned().collect()
    };
    let (tools, robots) = (names("mcp_servers"), names("robot_connections_by_agent"));
    assert_eq!(tools, robots, "an agent's tool and robot are apart");
    tools
}

/// Three hundred agents at three instances, of which one is killed under load and started again:
/// its agents see errors until they have come back to it, and nobody else sees any.
fn one_of_three_is_killed(kind: Kind, sample: &str, spellings: &str) {
    let Some(parts) = Parts::find() else { return };
    let Some(setup) = Setup::find(kind) else { return };
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let parts = parts.trusting(&setup.certificate());
    let instance = || Server::builder().set("server", "key", KEY).start();
    let mut servers = [instance(), instance(), instance()];
    let here = ["10.0.0.11:8004", "10.0.0.12:8004", "10.0.0.13:8004"].into_iter();
    let here = here.zip(&servers).map(|(named, s)| (named, format!("127.0.0.1:{}", s.port())));
    let base = setup.url("").replace("https://", "wss://");
    let proxy = setup.start(sample, &here.collect::<Vec<_>>());
    let mut company = parts.start("many_agents.py", &[&base, KEY, &AGENTS.to_string(), spellings]);
    company.wait_line("ready", 1);
    let before = servers.each_ref().map(agents);
    let shares = before.each_ref().map(BTreeSet::len);
    assert_eq!(shares.iter().sum::<usize>(), AGENTS, "{shares:?}");
    assert!(shares.iter().all(|share| *share > AGENTS / 10), "{shares:?}");
    servers[1].process().signal("KILL");
    company.wait_line("away", 1);
    servers[1].start_again();
    let console = format!("{}/mcp_endpoint/health?key={KEY}", base.replace("wss://", "https://"));
    assert!(parts.run("fetch.py", &[&console]).concat().contains("\"success\""));
    let report = company.finish();
    let harmed = report.iter().filter_map(|line| line.strip_prefix("harmed: "));
    let harmed: BTreeSet<String> =
        harmed.map(|line| line.split(' ').next().unwrap().to_owned()).collect();
    let strangers: Vec<_> = harmed.difference(&before[1]).collect();
    assert!(strangers.is_empty(), "harmed without reason: {strangers:?}\n{}", report.join("\n"));
    assert_eq!(harmed, before[1], "not noticed by all of its agents");
    let slowest = report.iter().find_map(|line| line.strip_prefix("slowest untouched: "));
    assert!(slowest.unwrap().parse::<f64>().unwrap() < 5.0, "{slowest:?}");
    let said = proxy.said();
    assert!(!said.contains("token="), "{said}");
}

#[test]
#[ignore = "takes 300 agents half a minute: cargo test --test interop behind_proxies:: -- --ignored"]
fn of_three_instances_behind_nginx_one_may_be_killed_and_only_its_own_agents_notice() {
    one_of_three_is_killed(Kind::Nginx, "several/nginx.conf", "one");
}

#[test]
#[ignore = "takes 300 agents half a minute: cargo test --test interop behind_proxies:: -- --ignored"]
fn of_three_instances_behind_haproxy_one_may_be_killed_and_only_its_own_agents_notice() {
    one_of_three_is_killed(Kind::Haproxy, "several/haproxy.cfg", "many");
}
