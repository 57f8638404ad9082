//! What tools do.

use super::actors::{Behaviour, Pending, Server};
use super::play::Play;
use mcp_endpoint_server::relay::Peer;

impl Play {
    pub(crate) fn tool_answers(&mut self) {
        let Some(peer) = self.any_tool() else { return };
        let tool = self.tools.get_mut(&peer).unwrap();
        if tool.pending.is_empty() {
            return;
        }
        let place = self.random.below(tool.pending.len() as u64) as usize;
        let pending = tool.pending[place].clone();
        let behaviour = match (pending.key, &*pending.method) {
            (Some(_), _) => tool.calls,
            (None, "initialize") => tool.initialize,
            (None, _) => tool.lists,
        };
        if behaviour == Behaviour::Silent {
            return;
        }
        tool.pending.remove(place);
        self.tool_answers_to(peer, &pending, behaviour);
    }

    pub(crate) fn tool_answers_to(&mut self, peer: Peer, pending: &Pending, behaviour: Behaviour) {
        let confused = self.tools[&peer].confused;
        let answer = self.answer(peer, pending, behaviour == Behaviour::Refuses);
        if let Some(request) = pending.key.and_then(|key| self.requests.get_mut(&key)) {
            request.answers.push(answer.clone());
        }
        let tool = self.tools.get_mut(&peer).unwrap();
        if pending.key.is_none() && pending.method == "initialize" {
            tool.answered_initialize = true;
            tool.initialised |= behaviour == Behaviour::Answers;
        }
        let said = answer.replace("@ID@", &pending.id.to_string());
        self.sends(peer, &said);
        if confused && self.random.percent(50) {
            self.sends(peer, &said);
        }
    }

    /// What a tool answers, with `@ID@` in its place.
    fn answer(&mut self, peer: Peer, pending: &Pending, refuses: bool) -> String {
        let tool = &self.tools[&peer];
        let mark = &self.marks[tool.agent];
        let key = pending.key.map_or(String::new(), |key| format!(r#""key":"{key}","#));
        if refuses || (pending.key.is_some() && self.random.percent(5)) {
            return format!(
                r#"{{ "id":@ID@,"error":{{"code":-1.0,"message":"\u4e0d","data":{{{key}"m":"{mark}"}}}}}}"#
            );
        }
        if pending.key.is_some() {
            let body = match self.random.percent(10) && pending.method == "tools/call" {
                true => r#""content":[{"type":"text","text":"bad"}],"isError":true"#,
                false => r#""content":[ {"type":"text","text":"\/\u5c0f"}],"n":1.50"#,
            };
            return format!(
                r#"{{"result":{{{key}{body},"m":"{mark}","by":"{peer}"}} ,"id": @ID@,"jsonrpc":"2.0"}}"#
            );
        }
        let result = match &*pending.method {
            "initialize" => initialize_result(&tool.server, mark),
            "tools/list" => self.page(tool.server.clone(), mark.clone(), pending.cursor),
            "prompts/list" => format!(r#"{{"prompts":[{{"name":"add","m":"{mark}"}}]}}"#),
            "resources/list" => format!(r#"{{"resources":[{{"uri":"a://1","m":"{mark}"}}]}}"#),
            "resources/templates/list" => {
                format!(r#"{{"resourceTemplates":[{{"uriTemplate":"b://{{x}}","m":"{mark}"}}]}}"#)
            }
            _ => "{}".to_owned(),
        };
        format!(r#"{{"jsonrpc":"2.0","id":@ID@,"result":{result}}}"#)
    }

    /// A page of a tool's list: all, or the first and then the rest.
    fn page(&mut self, server: Server, mark: String, rest: bool) -> String {
        let of = server.identity();
        let item = |name: &String| format!(r#"{{"of":"{of}","name":"{name}","m":"{mark}"}}"#);
        let items: Vec<String> = server.names.iter().map(item).collect();
        match items.split_first() {
            Some((_, others)) if rest => format!(r#"{{"tools":[{}]}}"#, others.join(",")),
            Some((first, _)) if self.random.percent(30) => {
                format!(r#"{{"tools":[{first}],"nextCursor":"{mark}"}}"#)
            }
            _ => format!(r#"{{"tools":[{}]}}"#, items.join(",")),
        }
    }

    pub(crate) fn tool_speaks(&mut self) {
        let Some(peer) = self.any_tool() else { return };
        let mark = self.marks[self.tools[&peer].agent].clone();
        let stray = self.random.below(50);
        let text = match self.random.below(12) {
            0 => r#"{"id":"p","method":"ping"}"#.to_owned(),
            1 => {
                // One that refused the relay's handshake before its own does not any more.
                let tool = self.tools.get_mut(&peer).unwrap();
                if tool.initialize == Behaviour::Refuses {
                    tool.initialize = Behaviour::Answers;
                }
                format!(r#"{{"id":1,"method":"initialize","m":"{mark}"}}"#)
            }
            2 => r#"{"id":1,"method":"roots/list"}"#.to_owned(),
            3 => (*self.random.pick(&["", "log line", "[]", "{", "7", "{}"])).to_owned(),
            4..=5 => format!(r#"{{"method":"notifications/message","params":"{mark}"}}"#),
            6..=7 => return self.tool_changes_its_list(peer),
            8 => format!(r#"{{"id":null,"result":"{mark}"}}"#),
            // An answer to what it was not asked, or was asked and has answered.
            9 if self.tools[&peer].confused
                && !self.tools[&peer].pending.iter().any(|p| p.id == stray) =>
            {
                format!(r#"{{"id":{stray},"result":"{mark}"}}"#)
            }
            _ => return self.tool_makes_progress(peer),
        };
        self.sends(peer, &text);
    }

    fn tool_changes_its_list(&mut self, peer: Peer) {
        let names = Server::any(&mut self.random).names;
        let tool = self.tools.get_mut(&peer).unwrap();
        tool.ever.extend(names.iter().cloned());
        tool.server.names = names;
        self.epochs[tool.agent] += 1;
        if tool.server.announces {
            self.sends(peer, r#"{"method":"notifications/tools/list_changed"}"#);
        }
    }

    fn tool_makes_progress(&mut self, peer: Peer) {
        let tool = &self.tools[&peer];
        let keyed: Vec<(u64, u64)> =
            tool.pending.iter().filter_map(|p| Some((p.id, p.key?))).collect();
        if keyed.is_empty() {
            return;
        }
        let (id, key) = *self.random.pick(&keyed);
        let mark = &self.marks[tool.agent];
        let text = format!(
            r#"{{"method":"notifications/progress","params":{{"key":"{key}","progressToken":{id},"m":"{mark}"}}}}"#
        );
        self.sends(peer, &text);
    }
}

fn initialize_result(server: &Server, mark: &str) -> String {
    let info = match &*server.name {
        "" => String::new(),
        name => format!(r#","serverInfo":{{"name":"{name}","m":"{mark}"}}"#),
    };
    let announces = server.announces;
    format!(
        r#"{{"protocolVersion":"2024-11-05","capabilities":{{"tools":{{"listChanged":{announces}}},"prompts":{{}},"logging":{{}},"resources":{{}}}}{info}}}"#
    )
}
