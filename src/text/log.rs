//! What the log says, but for settings and ends of connections.

use super::Language;
use std::fmt::Display;

// The relay: tool servers and robots.
sentences! {
    /// A tool is not offered to a robot.
    offer_too_large(name: &str, size: usize) {
        zh: "未提供工具 {name:?}: 它的定义有 {size} 字节，而 xiaozhi-server 收到超过 1 MiB 的消息会断开会话";
        en: "the tool {name:?} is not offered: its definition has {size} bytes, and xiaozhi-server ends its session at a message over 1 MiB";
    }
    /// Some of the schemas for `xiaozhi-server` are not whole: of `count` tools, `name` first.
    schemas_cut(agent: &str, name: &str, count: usize) {
        zh: "[agent {agent:?}] 参数定义展开 $ref 后过大或过深 (涉及 {count} 个工具，首个为 {name:?}): 提供给 xiaozhi-server 时，超出部分改为不限制取值。请减少其中的 $ref";
        en: "[agent {agent:?}] parameters are too large or too deep with each $ref replaced by what it names (tools: {count}, the first is {name:?}). For xiaozhi-server, what goes beyond is replaced by a schema that allows anything. Use fewer $ref in them";
    }
    /// A tool server has connected.
    tool_joined(who: impl Display) { zh: "{who} 工具端已连接"; en: "{who} tool server connected"; }
    /// A tool server has finished its handshake, and its tools are known.
    tool_ready(who: impl Display, count: usize) {
        zh: "{who} 工具端就绪，提供 {count} 个工具";
        en: "{who} tool server ready, tools offered: {count}";
    }
    /// A tool server has disconnected.
    tool_left(who: impl Display, why: &str) {
        zh: "{who} 工具端已断开: {why}";
        en: "{who} tool server disconnected: {why}";
    }
    /// The handshake with a tool server failed.
    tool_opaque(who: impl Display, why: String) {
        zh: "{who} 握手失败: {why}。连接保留，无法按名称转发的消息会发给它";
        en: "{who} handshake failed: {why}. The tool server stays connected and gets messages that have no other receiver";
    }
    /// Two tool servers seem to be one, and have been there together for a while.
    twin_in_reserve(serving: &str, address: &str) {
        zh: "与工具端 {serving:?} ({address}) 的名称和工具都相同: 调用全部由后者应答，此工具端备用，在后者断开后接替。如果是两台不同的设备，请在各自的地址末尾加上不同的 &server_id=名称";
        en: "has the same name and the same tools as tool server {serving:?} ({address}). That one answers all calls; this one is in reserve and takes over when that one disconnects. If these are two different machines, add a different &server_id=NAME to each address";
    }
    /// A tool server does not answer, and has twins.
    twin_silent(who: impl Display, serving: &str) {
        zh: "{who} 没有应答；与它相同的工具端中，现由 {serving:?} 应答";
        en: "{who} does not answer; of the tool servers with the same tools, {serving:?} answers calls now";
    }
    /// A tool server that did not answer does again, and has twins.
    twin_answers(who: impl Display, serving: &str) {
        zh: "{who} 恢复应答；与它相同的工具端中，现由 {serving:?} 应答";
        en: "{who} answers again; of the tool servers with the same tools, {serving:?} answers calls now";
    }
    /// A tool server comes and goes in a loop.
    tool_loop(times: u32, why: &str) {
        zh: "反复连接又断开，最近已断开 {times} 次，这次: {why}。此后的连接和断开只在 DEBUG 级别逐条记录";
        en: "connects and disconnects again and again, {times} times recently; this time: {why}. From now on this is logged at level DEBUG only";
    }
    /// Robots come and go in a loop.
    robot_loop(why: &str) {
        zh: "该智能体的小智端一分钟内频繁连接又断开，这次: {why}。此后的连接和断开只在 DEBUG 级别逐条记录";
        en: "too many robots of this agent come and go in a minute; this time: {why}. From now on this is logged at level DEBUG only";
    }
    /// Two tool servers have one `server_id`.
    server_id_evictions(id: &str, older: &str, times: u32) {
        zh: "与 {older} 使用同一个 server_id {id:?}，互相顶替，最近已有 {times} 次。如果是两个不同的工具端，请给它们不同的 server_id；如果是同一个程序启动了两次，请关闭其中一个";
        en: "and {older} use the same server_id {id:?} and replace each other, {times} times recently. If they are two tool servers, give each its own server_id; if one program was started twice, stop one of the two";
    }
    /// Something is wrong with a tool server.
    tool_trouble(who: impl Display, what: String) { zh: "{who} {what}"; en: "{who} {what}"; }
    /// A robot has connected.
    robot_joined(who: impl Display, tools: usize) {
        zh: "{who} 小智端已连接，该智能体当前有 {tools} 个工具端";
        en: "{who} robot connected, tool servers of its agent: {tools}";
    }
    /// A robot has disconnected.
    robot_left(who: impl Display, why: &str) {
        zh: "{who} 小智端已断开: {why}";
        en: "{who} robot disconnected: {why}";
    }
    /// A robot's message was answered with an error.
    request_refused(who: impl Display, code: i32, message: String) {
        zh: "{who} 收到错误答复: {code} {message}";
        en: "{who} got an error: {code} {message}";
    }
    /// Something an owner should know about a peer.
    complaint(who: impl Display, what: &str, count: u32) {
        zh: "{who} {what} (上次提示以来 {count} 次；同样的情况一分钟内不再提示)";
        en: "{who} {what} ({count} since the last such message; at most one a minute)";
    }
    /// -32001: no tool server of the agent is remembered.
    no_tool_seen(uptime: &str) {
        zh: "工具端未连接: 服务器已运行 {uptime}，其间没有见到该智能体的工具端。请用该智能体的接入点地址启动工具端 (每个智能体的地址各不相同)";
        en: "no tool server connected: none of this agent was seen in the {uptime} since the server started. Start the tool server with this agent's address (each agent has its own)";
    }
    /// -32001: the tool server was connected before.
    no_tool_left(label: &str, address: &str, ago: &str, why: &str) {
        zh: "工具端未连接: {label:?} ({address}) 在 {ago}前断开: {why}。请检查该工具端程序是否仍在运行、能否重新连接";
        en: "no tool server connected: {label:?} ({address}) disconnected {ago} ago: {why}. Check that its program still runs and can connect again";
    }
    /// A peer at the robots' address sends responses.
    robot_replies() {
        zh: "小智端不应发送答复。若这是工具端，请把地址中的 /call/ 改为 /mcp/";
        en: "a robot should not send responses. If this is a tool server, change /call/ to /mcp/ in its address";
    }
    /// A peer at the robots' address says nothing.
    robot_silent(seconds: u64) {
        zh: "小智端已连接 {seconds} 秒，没有发送任何消息。若这是工具端，请把地址中的 /call/ 改为 /mcp/";
        en: "this robot has sent nothing in the {seconds} s since it connected. If it is a tool server, change /call/ to /mcp/ in its address";
    }
    /// A peer at the tool servers' address sends requests of robots.
    tool_asks(method: &str) {
        zh: "工具端不应发送 {method} 请求。若这是小智端或 MCP 客户端，请把地址中的 /mcp/ 改为 /call/";
        en: "a tool server should not send {method} requests. If this is a robot or an MCP client, change /mcp/ to /call/ in its address";
    }
    /// A tool server's answer cannot be read.
    tool_answer_unreadable(fault: &str) {
        zh: "答复无法读取: {fault}。对应的请求已收到错误答复 -32002";
        en: "sent a response that cannot be read: {fault}. The request was answered with error -32002";
    }
    /// A tool server sends text that is not a message.
    tool_text_unreadable(fault: &str) {
        zh: "发来的内容不是 JSON-RPC 消息，已忽略: {fault} (程序的日志请输出到 stderr)";
        en: "sent text that is not a JSON-RPC message, ignored: {fault} (a program must log to stderr)";
    }
    /// A tool server sends a response that nobody waits for; `said` is its error.
    tool_reply_dropped(id: &str, said: &str) {
        zh: "答复 (id {id}) 没有对应的未完成请求，已丢弃: 来得太晚、重复发送，或从未有过这个请求{said}";
        en: "sent a response (id {id}) that belongs to no request in flight, dropped: it is late, or a second one, or there was no such request{said}";
    }
    /// Two servers offer the same name.
    name_conflict(agent: &str, noun: &str, name: &str, label: &str, offered: &str) {
        zh: "[agent {agent:?}] 名称冲突: {label:?} 的 {noun} {name:?} 已被其他工具端占用，改以 {offered:?} 提供";
        en: "[agent {agent:?}] name conflict: another tool server has the {noun} {name:?} already; that of {label:?} is offered as {offered:?}";
    }
    /// A pattern of the selection that picks nothing.
    unused_pattern(agent: &str, pattern: &str, nearest: &str) {
        zh: "[agent {agent:?}] 工具选择文件中的 {pattern:?} 没有匹配任何工具；最接近的工具是 {nearest:?}";
        en: "[agent {agent:?}] {pattern:?} in the selection file matches no tool; the nearest one is {nearest:?}";
    }
    /// An agent has more tools than are good for a model.
    many_tools(agent: &str, count: usize, most: usize) {
        zh: "[agent {agent:?}] 提供 {count} 个工具，超过 warn_above = {most}: 工具越多，大模型越容易选错。请在状态页或工具选择文件中隐藏用不到的工具";
        en: "[agent {agent:?}] offers {count} tools, more than warn_above = {most}. A model chooses worse with every tool it does not need: hide some on the status page or in the selection file";
    }
    /// Many servers offer the same names.
    more_conflicts(agent: &str, count: usize) {
        zh: "[agent {agent:?}] 还有 {count} 处名称冲突";
        en: "[agent {agent:?}] more name conflicts: {count}";
    }
    /// What is wrong with a tool server.
    handshake_refused(error: &str) {
        zh: "initialize 被拒绝: {error}";
        en: "initialize was refused: {error}";
    }
    /// What is wrong with a tool server.
    handshake_silent() {
        zh: "initialize 多次未得到答复，请检查工具端程序是否在运行";
        en: "initialize was sent several times and never answered; check that the tool server's program runs";
    }
    /// What is wrong with a tool server.
    list_refused(method: &str, error: &str) {
        zh: "{method} 被拒绝: {error}";
        en: "{method} was refused: {error}";
    }
    /// What is wrong with a tool server.
    list_silent(method: &str) { zh: "{method} 未得到答复"; en: "{method} was not answered"; }
    /// A tool server's first list is late.
    tools_awaited() {
        zh: "尚未答复 tools/list，将再次询问；在它答复之前，小智端看不到它的工具";
        en: "has not answered tools/list yet and is asked again; robots see its tools when it answers";
    }
    /// A tool server has not answered any request for its first list.
    tools_not_listed() {
        zh: "多次询问 tools/list 均未答复，状态保持 listing；迟到的答复仍然有效，小智端请求工具列表时会再次询问";
        en: "has not answered tools/list after several requests and stays `listing`; a late answer still counts, and it is asked again when a robot lists tools";
    }
    /// What is wrong with a tool server.
    list_too_long(method: &str) {
        zh: "{method} 的分页没有尽头，其余部分被忽略";
        en: "{method} has endless pages; the rest is ignored";
    }
    /// What is wrong with a tool server's list: the member that holds the list is something else.
    list_odd(method: &str, member: &str, odd: &str) {
        zh: "{method} 的答复中 {member} 是 {odd}，不是列表";
        en: "the answer to {method} has no list: {member} is {odd}";
    }
    /// What is wrong with a tool server's list: the member that holds the list is missing.
    list_missing(method: &str, member: &str) {
        zh: "{method} 的答复中没有 {member}";
        en: "the answer to {method} has no list: {member} is missing";
    }
    /// What is wrong with a tool server's list: the answer is something else.
    list_replaced(method: &str, odd: &str) {
        zh: "{method} 的答复是 {odd}，不是列表";
        en: "answered {method} with {odd} in place of a list";
    }
    /// A tool server sends more notifications than are forwarded.
    notifications_dropped() {
        zh: "发送的通知过多，超出部分未转发给小智端 (发给所有小智端合计每秒约 8 MB)";
        en: "sends too many notifications; what exceeds about 8 MB a second for all robots together is dropped";
    }
    /// There is no memory for what a tool server answered.
    no_memory(method: &str) {
        zh: "{method} 的答复未保存: 内存已达上限 (memory_limit)";
        en: "the answer to {method} is not kept: no memory is left (memory_limit)";
    }
    /// The lists of a tool server were dropped.
    lists_gave_way() {
        zh: "内存已达上限 (memory_limit)，而该智能体占用最多: 已丢弃该工具端的各类列表，它仍保持连接。请减少工具数量或调大 memory_limit";
        en: "memory_limit is reached, and this agent uses the most: the lists of this tool server are dropped, and it stays connected. Offer fewer tools, or raise memory_limit";
    }
    /// A list of a tool server has more items than are kept.
    list_cut(method: &str, kept: usize) {
        zh: "{method} 的列表过大，只保留 {kept} 项，其余被忽略 (每个列表最多 2000 项、4 MiB，每项最多嵌套 128 层)";
        en: "{method} is too large: items kept: {kept}, the rest is ignored (a list may have 2,000 items, 4 MiB, and 128 levels of nesting in an item)";
    }
    /// All tool servers of an agent together have more items than it offers.
    agent_full(method: &str, left_out: usize) {
        zh: "该智能体已满 (最多 8000 项、16 MiB)，{method} 中有 {left_out} 项未提供给小智端";
        en: "this agent is full (at most 8,000 items and 16 MiB): items of {method} that are not offered to robots: {left_out}";
    }
    /// A member of a tool server's answer to `initialize` is too large.
    hello_cut(member: &str) {
        zh: "initialize 的答复过大，{member} 等内容被忽略 (capabilities 最多 16 KiB，其余最多 64 KiB)";
        en: "the answer to initialize is too large: {member} is left out (at most 16 KiB of capabilities and 64 KiB of the rest are kept)";
    }
    /// What is wrong with a tool server.
    nameless(method: &str, count: usize) {
        zh: "{method} 中有 {count} 项没有名称，已忽略";
        en: "{method} has items without a name; items ignored: {count}";
    }
    /// What is wrong with a tool server.
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
        en: "the log file can be written again; lines lost: {count}";
    }
    /// The terminal or the log file takes lines too slowly, or did not take them.
    log_lines_dropped(count: u32) {
        zh: "此处丢失 {count} 行日志: 终端或日志文件写入过慢或失败";
        en: "log lines are missing here: {count}. The terminal or the log file was too slow or failed";
    }
    /// The log file cannot be written. Told on the terminal.
    log_file_fails(file: impl Display, error: impl Display) {
        zh: "无法写入日志文件 {file}: {error}；服务器继续运行，稍后重试，请检查磁盘空间与权限";
        en: "the log file {file} cannot be written: {error}; the server continues and tries again later. Check disk space and permissions";
    }
    /// The server listens.
    listening(address: impl Display) {
        zh: "正在监听 {address}";
        en: "listening on {address}";
    }
    /// The server cannot listen.
    cannot_listen(host: &str, port: u16, error: &std::io::Error) {
        zh: "无法监听 {host}:{port}: {error}。请检查 [server] host 与 port，或该端口是否已被占用";
        en: "cannot listen on {host}:{port}: {error}. Check [server] host and port, and whether another program uses the port";
    }
    /// An agent has as many connections as it may have.
    agent_is_full(agent: &str, limit: usize) {
        zh: "智能体 {agent} 的连接数已达上限 {limit} (503)；已有连接和其他智能体不受影响。可调整 [websocket] max_connections_per_agent";
        en: "agent {agent} has reached its limit of {limit} connections (503); open connections and other agents are not affected. The limit is [websocket] max_connections_per_agent";
    }
    /// A connection was cut because its owner held the most memory.
    memory_cut(limit: &str, all: &str, held: &str) {
        zh: "的连接被切断: 内存额度 {limit} 已用尽，而这一方占用最多，共 {all}，其中该连接占 {held}。通常是对端读取太慢，或消息太大；必要时请调大 memory_limit";
        en: "was cut: memory_limit ({limit}) is reached, and the owner of this connection uses the most memory, {all} in all, of which this connection holds {held}. Usually a peer reads too slowly, or messages are too large; if the load is intended, raise memory_limit";
    }
    /// accept(2) fails for a reason not listed here.
    cannot_accept(error: &std::io::Error, count: u32) {
        zh: "暂时无法接受新连接: {error}。已有连接不受影响，每半秒重试一次 (上次提示以来 {count} 次)";
        en: "cannot accept new connections at the moment: {error}. Open connections are not affected; the server tries again every half second ({count} since the last such message)";
    }
    /// No descriptor is left for a new connection.
    no_descriptors(error: &std::io::Error, count: u32) {
        zh: "暂时无法接受新连接: {error}。请检查文件描述符上限 (ulimit -n，systemd 用 LimitNOFILE)；有空余后会自动恢复 (上次提示以来 {count} 次)";
        en: "cannot accept new connections at the moment: {error}. Check the limit of open files (ulimit -n, LimitNOFILE with systemd); the server resumes by itself ({count} since the last such message)";
    }
    /// The system has no memory for a new connection.
    no_socket_memory(error: &std::io::Error, count: u32) {
        zh: "暂时无法接受新连接: {error}。系统没有足够内存用于套接字，请释放内存或调小 max_connections；有空余后会自动恢复 (上次提示以来 {count} 次)";
        en: "cannot accept new connections at the moment: {error}. The system has no memory left for sockets; free some, or lower max_connections. The server resumes by itself ({count} since the last such message)";
    }
    /// A connection failed before it was accepted.
    lost_before_accepted(error: &std::io::Error, count: u32) {
        zh: "有连接在被接受之前就已失败: {error}。其他连接不受影响；若反复出现，请检查网络与防火墙 (上次提示以来 {count} 次)";
        en: "a connection failed before it was accepted: {error}. Other connections are not affected; if this happens often, check the network and the firewall ({count} since the last such message)";
    }
    /// The limit of open files is lower than that of connections.
    few_descriptors(wanted: usize, room: u64) {
        zh: "系统允许打开的文件数只够约 {room} 个连接，少于 max_connections = {wanted}。请调高 ulimit -n (systemd 用 LimitNOFILE)，或调小 max_connections";
        en: "the limit of open files leaves room for about {room} connections, fewer than max_connections = {wanted}. Raise ulimit -n (LimitNOFILE with systemd), or lower max_connections";
    }
    /// Somebody was refused.
    refused(address: impl Display, why: &str, count: u32) {
        zh: "[{address}] 连接被拒绝: {why} (上次提示以来 {count} 次；同样的情况一分钟内不再提示)";
        en: "[{address}] refused: {why} ({count} since the last such message; at most one a minute)";
    }
    /// There were too many cases to log each.
    others_unsaid(count: u32) {
        zh: "此前另有 {count} 次同类情况，因为太多而没有逐条写入日志";
        en: "cases of this kind that came before and were not logged one by one, because there were too many: {count}";
    }
    /// A binary frame was ignored.
    binary_ignored(peer: impl Display, address: impl Display, count: u32) {
        zh: "[{peer} {address}] 忽略了内容不是 UTF-8 文本的二进制帧: 请用文本帧发送 JSON-RPC 消息 (上次提示以来 {count} 次；一分钟内不再提示)";
        en: "[{peer} {address}] ignored a binary frame that is not UTF-8 text: send JSON-RPC in text frames ({count} since the last such message; at most one a minute)";
    }
    /// A binary frame was read as text.
    binary_read(peer: impl Display, address: impl Display, count: u32) {
        zh: "[{peer} {address}] 收到二进制帧，已按文本读取: 请用文本帧发送 JSON-RPC 消息 (上次提示以来 {count} 次；一分钟内不再提示)";
        en: "[{peer} {address}] read a binary frame as text: send JSON-RPC in text frames ({count} since the last such message; at most one a minute)";
    }
    /// The server stops.
    stopping(open: usize) {
        zh: "正在停止，关闭 {open} 个连接";
        en: "stopping; connections to close: {open}";
    }
    /// The service manager cannot be told that the server is ready.
    cannot_notify(error: &std::io::Error) {
        zh: "无法通知服务管理器 (NOTIFY_SOCKET): {error}。服务照常运行，但 systemd 可能认为它没有启动而将其停止；请检查 NotifyAccess 与 RestrictAddressFamilies (需要 AF_UNIX)，或改用 Type=exec";
        en: "cannot tell the service manager that the server is ready (NOTIFY_SOCKET): {error}. The server works, but systemd may take it for not started and stop it; check NotifyAccess and RestrictAddressFamilies (AF_UNIX is needed), or use Type=exec";
    }
    /// The loop ended with an error.
    cannot_go_on(error: &std::io::Error) {
        zh: "无法继续运行: {error}";
        en: "cannot continue: {error}";
    }
}
