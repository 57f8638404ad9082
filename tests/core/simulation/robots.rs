//! What robots do.

use super::actors::{Outstanding, Request};
use super::play::Play;
use mcp_endpoint_server::relay::Peer;

/// Ids as robots spell them.
const IDS: [&str; 12] = [
    "1",
    "2",
    "3",
    "0",
    "-5",
    "1.5",
    "1E2",
    "\"1\"",
    "\"\"",
    "\"null\"",
    "\"\\u0041小\"",
    "1180591620717411303424",
];

impl Play {
    pub(crate) fn robot_speaks(&mut self) {
        let Some(peer) = self.any_robot() else { return };
        match self.random.below(30) {
            0..=1 => self.initialises(peer),
            2..=5 => self.asks(peer, "tools/list"),
            6 => self.asks(peer, "ping"),
            7 => {
                let method = *self.random.pick(&[
                    "prompts/list",
                    "resources/list",
                    "resources/templates/list",
                    "prompts/get",
                    "resources/read",
                    "resources/subscribe",
                    "resources/subscribe",
                    "resources/unsubscribe",
                    "logging/setLevel",
                    "completion/complete",
                    "x/y",
                    "z",
                ]);
                self.asks(peer, method);
            }
            8 => {
                let junk =
                    ["", "hello", "[1]", "7", "{", "{\"id\":true,\"method\":\"x\"}", "{\"a\":1}"];
                let text = *self.random.pick(&junk);
                self.robots.get_mut(&peer).unwrap().junk += 1;
                self.sends(peer, text);
            }
            9 => self.sends(peer, r#"{"id":1,"result":{}}"#),
            10 => {
                let mark = &self.marks[self.robots[&peer].agent];
                let text = format!(r#"{{"method":"notifications/any","params":{{"m":"{mark}"}}}}"#);
                self.sends(peer, &text);
            }
            11..=14 => self.cancels(peer),
            _ => self.asks(peer, "tools/call"),
        }
    }

    fn initialises(&mut self, peer: Peer) {
        let robot = self.robots.get_mut(&peer).unwrap();
        // Its name stays the same once it has given one: the quirks follow it.
        if robot.said_initialized {
            return self.asks(peer, "initialize");
        }
        robot.said_initialized = true;
        robot.is_xiaozhi = self.random.percent(50);
        self.asks(peer, "initialize");
        if self.robots.contains_key(&peer) {
            let mark = &self.marks[self.robots[&peer].agent];
            let text = format!(r#"{{"method":"notifications/initialized","m":"{mark}"}}"#);
            self.sends(peer, &text);
        }
    }

    fn cancels(&mut self, peer: Peer) {
        let robot = self.robots.get_mut(&peer).unwrap();
        let mut in_flight: Vec<&String> = robot
            .outstanding
            .iter()
            .filter(|(_, o)| !o.keys.is_empty())
            .map(|(id, _)| id)
            .collect();
        in_flight.sort_unstable();
        let id = match in_flight.is_empty() {
            true => (*self.random.pick(&IDS)).to_owned(),
            false => (*self.random.pick(&in_flight)).clone(),
        };
        let outstanding = robot.outstanding.entry(id.clone()).or_default();
        match outstanding {
            // The only one of its id is over at once.
            Outstanding { keys, errors: 0, cancelled: 0 } if keys.len() <= 1 => keys.clear(),
            _ => outstanding.cancelled += 1,
        }
        let mark = &self.marks[robot.agent];
        let text = format!(
            r#"{{"method":"notifications/cancelled","params":{{"requestId":{id},"m":"{mark}"}}}}"#
        );
        self.sends(peer, &text);
    }

    pub(crate) fn asks(&mut self, peer: Peer, method: &str) {
        self.keys += 1;
        let (key, random) = (self.keys, &mut self.random);
        let robot = self.robots.get_mut(&peer).unwrap();
        let id = (*random.pick(&IDS)).to_owned();
        let mark = &self.marks[robot.agent];
        let mut params = format!(r#""key":"{key}" ,"m":"{mark}""#);
        let (mut name, mut meant_for) = (String::new(), None);
        match method {
            "tools/call" | "prompts/get" => {
                let fresh = robot.epoch == self.epochs[robot.agent]
                    && self.policy.handshake
                    && !self.toggles;
                name = (*random.pick(&["add", "sub", "nobody's", "server-1__add"])).to_owned();
                if !robot.offered.is_empty() && random.percent(80) && method == "tools/call" {
                    let (offered, server) = random.pick(&robot.offered).clone();
                    (name, meant_for) = (offered, fresh.then_some(server));
                }
                params = format!(r#""name":"@NAME@",{params}"#);
            }
            "resources/read" | "resources/subscribe" | "resources/unsubscribe" => {
                params = format!(r#"{params},"uri":"a://1""#)
            }
            "initialize" if robot.is_xiaozhi => {
                params = format!(r#"{params},"clientInfo":{{"name":"XiaozhiMCPEndpointClient"}}"#);
            }
            "tools/list" => {
                robot.list_ids.insert(id.clone());
            }
            _ => (),
        }
        let token = random.percent(30).then(|| (*random.pick(&["1", "\"t\"", "2.50"])).to_owned());
        if token.is_some() {
            params = format!(r#"{params},"_meta":{{"progressToken":@TOKEN@}}"#);
        }
        let text = match random.percent(50) {
            true => format!(
                r#"{{"jsonrpc":"2.0","id":@ID@,"method":"{method}","params":{{{params}}}}}"#
            ),
            false => {
                format!(r#"{{ "params":{{{params}}},"n":1.0, "method":"{method}","id": @ID@}}"#)
            }
        };
        let mut said = text.replace("@ID@", &id).replace("@NAME@", &name);
        said = said.replace("@TOKEN@", token.as_deref().unwrap_or(""));
        if random.percent(20) {
            said = said.replace(' ', "\n") + "\r\n";
        }
        robot.outstanding.entry(id).or_default().keys.push(key);
        let (epoch, method) = (self.epochs[robot.agent], method.to_owned());
        let answers = Vec::new();
        self.requests.insert(
            key,
            Request { robot: peer, method, text, token, name, meant_for, epoch, answers },
        );
        self.sends(peer, &said);
    }
}
