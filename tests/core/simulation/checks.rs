//! What is looked at when the relay sends something.

use super::actors::{key_in, read, spelled, Pending, Request};
use super::play::Play;
use mcp_endpoint_server::relay::Peer;
use serde_json::Value;

impl Play {
    /// The relay has sent a text to a peer.
    pub(crate) fn sent(&mut self, peer: Peer, text: &str) {
        self.note(format!("    -> {peer} {text}"));
        assert!(!text.contains(['\n', '\r']), "several lines: {text}");
        let message = read(text);
        assert!(message.is_object(), "no message: {text}");
        let agent = self.agent_of(peer);
        for (other, mark) in self.marks.iter().enumerate() {
            assert!(other == agent || !text.contains(mark.as_str()), "bytes of {mark}: {text}");
        }
        if self.tools.contains_key(&peer) {
            self.tool_receives(peer, text, &message);
        } else {
            self.robot_receives(peer, text, &message);
        }
    }

    fn tool_receives(&mut self, peer: Peer, text: &str, message: &Value) {
        let given_up = self.policy.handshake_timeout.saturating_mul(4);
        let tool = self.tools.get_mut(&peer).unwrap();
        let Some(method) = message["method"].as_str() else { return };
        let key = key_in(text);
        if !tool.transparent {
            let opaque = tool.answered_initialize || self.now >= tool.joined.after(given_up);
            assert!(tool.initialised || opaque || method == "initialize", "too early: {text}");
        } else {
            let about_request = method == "notifications/cancelled";
            assert!(about_request || text.contains(&self.marks[tool.agent]), "unasked: {text}");
        }
        if method == "notifications/cancelled" {
            let id = message["params"]["requestId"].as_u64().unwrap();
            let before = tool.pending.len();
            tool.pending.retain(|pending| pending.id != id);
            assert!(before > tool.pending.len(), "cancels what is not under way: {text}");
        }
        let Some(raw) = spelled(text, &["id"]) else { return };
        let id: u64 = raw.parse().unwrap_or_else(|_| panic!("an odd id: {text}"));
        assert!((1..1 << 31).contains(&id), "an odd id: {text}");
        assert!(tool.ids.insert(id), "an id twice: {text}");
        let cursor = message["params"]["cursor"].is_string();
        tool.pending.push(Pending { id, method: method.to_owned(), key, cursor });
        if let Some(key) = key {
            self.check_forwarded(peer, key, text, message);
        }
    }

    /// A robot's request must be what the robot sent, but for ids and a name it does not know.
    fn check_forwarded(&self, peer: Peer, key: u64, text: &str, message: &Value) {
        let tool = &self.tools[&peer];
        let request = &self.requests[&key];
        assert!(self.robots.contains_key(&request.robot), "its robot is gone: {text}");
        assert_eq!(self.robots[&request.robot].agent, tool.agent);
        let name = message["params"]["name"].as_str().unwrap_or(&request.name);
        // Every tool offers one prompt, `add`.
        let own = tool.ever.contains(name) || (request.method == "prompts/get" && name == "add");
        assert!(name == request.name || own, "an unknown name: {text}");
        let id = message["id"].to_string();
        let expected =
            request.text.replace("@ID@", &id).replace("@TOKEN@", &id).replace("@NAME@", name);
        assert_eq!(text, expected, "not passed through");
        let choice = self.choices[tool.agent];
        let is_hidden = choice.hides(name) || (name == request.name && choice.renames(name));
        let is_hidden = request.method == "tools/call" && is_hidden;
        assert!(tool.transparent || !is_hidden, "it is hidden: {text}");
        let twice = tool.pending.iter().filter(|pending| pending.key == Some(key)).count();
        assert_eq!(twice, 1, "sent twice: {text}");
        if request.method == "tools/call" && !tool.transparent {
            let others = self.tools.iter().filter(|(other, _)| **other != peer);
            let mut pending = others.flat_map(|(_, other)| &other.pending);
            assert!(pending.all(|pending| pending.key != Some(key)), "sent to several: {text}");
        }
        if let Some(server) = &request.meant_for {
            let same_epoch = request.epoch == self.epochs[tool.agent];
            assert!(!same_epoch || *server == tool.server.identity(), "meant for {server}: {text}");
            assert!(!same_epoch || tool.ever.contains(name), "not its own name: {text}");
        }
    }

    fn robot_receives(&mut self, peer: Peer, text: &str, message: &Value) {
        assert!(self.robots.contains_key(&peer), "{peer} is nobody");
        if let Some(method) = message["method"].as_str() {
            assert!(message.get("id").is_none(), "the relay asks a robot: {text}");
            return self.robot_is_notified(peer, method, text);
        }
        let (result, error) = (message.get("result"), message.get("error"));
        assert!(result.is_some() != error.is_some(), "neither or both: {text}");
        let id = spelled(text, &["id"]).unwrap();
        let by_relay = error.is_some_and(|error| error["data"].get("agent_id").is_some());
        if by_relay {
            let agent = self.robots[&peer].agent;
            assert_eq!(message["error"]["data"]["agent_id"], self.marks[agent].as_str());
            return self.robot_gets_an_error(peer, &id, text);
        }
        match key_in(text) {
            Some(key) => self.robot_gets_an_answer(peer, &id, key, text),
            None => self.robot_gets_a_result(peer, &id, &message["result"], text),
        }
    }

    fn robot_is_notified(&mut self, peer: Peer, method: &str, text: &str) {
        let robot = &self.robots[&peer];
        if method != "notifications/progress" {
            assert!(robot.said_initialized, "it is not initialised: {text}");
            let own = method.ends_with("/list_changed");
            assert!(own || text.contains(&self.marks[robot.agent]), "from nobody: {text}");
            return;
        }
        let request = &self.requests[&key_in(text).unwrap()];
        assert_eq!(request.robot, peer, "another's progress: {text}");
        assert_eq!(spelled(text, &["params", "progressToken"]), request.token, "{text}");
    }

    fn robot_gets_an_error(&mut self, peer: Peer, id: &str, text: &str) {
        let robot = self.robots.get_mut(&peer).unwrap();
        if id == "null" {
            assert!(robot.junk > 0, "an error for nothing: {text}");
            robot.junk -= 1;
            return;
        }
        let outstanding =
            robot.outstanding.get_mut(id).unwrap_or_else(|| panic!("not asked for: {text}"));
        outstanding.errors += 1;
        outstanding.tidy();
    }

    /// A tool's answer must be what the tool sent, and to this very request.
    fn robot_gets_an_answer(&mut self, peer: Peer, id: &str, key: u64, text: &str) {
        let robot = self.robots.get_mut(&peer).unwrap();
        let outstanding =
            robot.outstanding.get_mut(id).unwrap_or_else(|| panic!("not asked for: {text}"));
        let place = outstanding.keys.iter().position(|outstanding| *outstanding == key);
        outstanding
            .keys
            .remove(place.unwrap_or_else(|| panic!("not the answer it waits for: {text}")));
        outstanding.tidy();
        let Request { answers, .. } = &self.requests[&key];
        let error_member = robot.is_xiaozhi && text.contains("\"isError\"");
        let known = answers.iter().any(|answer| answer.replace("@ID@", id) == text);
        assert!(known || (error_member && self.policy.quirks), "not passed through: {text}");
    }

    fn robot_gets_a_result(&mut self, peer: Peer, id: &str, result: &Value, text: &str) {
        let may_answer = self.policy.handshake || self.toggles;
        assert!(may_answer, "the relay is transparent: {text}");
        let lists = [
            ("tools", "tools/list"),
            ("prompts", "prompts/list"),
            ("resources", "resources/list"),
            ("resourceTemplates", "resources/templates/list"),
            ("protocolVersion", "initialize"),
        ];
        let method = lists.iter().find(|(member, _)| result.get(*member).is_some());
        let method = method.map_or("ping", |(_, method)| method);
        let epoch = self.epochs[self.robots[&peer].agent];
        let robot = self.robots.get_mut(&peer).unwrap();
        if method == "tools/list" {
            robot.offered = offered(result);
            robot.epoch = epoch;
            let (agent, offered) = (robot.agent, robot.offered.clone());
            offered.iter().for_each(|(name, _)| self.check_listed(agent, name));
        }
        let robot = self.robots.get_mut(&peer).unwrap();
        let outstanding = robot.outstanding.entry(id.to_owned()).or_default();
        let requests = &self.requests;
        // Others may still want what a robot unsubscribes: the relay answers then.
        let is_it =
            |asked: &str| asked == method || (method == "ping" && asked == "resources/unsubscribe");
        // What was passed on to a tool server is for that one to answer.
        let pending = |key| self.tools.values().any(|t| t.pending.iter().any(|p| p.key == key));
        let mut keys = outstanding.keys.iter();
        let place = keys.position(|key| is_it(&requests[key].method) && !pending(Some(*key)));
        if let Some(place) = place {
            outstanding.keys.remove(place);
            return outstanding.tidy();
        }
        let again = method == "tools/list" && robot.is_xiaozhi && self.policy.quirks;
        assert!(again && robot.list_ids.contains(id), "not asked for: {text}");
        assert_eq!(outstanding.at_least(), 0, "its id is in flight: {text}");
    }
}

/// The names of a list, each with the server that has it.
fn offered(result: &Value) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let items = result["tools"].as_array().unwrap().iter();
    let offered: Vec<_> = items.map(|item| (text(&item["name"]), text(&item["of"]))).collect();
    let mut names: Vec<&str> = offered.iter().map(|(name, _)| &**name).collect();
    names.sort_unstable();
    let count = names.len();
    names.dedup();
    assert_eq!(names.len(), count, "a name twice: {offered:?}");
    offered
}
