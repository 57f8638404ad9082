//! What the log says, but for settings and ends of connections.

use super::Language;
use std::fmt::Display;

// The relay: tool servers and robots.
sentences! {
    /// A tool is not offered to a robot.
    offer_too_large(name: &str, size: usize) {
        zh: "工具 {name:?} 的定义有 {size} 字节，而 xiaozhi-server 收到超过 1 MiB 的消息会断开会话，因此未提供给它";
        en: "the definition of the tool {name:?} has {size} bytes. xiaozhi-server ends its session at a message over 1 MiB, so the tool is not offered to it";
    }
    /// A tool has connected.
    tool_joined(who: impl Display) { zh: "{who} 工具端已连接"; en: "{who} tool connected"; }
    /// A tool has shaken hands and its tools are known.
    tool_ready(who: impl Display, count: usize) {
        zh: "{who} 工具端就绪，提供 {count} 个工具";
        en: "{who} tool ready, tools offered: {count}";
    }
    /// A tool is gone.
    tool_left(who: impl Display, why: &str) {
        zh: "{who} 工具端已断开: {why}";
        en: "{who} tool gone: {why}";
    }
    /// A tool does not shake hands.
    tool_opaque(who: impl Display, why: String) {
        zh: "{who} 握手未成功: {why}。连接保留，无法按名称转发的消息会发给它";
        en: "{who} no hand-shake: {why}. It stays connected and gets what cannot be routed elsewhere";
    }
    /// Two tool servers seem to be one, and have been there together for a while.
    twin_in_reserve(serving: &str, address: &str) {
        zh: "与工具端 {serving:?} ({address}) 相同（名称和工具都一样），调用全部由后者应答，此工具端备用，后者断开后接替。如果是两台不同的设备，请在各自的地址末尾加上不同的 &server_id=名称";
        en: "is the same as tool server {serving:?} ({address}), by its name and its tools: that one answers all calls, this one is in reserve until that one goes. If these are two different machines, add a &server_id=NAME of its own to the address of each";
    }
    /// A tool server does not answer, and has twins.
    twin_silent(who: impl Display, serving: &str) {
        zh: "{who} 没有应答；相同的工具端中现由 {serving:?} 应答";
        en: "{who} does not answer; of it and its twins {serving:?} answers calls now";
    }
    /// A tool server that did not answer does again, and has twins.
    twin_answers(who: impl Display, serving: &str) {
        zh: "{who} 恢复应答；相同的工具端中现由 {serving:?} 应答";
        en: "{who} answers again; of it and its twins {serving:?} answers calls now";
    }
    /// A tool server comes and goes in a loop.
    tool_loop(times: u32, why: &str) {
        zh: "反复连接又断开，最近已断开 {times} 次，这次: {why}。此后的连接和断开不再逐条记录（DEBUG 级别除外）";
        en: "comes and goes again and again, times it went of late: {times}, this time: {why}. Its comings and goings are logged one by one at level DEBUG only";
    }
    /// Robots come and go in a loop.
    robot_loop(why: &str) {
        zh: "该智能体的小智端一分钟内频繁连接又断开，这次: {why}。此后的连接和断开不再逐条记录（DEBUG 级别除外）";
        en: "so many robots of this agent come and go within a minute that they are logged one by one at level DEBUG only; this one: {why}";
    }
    /// Two tool servers have one `server_id`.
    server_id_war(id: &str, older: &str, times: u32) {
        zh: "与 {older} 使用同一个 server_id {id:?}，互相顶替，最近已有 {times} 次。如果是两个不同的工具端，请给每个一个不同的 server_id；如果是同一个程序启动了两次，请关闭其中一个";
        en: "and {older} have the same server_id {id:?} and take each other's place, times of late: {times}. Give each a server_id of its own if they are two tool servers; end one if it is one program started twice";
    }
    /// Something is wrong with a tool.
    tool_trouble(who: impl Display, what: String) { zh: "{who} {what}"; en: "{who} {what}"; }
    /// A robot has connected.
    robot_joined(who: impl Display, tools: usize) {
        zh: "{who} 小智端已连接，该智能体当前有 {tools} 个工具端";
        en: "{who} robot connected, tools connected to its agent: {tools}";
    }
    /// A robot is gone.
    robot_left(who: impl Display, why: &str) {
        zh: "{who} 小智端已断开: {why}";
        en: "{who} robot gone: {why}";
    }
    /// A robot's message was answered with an error.
    request_refused(who: impl Display, code: i32, message: String) {
        zh: "{who} 以错误答复: {code} {message}";
        en: "{who} answered with an error: {code} {message}";
    }
    /// Something an owner should know about a peer.
    complaint(who: impl Display, what: &str, count: u32) {
        zh: "{who} {what} (上次提示以来 {count} 次；同样的情况一分钟内不再提示)";
        en: "{who} {what} (times since last said: {count}; not said again for a minute)";
    }
    /// -32001: no tool of the agent is remembered.
    no_tool_seen(uptime: &str) {
        zh: "工具端未连接: 服务器运行 {uptime}以来没有见到该智能体的工具端。请用该智能体的接入点地址启动工具端 (每个智能体的地址各不相同)";
        en: "no tool connected: none of this agent was seen in the {uptime} the server has been running. Start the tool with this agent's address (each agent has its own)";
    }
    /// -32001: the tool was here and went.
    no_tool_left(label: &str, address: &str, ago: &str, why: &str) {
        zh: "工具端未连接: {label:?} ({address}) 在 {ago}前断开: {why}。请检查该工具端程序是否仍在运行、能否重新连接";
        en: "no tool connected: {label:?} ({address}) left {ago} ago: {why}. See whether its program still runs and can connect again";
    }
    /// A peer at the robots' address replies.
    robot_replies() {
        zh: "小智端不应发送答复。若这是工具端，请把地址中的 /call/ 改为 /mcp/";
        en: "a robot should not send replies. If this is a tool, put /mcp/ in the place of /call/ in its address";
    }
    /// A peer at the robots' address says nothing.
    robot_silent(seconds: u64) {
        zh: "小智端连接 {seconds} 秒以来没有发送任何消息。若这是工具端，请把地址中的 /call/ 改为 /mcp/";
        en: "this robot has said nothing in the {seconds} s since it connected. If it is a tool, put /mcp/ in the place of /call/ in its address";
    }
    /// A peer at the tools' address asks what robots ask.
    tool_asks(method: &str) {
        zh: "工具端不应发送 {method} 请求。若这是小智端或 MCP 客户端，请把地址中的 /mcp/ 改为 /call/";
        en: "a tool should not ask {method}. If this is a robot or MCP client, put /call/ in the place of /mcp/ in its address";
    }
    /// A tool server's answer cannot be read.
    tool_answer_unreadable(fault: &str) {
        zh: "答复无法读取: {fault}。对应的请求已收到错误 -32002";
        en: "sent an answer that cannot be read: {fault}. Its request was answered with error -32002";
    }
    /// A tool server sends something else than messages.
    tool_text_unreadable(fault: &str) {
        zh: "发来的内容不是 JSON-RPC 消息，已忽略: {fault} (程序的日志请输出到 stderr)";
        en: "sent something that is no JSON-RPC message, ignored: {fault} (a program's log belongs on stderr)";
    }
    /// A tool server answers what nobody waits for; `said` is its error.
    tool_reply_dropped(id: &str, said: &str) {
        zh: "答复 (id {id}) 没有对应的未完成请求，已丢弃: 来得太晚、重复发送，或从未有过这个请求{said}";
        en: "sent a reply (id {id}) to no request under way, dropped: it is late, a second one, or was never asked for{said}";
    }
    /// Two servers offer the same name.
    name_conflict(agent: &str, noun: &str, name: &str, label: &str, offered: &str) {
        zh: "[agent {agent:?}] 名称冲突: {label:?} 的 {noun} {name:?} 已被其他工具端占用，改以 {offered:?} 提供";
        en: "[agent {agent:?}] the {noun} {name:?} of {label:?} has a name that is taken: it is offered as {offered:?}";
    }
    /// Many servers offer the same names.
    more_conflicts(agent: &str, count: usize) {
        zh: "[agent {agent:?}] 还有 {count} 处名称冲突";
        en: "[agent {agent:?}] further names that are taken: {count}";
    }
    /// What is wrong with a tool.
    handshake_refused(error: &str) {
        zh: "initialize 被拒绝: {error}";
        en: "initialize was refused: {error}";
    }
    /// What is wrong with a tool.
    handshake_silent() {
        zh: "initialize 多次未得到答复，请检查工具端程序是否在运行";
        en: "initialize was never answered, check whether the tool's program runs";
    }
    /// What is wrong with a tool.
    list_refused(method: &str, error: &str) {
        zh: "{method} 被拒绝: {error}";
        en: "{method} was refused: {error}";
    }
    /// What is wrong with a tool.
    list_silent(method: &str) { zh: "{method} 未得到答复"; en: "{method} was not answered"; }
    /// A tool server's first list is late.
    tools_awaited() {
        zh: "尚未答复 tools/list，将再次询问；在它答复之前，小智端看不到它的工具";
        en: "has not answered tools/list yet and is asked again; robots do not see its tools until it answers";
    }
    /// A tool server has not answered any request for its first list.
    tools_not_told() {
        zh: "多次询问 tools/list 均未答复，状态保持 listing；迟到的答复仍然有效，小智端请求工具列表时会再次询问";
        en: "has not answered tools/list after several requests and stays `listing`; a late answer still counts, and it is asked again when a robot asks for the tools";
    }
    /// What is wrong with a tool.
    list_too_long(method: &str) {
        zh: "{method} 的列表没有尽头，其余部分被忽略";
        en: "{method} never ends, the rest is ignored";
    }
    /// What is wrong with a tool server's list: the member that holds the list is something else.
    list_odd(method: &str, member: &str, odd: &str) {
        zh: "{method} 的答复中 {member} 是 {odd}，不是列表";
        en: "{method} was answered with no list: {member} is {odd}, not a list";
    }
    /// What is wrong with a tool server's list: the member that holds the list is missing.
    list_missing(method: &str, member: &str) {
        zh: "{method} 的答复中没有 {member}";
        en: "{method} was answered with no list: {member} is missing";
    }
    /// What is wrong with a tool server's list: the answer is something else.
    list_replaced(method: &str, odd: &str) {
        zh: "{method} 的答复是 {odd}，不是列表";
        en: "answered {method} with {odd} in place of a list";
    }
    /// A tool server sends more notifications than are passed on.
    notifications_dropped() {
        zh: "发送的通知过多，超出部分未转发给小智端 (发给所有小智端合计每秒约 8 MB)";
        en: "sends too many notifications: what exceeds about 8 MB a second to all robots together is dropped";
    }
    /// There is no memory for what a tool server answered.
    no_memory(method: &str) {
        zh: "{method} 的答复未保存: 内存已达上限 (memory_limit)";
        en: "the answer to {method} is not kept: there is no memory left for it (memory_limit)";
    }
    /// The lists of a tool server were given up.
    lists_gave_way() {
        zh: "内存已达上限 (memory_limit)，而该智能体占用最多: 已丢弃该工具端的各类列表，它仍保持连接。请减少工具数量或调大 memory_limit";
        en: "memory_limit is reached and this agent holds the most: its lists are forgotten, and it stays connected. Offer fewer tools, or raise memory_limit";
    }
    /// A list of a tool server has more items than are kept.
    list_cut(method: &str, kept: usize) {
        zh: "{method} 的列表过大，只保留 {kept} 项，其余被忽略 (每个列表最多 2000 项、4 MiB，每项最多嵌套 128 层)";
        en: "{method} is too large: {kept} items are kept and the rest is left out (a list may have 2,000 items, 4 MiB, and 128 levels of nesting in an item)";
    }
    /// All tool servers of an agent together have more items than it offers.
    agent_full(method: &str, left_out: usize) {
        zh: "该智能体已满 (最多 8000 项、16 MiB)，{method} 中有 {left_out} 项未提供给小智端";
        en: "the agent is full (8,000 items, 16 MiB): {left_out} items of {method} are not offered to robots";
    }
    /// A member of a tool server's answer to `initialize` is too large.
    hello_cut(member: &str) {
        zh: "initialize 的答复过大，{member} 等内容被忽略 (capabilities 最多 16 KiB，其余最多 64 KiB)";
        en: "the answer to initialize is too large: {member} is left out (16 KiB of capabilities and 64 KiB of all else are kept)";
    }
    /// What is wrong with a tool.
    nameless(method: &str, count: usize) {
        zh: "{method} 中有 {count} 项没有名称，已忽略";
        en: "{method} has {count} elements without a name, they are ignored";
    }
    /// What is wrong with a tool.
    unreadable_answer(method: &str, fault: &str) {
        zh: "{method} 的答复无法读取: {fault}";
        en: "the answer to {method} cannot be read: {fault}";
    }
}

// The shell: the log itself, connections, limits, start and stop.
sentences! {
    /// The log file is written again.
    log_lines_lost(count: u32) {
        zh: "日志文件恢复写入，其间丢失 {count} 行";
        en: "the log file can be written again; {count} lines were lost";
    }
    /// The terminal or the log file takes lines too slowly, or did not take them.
    log_lines_dropped(count: u32) {
        zh: "此处丢失 {count} 行日志：终端或日志文件写入过慢或失败";
        en: "{count} log lines are missing here: the terminal or the log file was too slow or failed";
    }
    /// The log file cannot be written. Told on the terminal.
    log_file_fails(file: impl Display, error: impl Display) {
        zh: "无法写入日志文件 {file}: {error}；服务器继续运行，稍后重试，请检查磁盘空间与权限";
        en: "the log file {file} cannot be written: {error}; the server goes on and will try again: check space and permissions";
    }
    /// The server listens.
    listening(address: impl Display) {
        zh: "正在监听 {address}";
        en: "listening on {address}";
    }
    /// The server cannot listen.
    cannot_listen(host: &str, port: u16, error: &std::io::Error) {
        zh: "无法监听 {host}:{port}: {error}。请检查 [server] host 与 port，或该端口是否已被占用";
        en: "cannot listen on {host}:{port}: {error}. Check [server] host and port, and whether another program has the port";
    }
    /// The same, for the log.
    agent_is_full(agent: &str, limit: usize) {
        zh: "智能体 {agent} 的连接数已达上限 {limit}，以 503 拒绝；已有连接和其他智能体不受影响。可调整 [websocket] max_connections_per_agent";
        en: "agent {agent} has as many connections as one agent may have, {limit}, answered 503; present connections and other agents are not affected. See [websocket] max_connections_per_agent";
    }
    /// A connection was cut because its owner held the most memory.
    memory_cut(limit: &str, all: &str, held: &str) {
        zh: "的连接被切断: 内存额度 {limit} 已用尽，而这一方占用最多，共 {all}，其中该连接占 {held}。通常是对端读取太慢，或消息太大；必要时请调大 memory_limit";
        en: "was cut: memory_limit, {limit}, is reached, and this owner holds the most, {all} in all and {held} of it for this connection. Mostly a peer reads too slowly, or messages are too large; raise memory_limit where that is as it should be";
    }
    /// accept(2) fails for a reason not listed here.
    cannot_accept(error: &std::io::Error, count: u32) {
        zh: "暂时无法接受新连接: {error}。已有连接不受影响，每半秒重试一次 (上次提示以来 {count} 次)";
        en: "cannot accept connections for the moment: {error}. Present connections are not affected; it tries again every half second (times since last said: {count})";
    }
    /// No descriptor is left for a new connection.
    no_descriptors(error: &std::io::Error, count: u32) {
        zh: "暂时无法接受新连接: {error}。请检查文件描述符上限 (ulimit -n，systemd 用 LimitNOFILE)；有空余后会自动恢复 (上次提示以来 {count} 次)";
        en: "cannot accept connections for the moment: {error}. Check the limit of open files (ulimit -n, LimitNOFILE with systemd); it resumes by itself (times since last said: {count})";
    }
    /// The system has no memory for a new connection.
    no_socket_memory(error: &std::io::Error, count: u32) {
        zh: "暂时无法接受新连接: {error}。系统没有足够内存用于套接字，请释放内存或调小 max_connections；有空余后会自动恢复 (上次提示以来 {count} 次)";
        en: "cannot accept connections for the moment: {error}. The system has no memory left for sockets: free some, or lower max_connections; it resumes by itself (times since last said: {count})";
    }
    /// A connection failed before it was accepted.
    lost_before_accepted(error: &std::io::Error, count: u32) {
        zh: "有连接在被接受之前就已失败: {error}。其他连接不受影响；若反复出现，请检查网络与防火墙 (上次提示以来 {count} 次)";
        en: "a connection failed before it was accepted: {error}. Others are not affected; if it keeps happening, check the network and the firewall (times since last said: {count})";
    }
    /// The limit of open files is lower than that of connections.
    few_descriptors(wanted: usize, room: u64) {
        zh: "系统允许打开的文件数只够约 {room} 个连接，少于 max_connections = {wanted}。请调高 ulimit -n (systemd 用 LimitNOFILE)，或调小 max_connections";
        en: "the limit of open files leaves room for about {room} connections, fewer than max_connections = {wanted}. Raise ulimit -n (LimitNOFILE with systemd), or lower max_connections";
    }
    /// Somebody was refused.
    refused(address: impl Display, why: &str, count: u32) {
        zh: "[{address}] 连接被拒绝: {why} (上次提示以来 {count} 次；同样的情况一分钟内不再提示)";
        en: "[{address}] refused: {why} (times since last said: {count}; not said again for a minute)";
    }
    /// There was too much to tell of all.
    others_unsaid(count: u32) {
        zh: "此前另有 {count} 次同类情况，因为太多而没有逐条写入日志";
        en: "{count} more of the kind happened before and were too many to be told one by one";
    }
    /// A binary frame was ignored.
    binary_ignored(peer: impl Display, address: impl Display, count: u32) {
        zh: "[{peer} {address}] 忽略了内容不是 UTF-8 文本的二进制帧: 请用文本帧发送 JSON-RPC 消息 (上次提示以来 {count} 次；一分钟内不再提示)";
        en: "[{peer} {address}] ignored a binary frame that holds no UTF-8 text: send JSON-RPC in text frames (times since last said: {count}; not said again for a minute)";
    }
    /// A binary frame was read as text.
    binary_read(peer: impl Display, address: impl Display, count: u32) {
        zh: "[{peer} {address}] 收到二进制帧，已按文本读取: 请用文本帧发送 JSON-RPC 消息 (上次提示以来 {count} 次；一分钟内不再提示)";
        en: "[{peer} {address}] read a binary frame as text: send JSON-RPC in text frames (times since last said: {count}; not said again for a minute)";
    }
    /// The server stops.
    stopping(open: usize) {
        zh: "正在停止，关闭 {open} 个连接";
        en: "stopping, {open} connections are being closed";
    }
    /// The service manager cannot be told that the server serves.
    cannot_notify(error: &std::io::Error) {
        zh: "无法通知服务管理器 (NOTIFY_SOCKET): {error}。服务照常运行，但 systemd 可能认为它没有启动而将其停止；请检查 NotifyAccess 与 RestrictAddressFamilies (需要 AF_UNIX)，或改用 Type=exec";
        en: "the service manager cannot be told that the server serves (NOTIFY_SOCKET): {error}. It serves all the same, but systemd may take it for not started and stop it: see NotifyAccess and RestrictAddressFamilies (AF_UNIX is needed), or use Type=exec";
    }
    /// The loop ended with an error.
    cannot_go_on(error: &std::io::Error) {
        zh: "无法继续运行: {error}";
        en: "cannot go on: {error}";
    }
}
