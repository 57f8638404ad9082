//! The table of options: one row each.
//!
//! Reading, error messages, the sample file, `--help` and the tables in docs/reference.md are all made from
//! these rows, so an option is added, or explained better, here and nowhere else. A line break in
//! an explanation is a line break in the sample file.

use super::row::ROW;
pub use super::row::{Row, VARIABLES};
use super::value;
pub use super::value::Kind;
use crate::text::Language;
use std::time::Duration;

/// The row of `key` in `section`, in any case.
pub fn row(section: &str, key: &str) -> Option<&'static Row> {
    let wanted =
        |row: &&Row| row.section.eq_ignore_ascii_case(section) && row.key.eq_ignore_ascii_case(key);
    TABLE.iter().find(wanted)
}

/// A section: its name, what it is about, in Chinese and in English.
pub const SECTIONS: [(&str, &str, &str); 6] = [
    ("server", "服务器", "The server"),
    ("websocket", "连接与限额", "Connections and limits"),
    ("relay", "消息转发", "The relay between tools and robots"),
    ("tools", "工具", "Tools"),
    ("security", "浏览器访问", "Access from browsers"),
    ("logging", "日志文件", "The log file"),
];

const KB: u64 = 1 << 10;
const MB: u64 = 1 << 20;
const GB: u64 = 1 << 30;
const TB: u64 = 1 << 40;

/// A size or a number in memory; what cannot be addressed at all is as good as no limit.
fn fit<N: TryInto<usize>>(number: N) -> usize {
    number.try_into().unwrap_or(usize::MAX)
}

/// An interval of which 0 means never.
fn unless_zero(time: Duration) -> Option<Duration> {
    (!time.is_zero()).then_some(time)
}

/// Every option there is, in the order of the sample file.
pub static TABLE: &[Row] = &[
    Row {
        section: "server",
        key: "host",
        default: "127.0.0.1",
        kind: Kind::Text {
            accepted: Language::accepted_host,
            set: |s, text| value::host(text).map(|host| s.server.host = host),
        },
        zh: "监听地址：IPv4、IPv6 或主机名；:: 同时监听 IPv4 与 IPv6。\n\
             127.0.0.1 只接受本机连接；局域网中的设备要连接，请改为 0.0.0.0。修改后需重启。",
        en: "Where to listen: an IPv4 or IPv6 address or a name; :: takes both families.\n\
             127.0.0.1 lets only this machine in; for devices on the network set 0.0.0.0. Needs a restart.",
        option: Some("host"),
        ..ROW
    },
    Row {
        section: "server",
        key: "port",
        default: "8004",
        kind: Kind::Count {
            least: 0,
            most: 65_535,
            set: |s, port| s.server.port = u16::try_from(port).unwrap_or_default(),
        },
        zh: "监听端口；0 = 由系统选一个空闲端口。\n修改后需重启。",
        en: "The port to listen on; 0 = the system chooses a free one.\nNeeds a restart.",
        option: Some("port"),
        ..ROW
    },
    Row {
        section: "server",
        key: "debug",
        default: "false",
        kind: Kind::Switch(|s, on| {
            s.server.debug = on;
            s.relay.debug = on;
        }),
        zh: "true = 日志级别为 DEBUG，并把消息正文写入日志。正文可能含有隐私，用完请关闭。",
        en: "true = log at level DEBUG, message bodies included. Bodies can be private: switch it off again.",
        ..ROW
    },
    Row {
        section: "server",
        key: "log_level",
        default: "INFO",
        kind: Kind::Text {
            accepted: Language::accepted_level,
            set: |s, text| value::level(text).map(|level| s.server.log_level = level),
        },
        zh: "写入日志的最低级别；debug = true 时固定为 DEBUG。",
        en: "The least important level that is logged; debug = true makes it DEBUG.",
        ..ROW
    },
    Row {
        section: "server",
        key: "key",
        default: "",
        kind: Kind::Text {
            accepted: Language::accepted_key,
            set: |s, text| value::key(text).map(|key| s.server.key = key),
        },
        zh: "密钥，至少 32 个字符；为空或过短时，启动时自动生成并写回此处。\n\
             更换密钥后，所有旧的接入点地址立即失效（以 1008 拒绝）。",
        en: "The key, at least 32 characters; where it is absent or shorter, one is made at the start and written here.\n\
             With another key all addresses given out before are refused (1008).",
        ..ROW
    },
    Row {
        section: "server",
        key: "public_url",
        default: "",
        kind: Kind::Text {
            accepted: Language::accepted_public_url,
            set: |s, text| value::public_url(text).map(|url| s.server.public_url = url),
        },
        zh: "启动时打印的对外地址，如 https://mcp.example.com；为空 = 自动猜测本机地址。",
        en: "The address start-up prints, such as https://mcp.example.com; empty = guess the one of this machine.",
        may_be_empty: true,
        ..ROW
    },
    Row {
        section: "server",
        key: "path_prefix",
        default: "",
        kind: Kind::Text {
            accepted: Language::accepted_path_prefix,
            set: |s, text| value::path_prefix(text).map(|prefix| s.server.path_prefix = prefix),
        },
        zh: "反向代理保留的路径前缀，如 /foo：所有路径在该前缀下同样可用；为空 = 没有前缀。",
        en: "A prefix a proxy keeps before our paths, such as /foo: every path answers under it, too; empty = none.",
        may_be_empty: true,
        ..ROW
    },
    Row {
        section: "server",
        key: "language",
        default: "auto",
        kind: Kind::Text {
            accepted: Language::accepted_language,
            set: |s, text| {
                // What `auto` is, is seen where the environment is known.
                s.speak(value::language(text)?.unwrap_or_default());
                Some(())
            },
        },
        zh: "日志与错误信息的语言：zh、en，或 auto = LC_ALL、LC_MESSAGES 或 LANG 为英文时用英文，否则用中文。",
        en: "The language of the log and of errors: zh, en, or auto = English where LC_ALL, LC_MESSAGES or LANG says so, else Chinese.",
        option: Some("language"),
        ..ROW
    },
    Row {
        section: "websocket",
        key: "max_connections",
        default: "1000",
        kind: Kind::Count {
            least: 1,
            most: 1_000_000,
            set: |s, count| s.websocket.max_connections = fit(count),
        },
        zh: "最多同时打开的连接数。超出后新连接得到 HTTP 503 并被关闭，已有连接不受影响。",
        en: "How many connections may be open. Beyond it a new one gets HTTP 503 and is closed; the others stay.",
        ..ROW
    },
    Row {
        section: "websocket",
        key: "max_connections_per_agent",
        default: "0",
        kind: Kind::Count {
            least: 0,
            most: 1_000_000,
            set: |s, count| s.websocket.max_connections_per_agent = fit(count),
        },
        zh: "同一智能体 (同一 token) 最多同时打开的连接数，超出后新连接得到 HTTP 503；0 = max_connections 的十分之九。",
        en: "How many connections one agent may have open; beyond it a new one gets HTTP 503. 0 = nine tenths of max_connections.",
        ..ROW
    },
    Row {
        section: "websocket",
        key: "ping_interval",
        default: "30",
        kind: Kind::Seconds {
            zero: true,
            set: |s, time| s.websocket.ping_interval = unless_zero(time),
        },
        zh: "对方沉默多少秒后向它发送 WebSocket ping；0 = 从不发送。",
        en: "Seconds of silence after which a peer is sent a WebSocket ping; 0 = never.",
        ..ROW
    },
    Row {
        section: "websocket",
        key: "ping_timeout",
        default: "10",
        kind: Kind::Seconds { zero: false, set: |s, time| s.websocket.ping_timeout = time },
        zh: "ping 之后多少秒仍无任何数据，就以 1011 关闭连接。\n\
             发送队列已满的对方在这么久内什么也没有读取时，同样关闭。",
        en: "Seconds a pinged peer may stay silent before it is closed with 1011.\n\
             So is one whose queue is full and which has taken nothing for as long.",
        ..ROW
    },
    Row {
        section: "websocket",
        key: "close_timeout",
        default: "10",
        kind: Kind::Seconds { zero: false, set: |s, time| s.websocket.close_timeout = time },
        zh: "关闭握手最多等待的秒数，之后直接断开；停止服务器时也最多等待这么久。",
        en: "Seconds a closing handshake may take before the connection is cut; the stop of the server, too.",
        ..ROW
    },
    Row {
        section: "websocket",
        key: "handshake_timeout",
        default: "10",
        kind: Kind::Seconds { zero: false, set: |s, time| s.websocket.handshake_timeout = time },
        zh: "整个 HTTP 请求头必须在多少秒内到齐，否则连接被关闭。",
        en: "Seconds within which the whole HTTP head must be in; otherwise the connection is closed.",
        ..ROW
    },
    Row {
        section: "websocket",
        key: "max_message_size",
        default: "16MB",
        kind: Kind::Bytes {
            zero: false,
            least: KB,
            most: GB,
            set: |s, bytes| s.websocket.max_message_size = fit(bytes),
        },
        zh: "对方单条消息的最大长度；更长的消息使其连接以 1009 关闭。",
        en: "The largest message a peer may send; a larger one closes its connection with 1009.",
        ..ROW
    },
    Row {
        section: "websocket",
        key: "max_queued",
        default: "16MB",
        kind: Kind::Bytes {
            zero: false,
            least: KB,
            most: GB,
            set: |s, bytes| {
                s.websocket.max_queued = fit(bytes);
                s.relay.max_held = fit(bytes);
            },
        },
        zh: "每个连接的发送队列上限；队列满后，发往它的请求立即得到错误 -32002。",
        en: "How much may wait for one connection; then requests for it are answered -32002 at once.",
        ..ROW
    },
    Row {
        section: "websocket",
        key: "memory_limit",
        default: "64MB",
        kind: Kind::Bytes {
            zero: false,
            least: MB,
            most: TB,
            set: |s, bytes| {
                s.websocket.memory_limit = fit(bytes);
                s.relay.max_kept = fit(bytes / 2);
            },
        },
        zh: "为各连接保留的内存总额度 (发送队列、未收完的消息、等待中的请求、工具目录等)；用尽时由占用最多的一方 (智能体或来源地址) 让出。",
        en: "All memory kept on behalf of peers (queues, half-read messages, waiting requests, catalogues); when it is reached, the owner that holds the most, an agent or an address, gives way.",
        ..ROW
    },
    Row {
        section: "relay",
        key: "handshake",
        default: "true",
        kind: Kind::Switch(|s, on| s.relay.handshake = on),
        zh: "true = 由服务器与每个工具端完成 MCP 初始化，并合并它们的工具列表。\n\
             false = 透明转发：不主动向工具端发送任何消息。",
        en: "true = the server initialises every tool itself and merges their lists.\n\
             false = transparent: nothing is sent to a tool unasked.",
        ..ROW
    },
    Row {
        section: "relay",
        key: "handshake_timeout",
        default: "10",
        kind: Kind::Seconds { zero: false, set: |s, time| s.relay.handshake_timeout = time },
        zh: "等待工具端答复 initialize 的秒数；最多再发三次，仍无答复的工具端保持连接，\n\
             只接收无法转给其他工具端的请求。",
        en: "Seconds a tool may take to answer initialize. It is asked again up to three times; one that never answers\n\
             stays connected and gets what can be sent to nobody else.",
        ..ROW
    },
    Row {
        section: "relay",
        key: "tool_ping_interval",
        default: "50",
        kind: Kind::Seconds {
            zero: true,
            set: |s, time| s.relay.tool_ping_interval = unless_zero(time),
        },
        zh: "每隔多少秒向工具端发送一次 MCP ping（单片机靠它保持连接）；0 = 从不发送。",
        en: "Seconds between MCP pings to a tool (microcontrollers live on them); 0 = never.",
        ..ROW
    },
    Row {
        section: "relay",
        key: "request_timeout",
        default: "300",
        kind: Kind::Seconds { zero: false, set: |s, time| s.relay.request_timeout = time },
        zh: "请求等待工具端答复的秒数，收到进度通知则重新计时；超时得到错误 -32005。",
        en: "Seconds a request may stay unanswered, anew with each progress; then it is answered -32005.",
        ..ROW
    },
    Row {
        section: "relay",
        key: "reconnect_grace",
        default: "5",
        kind: Kind::Seconds { zero: true, set: |s, time| s.relay.reconnect_grace = time },
        zh: "工具端断开后，新请求等待它重连的秒数，过后得到错误 -32001；0 = 不等待。",
        en: "Seconds new requests wait for a tool that went, before they are answered -32001; 0 = not at all.",
        ..ROW
    },
    Row {
        section: "relay",
        key: "max_in_flight",
        default: "1024",
        kind: Kind::Count {
            least: 1,
            most: 1_000_000,
            set: |s, count| s.relay.max_in_flight = fit(count),
        },
        zh: "每个小智端同时未答复的请求数上限；超出的请求立即得到错误 -32002。",
        en: "How many requests of one robot may be unanswered; a further one is answered -32002 at once.",
        ..ROW
    },
    Row {
        section: "relay",
        key: "quirks",
        default: "true",
        kind: Kind::Switch(|s, on| s.relay.quirks = on),
        zh: "照顾已知客户端的特殊行为：会话中途接入的工具也能看到，失败原因能够显示，嵌套的参数定义 ($ref) 和多段结果都能读全。",
        en: "Kindness to known clients: they see tools that arrive late, why a call failed, parameters defined by $ref,\n\
             and all texts of a result.",
        ..ROW
    },
    Row {
        section: "tools",
        key: "servers_file",
        default: "data/mcp_config.json",
        kind: Kind::Text {
            accepted: Language::accepted_file,
            set: |s, text| value::file(text, &mut s.tools.servers_file),
        },
        zh: "列出由本程序运行的工具端的 JSON 文件 (mcpServers，格式与 Claude Desktop、Cursor 相同)；为空 = 不使用。",
        en: "The JSON file with the tool servers that this program runs (mcpServers, as for Claude Desktop and Cursor); empty = none.",
        option: Some("servers"),
        may_be_empty: true,
    },
    Row {
        section: "tools",
        key: "selection_file",
        default: "data/tools.json",
        kind: Kind::Text {
            accepted: Language::accepted_file,
            set: |s, text| value::file(text, &mut s.tools.selection_file),
        },
        zh: "工具选择文件 (JSON)：每个智能体提供哪些工具，以什么名称和说明提供，可在状态页上修改。\n\
             文件不存在或为空 = 提供全部工具。",
        en: "The selection file (JSON): which tools each agent offers, under which names and descriptions; the status page writes it.\n\
             No such file, or empty = every tool is offered.",
        may_be_empty: true,
        ..ROW
    },
    Row {
        section: "tools",
        key: "warn_above",
        default: "40",
        kind: Kind::Count {
            least: 0,
            most: 1_000_000,
            set: |s, count| s.relay.warn_above = fit(count),
        },
        zh: "一个智能体提供的工具多于此数时，在日志和状态页中提醒：工具越多，大模型越容易选错；0 = 从不提醒。",
        en: "With more tools than this an agent is warned of in the log and on the status page: models choose worse with each; 0 = never.",
        ..ROW
    },
    Row {
        section: "security",
        key: "allowed_origins",
        default: "*",
        kind: Kind::Text {
            accepted: Language::accepted_origins,
            set: |s, text| {
                value::origins(text).map(|origins| s.security.allowed_origins = origins)
            },
        },
        zh: "允许哪些网页来源访问，以逗号分隔；* = 全部。其他来源的 WebSocket 连接得到 403；\n\
             不带 Origin 的程序和设备不受限制。",
        en: "Whose web pages may connect, between commas; * = all. A WebSocket from another origin gets 403;\n\
             programs and devices, which send no Origin, are always let in.",
        ..ROW
    },
    Row {
        section: "security",
        key: "enable_cors",
        default: "true",
        kind: Kind::Switch(|s, on| s.security.enable_cors = on),
        zh: "true = 发送 CORS 响应头，使上述来源的网页可以读取 HTTP 接口。",
        en: "true = send CORS headers, so that pages of these origins can read the HTTP answers.",
        ..ROW
    },
    Row {
        section: "security",
        key: "trusted_proxies",
        default: "127.0.0.1, ::1",
        kind: Kind::Text {
            accepted: Language::accepted_networks,
            set: |s, text| {
                value::networks(text).map(|networks| s.security.trusted_proxies = networks)
            },
        },
        zh: "相信哪些反向代理的 X-Forwarded-For，以逗号分隔；为空 = 都不相信。\n\
             日志与拒绝限速由此按真实客户端区分；不在此列的代理，其所有客户端被视为同一地址。",
        en: "Proxies whose X-Forwarded-For is believed, between commas; empty = none.\n\
             Log and refusals so tell the clients apart; all clients of another proxy are taken for one.",
        may_be_empty: true,
        ..ROW
    },
    Row {
        section: "logging",
        key: "log_file",
        default: "logs/mcp_server.log",
        kind: Kind::Text {
            accepted: Language::accepted_file,
            set: |s, text| value::file(text, &mut s.logging.log_file),
        },
        zh: "日志文件；为空 = 不写文件，只输出到终端。",
        en: "The log file; empty = none, the terminal only.",
        may_be_empty: true,
        ..ROW
    },
    Row {
        section: "logging",
        key: "max_file_size",
        default: "10MB",
        kind: Kind::Bytes {
            zero: true,
            least: KB,
            most: TB,
            set: |s, bytes| s.logging.max_file_size = bytes,
        },
        zh: "日志文件达到此大小后改名为 .1、.2……并另起新文件；0 = 不限大小。",
        en: "At this size the file is put aside as .1, .2, … and a new one begun; 0 = it grows forever.",
        ..ROW
    },
    Row {
        section: "logging",
        key: "backup_count",
        default: "5",
        kind: Kind::Count {
            least: 0,
            most: 1000,
            set: |s, count| s.logging.backup_count = fit(count),
        },
        zh: "保留多少个旧日志文件；0 = 不保留，写满后清空重写。",
        en: "How many files put aside are kept; 0 = none, a full file is emptied.",
        ..ROW
    },
];

#[cfg(test)]
mod tests;
