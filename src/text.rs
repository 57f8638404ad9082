//! Every sentence a person reads, in Chinese and in English.
//!
//! A sentence is a method of [`Language`]. What happened comes first, then why, then what to do.

use crate::close::{CloseReason, FrameError, RefusalReason};
use jsonrpc::{Fault, FaultKind};
use std::fmt::Display;
use std::time::Duration;

/// The language of the sentences people read: `[server] language`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Language {
    /// 中文, the default.
    #[default]
    Zh,
    /// English.
    En,
}

impl Language {
    /// What is wrong with a text that is no message, and where.
    pub fn fault(self, fault: Fault) -> String {
        let what = match fault.kind {
            FaultKind::EndsEarly => self.fault_ends_early(),
            FaultKind::ControlCharacter => self.fault_control_character(),
            FaultKind::BadEscape => self.fault_bad_escape(),
            FaultKind::MoreBehind => self.fault_more_behind(),
            FaultKind::Unexpected => self.fault_unexpected(),
            FaultKind::NoObject => self.fault_no_object(),
            FaultKind::OddMember => self.fault_odd_member(),
            FaultKind::NoAnswer => self.fault_no_answer(),
        };
        self.fault_at(&what, fault.at)
    }
}

/// Writes each sentence once as a method: its name, what it is told, and the two wordings.
macro_rules! sentences {
    ($($(#[$doc:meta])* $name:ident($($arg:ident: $kind:ty),*) { zh: $zh:literal; en: $en:literal; })*) => {
        impl Language {
            $(sentences!(@one $(#[$doc])* $name($($arg: $kind),*) $zh, $en);)*
        }
    };
    // A sentence that is told nothing is not formatted, which keeps many of them small.
    (@one $(#[$doc:meta])* $name:ident() $zh:literal, $en:literal) => {
        $(#[$doc])*
        pub fn $name(self) -> String {
            self.owned(($zh, $en))
        }
    };
    (@one $(#[$doc:meta])* $name:ident($($arg:ident: $kind:ty),+) $zh:literal, $en:literal) => {
        $(#[$doc])*
        pub fn $name(self, $($arg: $kind),+) -> String {
            match self {
                Language::Zh => format!($zh),
                Language::En => format!($en),
            }
        }
    };
}

impl Language {
    fn either(self, (zh, en): (&'static str, &'static str)) -> &'static str {
        match self {
            Language::Zh => zh,
            Language::En => en,
        }
    }

    // Making a string of a text is as long as all else in such a sentence.
    #[inline(never)]
    fn owned(self, wordings: (&'static str, &'static str)) -> String {
        self.either(wordings).to_owned()
    }
}

// Connections and their ends.
impl Language {
    /// Why a connection ended.
    pub fn close_reason(self, reason: CloseReason) -> &'static str {
        self.either(match reason {
            CloseReason::TokenMissing => ("地址中没有 token 参数", "the address carries no token"),
            CloseReason::TokenUndecipherable => {
                ("token 无法用本机密钥解密", "the token was not made with this server's key")
            }
            CloseReason::TokenMalformed => {
                ("token 内容不是所要求的 JSON", "the token's content is not the JSON it should be")
            }
            CloseReason::TokenWithoutAgent => {
                ("token 中没有 agentId", "the token names no agentId")
            }
            CloseReason::Replaced => (
                "被同一 server_id 的新连接取代",
                "replaced by a newer connection of the same server_id",
            ),
            CloseReason::PeerClosed => ("对方关闭了连接", "closed by the peer"),
            CloseReason::PeerVanished => {
                ("对方未经关闭握手就断开", "the peer was gone without a closing hand-shake")
            }
            CloseReason::PingTimeout => ("心跳超时", "no sign of life within ping_timeout"),
            CloseReason::NotReading => ("对方不读取数据", "the peer does not read"),
            CloseReason::MemorySpent => {
                ("内存额度用尽", "memory_limit is reached and this queue was the largest")
            }
            CloseReason::ProtocolError => ("WebSocket 协议错误", "WebSocket protocol error"),
            CloseReason::BadUtf8 => ("文本不是有效的 UTF-8", "a text that is not UTF-8"),
            CloseReason::TooBig => {
                ("消息超过 max_message_size", "a message larger than max_message_size")
            }
            CloseReason::HeadTimeout => {
                ("请求头未在 handshake_timeout 内到齐", "the request head was not complete in time")
            }
            CloseReason::Answered => ("请求已答复", "answered"),
            CloseReason::ServerStops => ("服务器停止或重启", "the server stops or restarts"),
        })
    }
}

// Frames that break the protocol.
impl Language {
    /// What is wrong with a frame.
    pub fn frame_error(self, error: FrameError) -> &'static str {
        self.either(match error {
            FrameError::ReservedBits => (
                "帧的保留位不为 0 (没有协商任何扩展)",
                "a frame has a reserved bit set, and no extension was agreed on",
            ),
            FrameError::Opcode => ("帧的操作码无效", "a frame has an opcode that does not exist"),
            FrameError::Unmasked => ("帧没有掩码", "a frame is not masked"),
            FrameError::ControlInPieces => ("控制帧被分片", "a control frame comes in fragments"),
            FrameError::ControlTooLong => {
                ("控制帧超过 125 字节", "a control frame is longer than 125 bytes")
            }
            FrameError::NothingToContinue => {
                ("延续帧之前没有消息开头", "a continuation frame, and no message has begun")
            }
            FrameError::MessageInMessage => (
                "上一条消息的分片尚未结束就开始了新消息",
                "a message begins before the fragments of the last one have ended",
            ),
            FrameError::CloseTooShort => {
                ("关闭帧只有 1 个字节", "a close frame has one byte of payload")
            }
            FrameError::CloseCode(_) => {
                ("关闭帧带有不允许发送的状态码", "a close code that must not be sent")
            }
            FrameError::CloseNotUtf8 => {
                ("关闭帧的文字不是有效的 UTF-8", "the words of a close frame are not UTF-8")
            }
            FrameError::TextNotUtf8 => ("文本不是有效的 UTF-8", "a text that is not UTF-8"),
            FrameError::TooBig => {
                ("消息超过 max_message_size", "a message larger than max_message_size")
            }
        })
    }
}

// Connections that came to nothing: what was done wrong, and what to do.
impl Language {
    /// Why somebody was refused or turned away, for the log.
    pub fn refusal_reason(self, reason: RefusalReason) -> &'static str {
        self.either(match reason {
            RefusalReason::TokenMissing => (
                "地址中没有 token 参数。请复制完整的接入点地址；在命令行中请用引号括起来，否则 & 之后的内容会丢失",
                "the address carries no token. Copy the whole address; in a shell quote it, or all behind a & is lost",
            ),
            RefusalReason::ConsoleAddress => (
                "这是智控台的地址 (?key=…)，不是接入点地址。工具端和小智端请使用带 ?token=… 的 ws:// 地址",
                "this is the address for the console (?key=…). Tools and robots need the ws:// address with ?token=…",
            ),
            RefusalReason::KeyForToken => (
                "token 参数的值是一个密钥，而不是 token。请使用启动时打印或智控台显示的接入点地址",
                "a key stands where the token belongs. Use the address printed at start-up or shown by the console",
            ),
            RefusalReason::TokenMangled => (
                "token 不完整或被改动 (不是 Base64，或长度不对)。请重新复制完整的地址，并在命令行中用引号括起来",
                "the token is cut or mangled (no base64, or of a wrong length). Copy the whole address again, and quote it in a shell",
            ),
            RefusalReason::TokenOfAnotherKey => (
                "token 由另一个密钥生成: 本机密钥更换过，或者这是另一台服务器的地址。请使用由本机密钥生成的新地址",
                "the token was made with another key: the key here has changed, or the address is of another server. Make a new address",
            ),
            RefusalReason::TokenMalformed => (
                "token 解密后不是所要求的 JSON，应为 {\"agentId\": \"名称\"}。请检查生成 token 的程序",
                "the token's content is not the JSON it should be, {\"agentId\": \"NAME\"}. Look at what makes the token",
            ),
            RefusalReason::TokenWithoutAgent => (
                "token 中没有 agentId，或它为空、不是文本、超过 256 字节。请检查生成 token 的程序",
                "the token names no agentId, or one that is empty, no text or over 256 bytes. Look at what makes the token",
            ),
            RefusalReason::WrongKey => (
                "密钥无效或缺失。请使用启动时打印的智控台地址",
                "no key or a wrong one. Use the console address printed at start-up",
            ),
            RefusalReason::WrongPath => (
                "这个路径下没有任何东西 (404)：地址被改动过，或者被代理改写 (见 path_prefix)",
                "there is nothing at this path (404): the address was changed, by hand or by a proxy (see path_prefix)",
            ),
            RefusalReason::ForbiddenOrigin => (
                "不接受来自该网页的连接。若信任它，请把它的来源加入 [security] allowed_origins",
                "web pages of its origin may not connect. If you trust the page, add its origin to [security] allowed_origins",
            ),
            RefusalReason::NoUpgrade => (
                "以普通 HTTP 访问了 WebSocket 接入点。若经过反向代理，请让它转发 Upgrade 和 Connection 请求头",
                "a plain request to a WebSocket endpoint. If a proxy is in between, let it pass on the headers Upgrade and Connection",
            ),
            RefusalReason::TlsSpoken => (
                "对方使用 TLS (https:// 或 wss://)，而本端口只接受明文。请改用 ws://，或在前面设置反向代理",
                "the peer speaks TLS (https:// or wss://), this port does not. Use ws://, or put a proxy with TLS before it",
            ),
            RefusalReason::TooManyConnections => (
                "连接数已达上限，以 503 拒绝；已有连接不受影响。可调大 [websocket] max_connections",
                "there are as many connections as there may be, answered 503; the others stay. See [websocket] max_connections",
            ),
            RefusalReason::TooManyOfAgent => (
                "该智能体的连接数已达上限，以 503 拒绝；其他智能体不受影响。可调整 [websocket] max_connections_per_agent",
                "this agent has as many connections as one agent may have, answered 503; other agents are not affected. See [websocket] max_connections_per_agent",
            ),
            RefusalReason::GaveWay => (
                "连接位置已满，这个沉默最久且未出示 token 的连接被关闭，让位给新连接；已建立的连接不受影响。可调大 [websocket] max_connections",
                "all places are taken, and this connection, silent longest and without a token, was closed to make room; established connections stay. See [websocket] max_connections",
            ),
            RefusalReason::TooManySilent => (
                "同一地址上未出示 token 的连接超过 64 个，其中沉默最久的被关闭；其他地址不受影响。请检查该地址上的程序；若它是反向代理，请写入 [security] trusted_proxies",
                "more than 64 connections without a token are open from this address; the one silent longest is closed, other addresses are not affected. Look at the program there; if it is a proxy, name it in [security] trusted_proxies",
            ),
            RefusalReason::TooManyHeads => (
                "未到齐的请求头占用内存达到 [websocket] memory_limit 的四分之一，其中最旧的被关闭；已建立的连接不受影响",
                "incomplete request heads take a quarter of [websocket] memory_limit; the oldest one is closed, established connections are not affected",
            ),
            RefusalReason::HeadTooSlow => (
                "请求头未在 [websocket] handshake_timeout 内到齐。请检查网络和客户端",
                "the request head was not complete within [websocket] handshake_timeout. Look at the network and the client",
            ),
        })
    }
}

impl Language {
    /// A length of time as people say it, in one unit, rounded down.
    pub fn duration(self, time: Duration) -> String {
        match time.as_secs() {
            count @ 0..120 => self.seconds(count),
            count @ 120..7_200 => self.minutes(count / 60),
            count @ 7_200..172_800 => self.hours(count / 3600),
            count => self.days(count / 86_400),
        }
    }
}

sentences! {
    /// The two start-up lines keep their Chinese names in every language, since scripts look for
    /// them (docs/protocol.md#printed-addresses).
    console_address(address: impl Display) {
        zh: "智控台MCP参数配置: {address}";
        en: "智控台MCP参数配置: {address}";
    }
    /// The address a stand-alone deployment pastes into its tool.
    module_address(address: impl Display) {
        zh: "单模块部署MCP接入点: {address}";
        en: "单模块部署MCP接入点: {address}";
    }
    /// The page that shows everything, which asks for the key.
    page_address(address: impl Display) {
        zh: "状态页: {address}";
        en: "Status page: {address}";
    }
}

// Settings: what is wrong with the configuration.
sentences! {
    /// Where in a file.
    place_line(file: impl Display, line: usize) {
        zh: "{file} 第 {line} 行";
        en: "{file}, line {line}";
    }
    /// Where in the environment.
    place_variable(name: &str) {
        zh: "环境变量 {name}";
        en: "environment variable {name}";
    }
    /// Where on the command line.
    place_option(name: &str) {
        zh: "命令行选项 --{name}";
        en: "option --{name}";
    }
    /// A value that is not accepted.
    wrong_value(place: &str, section: &str, key: &str, value: &str, accepted: &str) {
        zh: "{place}: [{section}] {key} = {value} 无效，可接受的值: {accepted}";
        en: "{place}: [{section}] {key} = {value} is not accepted; accepted is: {accepted}";
    }
    /// A section nobody knows.
    unknown_section(place: &str, name: &str, nearest: &str) {
        zh: "{place}: 未知的小节 [{name}]，其内容被忽略；最接近的是 [{nearest}]";
        en: "{place}: unknown section [{name}], what it says is ignored; the nearest known one is [{nearest}]";
    }
    /// A key nobody knows.
    unknown_key(place: &str, section: &str, key: &str, near_section: &str, near_key: &str) {
        zh: "{place}: [{section}] 中没有选项 {key}，已忽略；最接近的是 [{near_section}] {near_key}";
        en: "{place}: [{section}] has no option {key}, it is ignored; the nearest known one is [{near_section}] {near_key}";
    }
    /// An environment variable that looks like one of ours.
    unknown_variable(name: &str, nearest: &str) {
        zh: "环境变量 {name} 不对应任何选项，已忽略；您要找的可能是 {nearest}";
        en: "environment variable {name} sets no option, it is ignored; perhaps {nearest} was meant";
    }
    /// An option that is set twice.
    said_twice(place: &str, section: &str, key: &str, earlier: usize) {
        zh: "{place}: [{section}] {key} 重复出现，以此处为准，第 {earlier} 行不起作用";
        en: "{place}: [{section}] {key} is set again; this one counts, line {earlier} does not";
    }
    /// `MCP_ENDPOINT_SERVER_PORT=tcp://…`
    port_of_a_service(name: &str) {
        zh: "环境变量 {name} 的值是 Kubernetes 或 Docker 注入的服务地址，不是端口，已忽略";
        en: "environment variable {name} holds the address of a Kubernetes or Docker service, not a port; it is ignored";
    }
    /// An address that some clients refuse.
    address_refused(key: &str) {
        zh: "[server] {key} 含有 key、call 或 /mcp/，一些客户端会拒绝这样的接入点地址；请换一个";
        en: "[server] {key} contains key, call or /mcp/; some clients refuse such an address: choose another";
    }
    /// Addresses that will not lead here.
    prefix_not_in_url(prefix: &str) {
        zh: "[server] public_url 不含 path_prefix ({prefix})，打印出的地址可能无法到达本服务器；请把前缀写进 public_url，如 https://mcp.example.com{prefix}";
        en: "[server] public_url does not end in path_prefix ({prefix}): the printed addresses may not lead here. Add it, as in https://mcp.example.com{prefix}";
    }
    /// Two limits of which one makes the other useless.
    limits_at_odds(smaller: &str, larger: &str) {
        zh: "[websocket] {smaller} 小于 {larger}：最大的消息将无法转发；请调大 {smaller}";
        en: "[websocket] {smaller} is less than {larger}: the largest messages cannot be passed on; raise {smaller}";
    }
    /// The file of `--config` is not there.
    config_missing(file: impl Display) {
        zh: "{file}: 配置文件不存在；请检查路径，或不带 -c 启动以自动创建";
        en: "{file}: there is no such configuration file; check the path, or start without -c to have one made";
    }
    /// It was there before, and is to be read again.
    config_gone(file: impl Display) {
        zh: "{file}: 配置文件已不存在；请把它放回原处，否则下次启动会新建配置并更换密钥";
        en: "{file}: the configuration file is gone; put it back, or the next start makes a new one with another key";
    }
    /// The system, or the parser, does not want to.
    config_unreadable(file: impl Display, error: impl Display) {
        zh: "{file}: 无法读取配置文件: {error}；请检查文件及其权限";
        en: "{file}: the configuration file cannot be read: {error}; check the file and its permissions";
    }
    /// A directory, a device, a pipe.
    config_not_a_file(file: impl Display) {
        zh: "{file}: 不是普通文件；配置文件必须是 INI 格式的文本文件";
        en: "{file}: this is not a regular file; the configuration must be a text file in INI format";
    }
    /// A folder where the configuration file belongs.
    config_is_a_folder(file: impl Display) {
        zh: "{file}: 这里是一个目录，应当是配置文件。挂载的文件不存在时，Docker 会建一个同名目录: 请停止容器并删除该目录，先建好文件再启动，或改为挂载整个 data 目录";
        en: "{file}: this is a folder and should be the configuration file. Docker makes such a folder where the file to mount is missing: stop the container, remove the folder, make the file and start again, or mount the folder data instead";
    }
    /// Why a file cannot be made: a link on the way to it leads nowhere.
    link_to_nowhere(link: impl Display, target: impl Display) {
        zh: "{link} 是一个链接，它指向的 {target} 不存在；请建好该目录，或删除这个链接";
        en: "{link} is a link to {target}, which does not exist: make that folder, or remove the link";
    }
    /// A file that holds the key and that everybody can read.
    key_for_all_to_see(file: impl Display, mode: u32) {
        zh: "{file} 中有密钥，而它的权限是 {mode:04o}，本机其他用户也能读取或改写；请执行: chmod 600 {file}";
        en: "{file} holds the key, and with mode {mode:04o} other users of this machine can read or change it; run: chmod 600 {file}";
    }
    /// Larger than any configuration is.
    config_too_large(file: impl Display) {
        zh: "{file}: 文件超过 1MB，不可能是配置文件；请检查路径";
        en: "{file}: the file is larger than 1MB, so it is no configuration; check the path";
    }
    /// GBK, UTF-16 and the like.
    config_not_utf8(file: impl Display, line: usize) {
        zh: "{file} 第 {line} 行: 文件不是 UTF-8 编码；请用 UTF-8 编码重新保存";
        en: "{file}, line {line}: the file is not in UTF-8; save it again in that encoding";
    }
    /// Anything but a text.
    config_binary(file: impl Display, line: usize) {
        zh: "{file} 第 {line} 行: 含有 NUL 字符，不是 UTF-8 文本文件；请检查路径，或用 UTF-8 编码重新保存";
        en: "{file}, line {line}: a NUL character, so this is no UTF-8 text; check the path, or save it again as UTF-8";
    }
    /// An entry before the first header.
    line_before_sections(file: impl Display, line: usize) {
        zh: "{file} 第 {line} 行: 选项出现在第一个小节之前；请在它前面加上 [server] 这样的小节名";
        en: "{file}, line {line}: an option stands before the first section; put a header such as [server] above it";
    }
    /// `[server`
    line_not_a_header(file: impl Display, line: usize) {
        zh: "{file} 第 {line} 行: 小节名不完整；应为单独一行的 [小节名]，如 [server]";
        en: "{file}, line {line}: not a section header; it must be [name] on a line of its own, such as [server]";
    }
    /// A line without `=`.
    line_not_an_entry(file: impl Display, line: usize) {
        zh: "{file} 第 {line} 行: 无法理解；每行应为 [小节名]、选项 = 值，或以 # 开头的注释";
        en: "{file}, line {line}: cannot be understood; a line must be [section], option = value, or a comment that begins with #";
    }
    /// The rest of them.
    more_such_lines(file: impl Display, count: usize) {
        zh: "{file}: 另有 {count} 行同样无法理解";
        en: "{file}: {count} more lines cannot be understood either";
    }
    /// The file was made.
    config_created(file: impl Display) {
        zh: "已创建配置文件 {file}";
        en: "the configuration file {file} was created";
    }
    /// The file could not be made.
    config_not_created(file: impl Display, error: impl Display) {
        zh: "无法创建配置文件 {file}: {error}；服务器以默认配置运行，请检查该目录的写权限";
        en: "the configuration file {file} cannot be created: {error}; the server runs on the defaults: see that its folder can be written";
    }
    /// A key was made and saved.
    key_saved(file: impl Display) {
        zh: "已生成新密钥并保存到 {file}";
        en: "a new key was made and saved in {file}";
    }
    /// A key was made and is lost at the next start.
    key_not_saved(file: impl Display, error: impl Display) {
        zh: "！！新生成的密钥无法保存到 {file}: {error}。它只在本次运行中有效，重启后所有接入点地址都会失效；请使该文件可写，或用环境变量 MCP_ENDPOINT_SERVER_KEY 指定密钥";
        en: "!! the new key cannot be saved in {file}: {error}. It lasts until the restart only; then all addresses change. Make the file writable, or set the key by MCP_ENDPOINT_SERVER_KEY";
    }
    /// The key of the file was replaced.
    key_was_short(least: usize) {
        zh: "[server] key 不足 {least} 个字符，已换成新生成的密钥；旧的接入点地址全部失效";
        en: "[server] key had fewer than {least} characters and was replaced by a new one; addresses given out before are refused";
    }
    /// While the server runs it keeps the key it has.
    key_stays(least: usize) {
        zh: "[server] key 不足 {least} 个字符，继续使用原有密钥；下次启动会生成新的密钥";
        en: "[server] key has fewer than {least} characters: the present key stays in use, and the next start makes a new one";
    }
    /// The key of the environment is used all the same.
    key_is_short(name: &str, least: usize) {
        zh: "环境变量 {name} 中的密钥不足 {least} 个字符，容易被猜中；请换用更长的密钥";
        en: "the key in the environment variable {name} has fewer than {least} characters and can be guessed; use a longer one";
    }
    /// The system has no random numbers.
    no_random_key(error: impl Display) {
        zh: "无法生成密钥，系统没有可用的随机数: {error}；请在配置文件的 [server] key 中写入至少 32 个字符";
        en: "no key can be made, the system gives no random numbers: {error}; write one of at least 32 characters into [server] key";
    }
    /// Yes or no.
    accepted_switch() {
        zh: "true 或 false";
        en: "true or false";
    }
    /// A whole number.
    accepted_count(least: u32, most: u32) {
        zh: "{least} 到 {most} 的整数";
        en: "a whole number from {least} to {most}";
    }
    /// A size.
    accepted_bytes(least: &str, most: &str) {
        zh: "{least} 到 {most} 的大小，写作 512KB、10MB、1GB；不带单位的数字是字节数";
        en: "a size from {least} to {most}, written 512KB, 10MB or 1GB; a number without a unit is bytes";
    }
    /// A size, or 0.
    accepted_bytes_or_zero(least: &str, most: &str) {
        zh: "0，或 {least} 到 {most} 的大小，写作 512KB、10MB、1GB；不带单位的数字是字节数";
        en: "0, or a size from {least} to {most}, written 512KB, 10MB or 1GB; a number without a unit is bytes";
    }
    /// A time.
    accepted_seconds() {
        zh: "0.1 到 86400 秒";
        en: "0.1 to 86400 seconds";
    }
    /// A time, or nothing.
    accepted_seconds_or_zero() {
        zh: "0，或 0.1 到 86400 秒";
        en: "0, or 0.1 to 86400 seconds";
    }
    /// `log_level`
    accepted_level() {
        zh: "DEBUG、INFO、WARNING、ERROR 或 CRITICAL";
        en: "DEBUG, INFO, WARNING, ERROR or CRITICAL";
    }
    /// `language`
    accepted_language() {
        zh: "auto、zh 或 en";
        en: "auto, zh or en";
    }
    /// `host`
    accepted_host() {
        zh: "IPv4 地址、IPv6 地址或主机名，不带端口";
        en: "an IPv4 or IPv6 address or a host name, without a port";
    }
    /// `key`
    accepted_key() {
        zh: "单行文本，或为空";
        en: "a text of one line, or nothing";
    }
    /// `public_url`
    accepted_public_url() {
        zh: "以 http://、https://、ws:// 或 wss:// 开头的地址，或为空";
        en: "an address that begins with http://, https://, ws:// or wss://, or nothing";
    }
    /// `path_prefix`
    accepted_path_prefix() {
        zh: "形如 /foo 的路径，或为空";
        en: "a path such as /foo, or nothing";
    }
    /// `allowed_origins`
    accepted_origins() {
        zh: "*，或以逗号分隔、形如 https://example.com 的来源";
        en: "*, or origins such as https://example.com between commas";
    }
    /// `trusted_proxies`
    accepted_networks() {
        zh: "以逗号分隔的 IP 地址或网段，如 10.0.0.0/8，或为空";
        en: "IP addresses or networks such as 10.0.0.0/8 between commas, or nothing";
    }
    /// `log_file`
    accepted_file() {
        zh: "文件路径，或为空；~ 不会展开成主目录，请写完整路径";
        en: "the path of a file, or nothing; ~ does not stand for the home folder here: write the whole path";
    }
    /// What is accepted, in the sample file.
    accepted_values(accepted: &str) {
        zh: "取值: {accepted}";
        en: "Accepted: {accepted}";
    }
    /// The head of the sample file.
    sample_introduction(file: &str) {
        zh: "mcp-endpoint-server 的配置。首次启动时复制为 {file}，请修改那一份。\n注释以 # 或 ; 开头。修改后重启，或发送 SIGHUP 重新读取。\n环境变量 MCP_ENDPOINT_<小节>_<选项> 优先于此文件，如 MCP_ENDPOINT_SERVER_PORT。";
        en: "The configuration of mcp-endpoint-server. The first start copies it to {file}: change that one.\nComments begin with # or ;. Restart after a change, or send SIGHUP to have it read again.\nEnvironment variables MCP_ENDPOINT_<SECTION>_<KEY>, such as MCP_ENDPOINT_SERVER_PORT, go first.";
    }
    /// The head of the table in the reference.
    markdown_head() {
        zh: "| 选项 | 默认值 | 取值 | 说明 |\n| --- | --- | --- | --- |\n";
        en: "| option | default | accepted | meaning |\n| --- | --- | --- | --- |\n";
    }
    /// In the table in the reference.
    no_default() {
        zh: "空";
        en: "empty";
    }
    /// `--help`
    help(version: &str, commands: &str, options: &str, file: &str) {
        zh: "mcp-endpoint-server {version}: 连接小智设备与 MCP 工具\n\n用法: mcp-endpoint-server [选项] [命令]；不带命令则运行服务器\n\n{commands}\n\n  -c, --config FILE        配置文件，默认 {file}\n{options}\n  -v, --verbose            日志级别 DEBUG，不含消息正文\n  -t, --test               只检查配置: 正确则以 0 退出，有拼错的名称以 1 退出，有错以 2 退出\n  -h, --help               显示本说明\n  -V, --version            显示版本号\n\n其余选项见配置文件；没有配置文件时，首次启动会创建一份带有说明的。\n每个选项也可由环境变量 MCP_ENDPOINT_<小节>_<选项> 设置。\n优先级: 命令行、环境变量、配置文件。\n";
        en: "mcp-endpoint-server {version}: where Xiaozhi devices and MCP tools meet\n\nUsage: mcp-endpoint-server [OPTIONS] [COMMAND]; without a command it runs the server\n\n{commands}\n\n  -c, --config FILE        The configuration file, {file} by default\n{options}\n  -v, --verbose            Log at level DEBUG, without message bodies\n  -t, --test               Only check the configuration: status 0 if it is right, 1 if a name is misspelt, 2 if it is wrong\n  -h, --help               Show this\n  -V, --version            Show the version\n\nEverything else is set in the configuration file; the first start makes one that explains itself.\nThe environment sets any option, too, as MCP_ENDPOINT_<SECTION>_<KEY>.\nOptions go before the environment, the environment before the file.\n";
    }
    /// In `--help`.
    help_token() {
        zh: "打印某个智能体的接入点地址，默认 single_module";
        en: "Print the addresses of an agent, single_module by default";
    }
    /// In `--help`.
    help_status() {
        zh: "显示运行中的服务器: 智能体、工具端、小智端、调用";
        en: "Show a running server: agents, tools, robots, calls";
    }
    /// In `--help`.
    help_doctor() {
        zh: "走一遍智控台、工具端和设备的连接过程，指出哪一步不通、怎么办";
        en: "Go the way of console, tool and device; say which step fails, and what to do";
    }
    /// In `--help`.
    help_health() {
        zh: "服务器正常则以 0 退出，否则以 1 退出";
        en: "Status 0 if the server is alive, 1 if not";
    }
    /// `--help`: reload.
    help_reload() {
        zh: "让运行中的服务器重新读取配置 (等同于 SIGHUP)";
        en: "Have the running server read its configuration again, as SIGHUP does";
    }
    /// A sub-command that was left out of this program.
    not_built_in() {
        zh: "此程序构建时未包含这个命令。请在另一台机器上用完整版检查本服务器: mcp-endpoint-server doctor http://地址:端口/";
        en: "this program was built without this command. A full one on another machine can ask this server: mcp-endpoint-server doctor http://HOST:PORT/";
    }
    /// A sub-command nobody knows.
    unknown_command(name: &str, nearest: &str) {
        zh: "没有命令 {name}；您要找的可能是 `{nearest}`。用 --help 查看用法";
        en: "there is no command {name}; perhaps `{nearest}` was meant. See --help";
    }
    /// A sub-command that is like none.
    strange_command(name: &str, known: &str) {
        zh: "没有命令 {name}；可用的命令: {known}。不带命令则启动服务器";
        en: "there is no command {name}; there are {known}. Without a command the server runs";
    }
    /// An option or argument nobody knows.
    unknown_option(option: &str) {
        zh: "未知的命令行参数 {option}；用 --help 查看用法";
        en: "unknown argument {option}; see --help";
    }
    /// `--port`
    option_without_value(option: &str) {
        zh: "命令行选项 {option} 缺少值；用 --help 查看用法";
        en: "option {option} needs a value; see --help";
    }
    /// `--test=1`
    option_with_value(option: &str) {
        zh: "命令行选项 {option} 不带值；用 --help 查看用法";
        en: "option {option} takes no value; see --help";
    }
    /// Anything else.
    option_unreadable(error: &str) {
        zh: "无法理解命令行: {error}；用 --help 查看用法";
        en: "the command line cannot be understood: {error}; see --help";
    }
}

// The log itself.
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
}

// Plain HTTP, tokens and addresses.
sentences! {
    /// A printed tool address that clients will refuse because of its host or prefix.
    address_unwelcome(word: &str) {
        zh: "小智端会拒绝打印出的工具端接入点地址：token 之外多了一个 `{word}`（它要求地址中 `/mcp/` 恰好出现一次，且不含 key 和 call）。请更换 public_url、path_prefix 或主机名";
        en: "clients will refuse the printed tool address: outside the token it has one `{word}` too many (they want `/mcp/` exactly once, and neither key nor call). Change public_url, path_prefix or the host name";
    }
    /// An address that is of no use to a device.
    address_loopback() {
        zh: "这个地址只能在服务器本机使用，其他设备无法连接。请设置 [server] host = 0.0.0.0 并重启，再用服务器的局域网地址打开本页";
        en: "This address works on the server's own machine only; devices cannot reach it. Set [server] host = 0.0.0.0, restart, and open the page by the machine's address in your network";
    }
    /// 400: no agent, or one that cannot be.
    agent_missing() { zh: "缺少或无效的 agent"; en: "the agent is missing or not valid"; }
    /// 400: what to do.
    agent_missing_details() {
        zh: "请在地址中给出 agent=智能体ID：UTF-8，最多 256 字节";
        en: "give agent=ID in the address: UTF-8, at most 256 bytes";
    }
    /// 401: what happened. Clients know the Chinese wording.
    key_refused() { zh: "密钥验证失败"; en: "the key was not accepted"; }
    /// 401: why, and what to do.
    key_refused_details() {
        zh: "提供的密钥无效或缺失";
        en: "the key is wrong or missing: send the one of [server] key, as ?key=… or as `Authorization: Bearer …`";
    }
    /// 404: what happened.
    not_found() { zh: "没有这个地址"; en: "there is nothing at this address"; }
    /// 404: what there is instead.
    not_found_details(path: &str, known: &str) {
        zh: "收到的路径是 {path}，可用的路径有：{known}。若经过反向代理，请把代理多加的路径前缀填入 [server] path_prefix";
        en: "the path that arrived is {path}; there are: {known}. If a proxy put a prefix before it, set [server] path_prefix to that prefix";
    }
    /// 405: what happened.
    wrong_method() { zh: "这个地址不接受该请求方法"; en: "this address does not take this method"; }
    /// 405: what to do.
    wrong_method_details(allowed: &str) { zh: "请使用 {allowed}"; en: "use {allowed}"; }
    /// 426: what happened.
    upgrade_needed() {
        zh: "这里是 WebSocket 接入点，收到的却是普通 HTTP 请求";
        en: "this is a WebSocket endpoint, and a plain HTTP request arrived";
    }
    /// 426: what to do.
    upgrade_needed_details() {
        zh: "请用 WebSocket 客户端以 ws:// 或 wss:// 连接；若经过反向代理，请让它转发 Upgrade 和 Connection 请求头";
        en: "dial it with a WebSocket client, as ws:// or wss://; a proxy in between must pass on the headers Upgrade and Connection";
    }
    /// 426: what happened, where the client is of another time.
    upgrade_version() { zh: "不支持这个 WebSocket 版本"; en: "this version of WebSocket is not spoken here"; }
    /// 426: what to do about it.
    upgrade_version_details() {
        zh: "本服务器只支持版本 13（RFC 6455），请求头应为 Sec-WebSocket-Version: 13；请升级客户端";
        en: "only version 13 (RFC 6455) is: the header must read Sec-WebSocket-Version: 13. Use a newer client";
    }
    /// 400: what happened to an upgrade.
    upgrade_key() {
        zh: "请求头 Sec-WebSocket-Key 缺失或无效";
        en: "the header Sec-WebSocket-Key is missing or not valid";
    }
    /// 400: what to do about it.
    upgrade_key_details() {
        zh: "它应恰好出现一次，值为 16 个字节的 Base64；请检查客户端，以及代理是否改动了请求头";
        en: "it must be there once and hold 16 bytes as base64: look at the client, and at proxies that change headers";
    }
    /// An upgrade request has a body.
    upgrade_with_body_details() {
        zh: "WebSocket 升级请求不得带有正文。请去掉 Content-Length 和 Transfer-Encoding";
        en: "An upgrade request must not have a body. Leave Content-Length and Transfer-Encoding out";
    }
    /// 403: what happened.
    origin_refused() { zh: "不接受来自这个网页的连接"; en: "connections from this page are not accepted"; }
    /// 403: what to do.
    origin_refused_details() {
        zh: "请求的 Origin 不在 [security] allowed_origins 之中；若信任该网页，请把它的来源加进去";
        en: "its Origin is not among [security] allowed_origins; add it there if you trust the page";
    }
    /// 400: what happened.
    bad_head() { zh: "收到的不是有效的 HTTP 请求"; en: "what arrived is not an HTTP request"; }
    /// 400: what to do.
    bad_head_details() {
        zh: "这个端口只接受明文 HTTP/1.1；请检查客户端，并确认没有用 https:// 或 wss:// 直接访问它";
        en: "this port speaks plain HTTP/1.1: look at the client, and do not reach it with https:// or wss:// directly";
    }
    /// 408: what happened.
    head_too_slow() { zh: "请求头没有及时到齐"; en: "the request head was not complete in time"; }
    /// 408: what to do.
    head_too_slow_details() {
        zh: "整个请求头须在 [websocket] handshake_timeout 之内到达；请检查网络后重试";
        en: "all of it must arrive within [websocket] handshake_timeout; look at the network and try again";
    }
    /// 414: what happened.
    target_too_long() { zh: "请求的地址过长"; en: "the address is too long"; }
    /// 414: what to do.
    target_too_long_details() {
        zh: "地址连同请求头最多 8 KiB；请检查地址中的 token 等参数是否完整无误";
        en: "it may take 8 KiB together with the headers; look at the token and the other fields of its query";
    }
    /// 431: what happened.
    head_too_large() { zh: "请求头过大"; en: "the request head is too large"; }
    /// 431: what to do.
    head_too_large_details() {
        zh: "请求头最多 8 KiB、100 项；请减少 Cookie 等请求头后重试";
        en: "it may have 8 KiB and 100 headers; send fewer of them, cookies for example";
    }
    /// 503: what happened.
    too_many_connections() { zh: "连接数已达上限"; en: "there are too many connections"; }
    /// 503: what to do.
    too_many_connections_details() {
        zh: "已有的连接不受影响；请稍后重试，或调大 [websocket] max_connections";
        en: "those that are open stay so; try again later, or raise [websocket] max_connections";
    }
    /// One agent has as many connections as it may.
    too_many_of_agent_details() {
        zh: "该智能体的连接数已达上限，请稍后再试；服务器日志写明了相应的设置";
        en: "this agent has as many connections as it may have; try again later. The server's log names the setting";
    }
    /// The same, for the log.
    agent_is_full(agent: &str, limit: usize) {
        zh: "智能体 {agent} 的连接数已达上限 {limit}，以 503 拒绝；已有连接和其他智能体不受影响。可调整 [websocket] max_connections_per_agent";
        en: "agent {agent} has as many connections as one agent may have, {limit}, answered 503; present connections and other agents are not affected. See [websocket] max_connections_per_agent";
    }
    /// 505: what happened.
    wrong_http_version() { zh: "不支持这个 HTTP 版本"; en: "this version of HTTP is not spoken here"; }
    /// 505: what to do.
    wrong_http_version_details() {
        zh: "请使用 HTTP/1.1；若经过反向代理，请让它以 HTTP/1.1 连接本服务器";
        en: "use HTTP/1.1; a proxy in between must use it towards this server";
    }
}

// The relay: what robots are told, and what happens to tools.
sentences! {
    /// Error -32001.
    no_tool() { zh: "工具端未连接"; en: "Tool not connected"; }
    /// Error -32001, the details.
    no_tool_details() {
        zh: "请求的工具端连接不存在或已断开";
        en: "The agent has no tool connected, or it has just gone";
    }
    /// Error -32002.
    not_forwarded() { zh: "转发消息失败"; en: "Message could not be forwarded"; }
    /// Error -32002, the details.
    not_forwarded_details(cause: String) {
        zh: "消息转发过程中发生错误: {cause}";
        en: "The message was not passed on: {cause}";
    }
    /// A cause of -32002.
    tool_queue_full() {
        zh: "工具端来不及接收，等待发送的数据已达上限 (max_queued)";
        en: "the tool does not keep up, its queue is full (max_queued)";
    }
    /// A cause of -32002.
    robot_queue_full() {
        zh: "小智端来不及接收，等待发送的数据已达上限 (max_queued)";
        en: "the answer found the caller's own queue full (max_queued)";
    }
    /// A cause of -32002.
    too_much_held() {
        zh: "等待工具端的请求过多 (max_queued)";
        en: "too much is waiting for the tool already (max_queued)";
    }
    /// Why a message could not be passed on.
    too_many_subscriptions() {
        zh: "订阅的资源过多，或资源地址过长";
        en: "too many resources are subscribed to, or the address of this one is too long";
    }
    /// A cause of -32002.
    memory_spent() {
        zh: "内存额度已用尽，而该智能体占用最多 (memory_limit)";
        en: "the memory limit is reached, and this agent holds the most (memory_limit)";
    }
    /// A connection was cut because its owner held the most memory.
    memory_cut(limit: &str, all: &str, held: &str) {
        zh: "的连接被切断: 内存额度 {limit} 已用尽，而这一方占用最多，共 {all}，其中该连接占 {held}。通常是对端读取太慢，或消息太大；必要时请调大 memory_limit";
        en: "was cut: memory_limit, {limit}, is reached, and this owner holds the most, {all} in all and {held} of it for this connection. Mostly a peer reads too slowly, or messages are too large; raise memory_limit where that is as it should be";
    }
    /// A cause of -32002.
    too_many_in_flight(limit: usize) {
        zh: "该连接未完成的请求已达上限 {limit} 个 (max_in_flight)";
        en: "this connection has {limit} requests under way, which is the limit (max_in_flight)";
    }
    /// A cause of -32002.
    answer_unreadable(fault: &str) {
        zh: "工具端的答复无法读取: {fault}";
        en: "the tool server's answer cannot be read: {fault}";
    }
    /// A tool has failed and does not say why.
    failed_without_words() {
        zh: "工具执行失败，没有给出原因";
        en: "The tool failed and did not say why";
    }
    /// A cause of -32002; `of` says whose answer it is.
    answer_too_large(size: usize, of: &str) {
        zh: "答复{of}有 {size} 字节，而 xiaozhi-server 收到超过 1 MiB 的消息会断开会话，因此没有转发";
        en: "the answer{of} has {size} bytes. xiaozhi-server ends its session at a message over 1 MiB, so it was not passed on";
    }
    /// A tool is not offered to a robot.
    offer_too_large(name: &str, size: usize) {
        zh: "工具 {name:?} 的定义有 {size} 字节，而 xiaozhi-server 收到超过 1 MiB 的消息会断开会话，因此未提供给它";
        en: "the definition of the tool {name:?} has {size} bytes. xiaozhi-server ends its session at a message over 1 MiB, so the tool is not offered to it";
    }
    /// Whose answer it is: of which tool, or any other name, and of which tool server.
    answer_of(name: &str, label: &str) {
        zh: " (工具 {name:?}，工具端 {label:?}) ";
        en: " of the tool {name:?} (tool server {label:?})";
    }
    /// What is wrong with a text, and where.
    fault_at(what: &str, at: usize) { zh: "{what} (第 {at} 字节)"; en: "{what} at byte {at}"; }
    /// What is wrong with a text.
    fault_ends_early() { zh: "JSON 不完整"; en: "the JSON ends too early"; }
    /// What is wrong with a text.
    fault_control_character() {
        zh: "含有未转义的控制字符 (如制表符、换行)";
        en: "a control character, such as a tab, is not escaped";
    }
    /// What is wrong with a text.
    fault_bad_escape() { zh: "字符串中的转义无效"; en: "an escape that JSON does not have"; }
    /// What is wrong with a text.
    fault_more_behind() {
        zh: "一条消息之后还有内容 (每帧只能有一条消息)";
        en: "something follows the message (one message a frame)";
    }
    /// What is wrong with a text.
    fault_unexpected() { zh: "JSON 中有不应出现的字符"; en: "a character that is not JSON there"; }
    /// What is wrong with a text.
    fault_no_object() { zh: "不是 JSON 对象"; en: "no JSON object"; }
    /// What is wrong with a text.
    fault_odd_member() {
        zh: "id、method、params、result 或 error 重复，或 method 不是字符串";
        en: "id, method, params, result or error is there twice, or method is no string";
    }
    /// What is wrong with a text.
    fault_no_answer() {
        zh: "既没有 method，也没有 result 或 error";
        en: "neither method, nor result, nor error";
    }
    /// Error -32003.
    tool_lost() { zh: "工具端连接已断开"; en: "Tool disconnected"; }
    /// Error -32003, the details.
    tool_lost_details(why: &str) {
        zh: "工具端在答复之前断开了连接: {why}";
        en: "The tool server's connection ended before it answered: {why}";
    }
    /// Error -32005.
    timed_out() { zh: "工具端响应超时"; en: "Tool timed out"; }
    /// Error -32005, the details.
    timed_out_details() {
        zh: "工具端未在 request_timeout 内答复";
        en: "The tool did not answer within request_timeout";
    }
    /// Error -32602, the details.
    unknown_name_details() {
        zh: "该智能体已连接的工具端都不提供它";
        en: "None of the agent's tools offers it";
    }
    /// Error -32601, the details.
    unknown_method_details() {
        zh: "该智能体已连接的工具端都不支持此方法";
        en: "None of the agent's tools supports this method";
    }
    /// Error -32700, the details.
    not_json_details() { zh: "消息不是有效的 JSON"; en: "The message is not valid JSON"; }
    /// Error -32600, the details.
    not_a_message_details() {
        zh: "消息不是 JSON-RPC 请求、通知或答复";
        en: "The message is no JSON-RPC request, notification or reply";
    }
    /// Error -32600, the details for a token that cannot be replaced.
    unclear_token_details() {
        zh: "_meta 或其中的 progressToken 重复，无法确定用哪一个";
        en: "_meta or its progressToken is there twice, so that it is unclear which one counts";
    }
    /// Error -32600, the details for a batch.
    batch_details() {
        zh: "不支持批量消息，请逐条发送";
        en: "Batches are not supported, send the messages one by one";
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
    /// `handshake` was changed while peers are connected.
    handshake_for_new(handshake: bool) {
        zh: "handshake 已改为 {handshake}，仅对此后建立的连接生效；已有连接保持原来的方式，直到重新连接";
        en: "handshake is {handshake} now, for connections made from now on; those that are there keep the mode they began with until they connect again";
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
    /// A length of time, in its largest unit.
    days(count: u64) { zh: "{count} 天"; en: "{count} d"; }
    /// A length of time, in its largest unit.
    hours(count: u64) { zh: "{count} 小时"; en: "{count} h"; }
    /// A length of time, in its largest unit.
    minutes(count: u64) { zh: "{count} 分钟"; en: "{count} min"; }
    /// A length of time, in its largest unit.
    seconds(count: u64) { zh: "{count} 秒"; en: "{count} s"; }
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
    /// Robots send too much that goes to several tool servers.
    too_much_at_once() {
        zh: "短时间内发往多个工具端的请求过多，请稍后再试";
        en: "too many requests that go to several tool servers, try again in a moment";
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
        zh: "{method} 的列表过长，只保留 {kept} 项，其余被忽略 (每个列表最多 2000 项、4 MiB)";
        en: "{method} is too long: {kept} items are kept and the rest is left out (a list may have 2,000 items and 4 MiB)";
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

// The shell: connections, limits, start and stop.
sentences! {
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
    /// A changed setting that cannot be followed.
    needs_restart(option: &str) {
        zh: "{option} 已更改，重启后生效";
        en: "{option} has changed, which takes effect after a restart";
    }
    /// The settings were read again.
    reloaded() { zh: "已重新读取配置"; en: "the configuration was read again"; }
    /// The settings could not be read again.
    reload_failed(problems: impl Display) {
        zh: "配置有误，继续使用原有设置: {problems}";
        en: "the configuration is wrong, the old settings stay in force: {problems}";
    }
    /// The message of the answer to a reload that did not come about.
    not_reloaded() {
        zh: "配置有误，继续使用原有设置";
        en: "the configuration is wrong, the old settings stay in force";
    }
    /// The answer to `-t`.
    config_is_right(file: impl Display) {
        zh: "配置无误: {file}";
        en: "the configuration is right: {file}";
    }
    /// There is no configuration yet.
    config_is_made(file: impl Display) {
        zh: "还没有配置文件；启动时会创建 {file}";
        en: "there is no configuration yet; the start makes {file}";
    }
    /// The start would put another key in place of the one given.
    key_would_be_replaced(least: usize) {
        zh: "密钥少于 {least} 个字符: 启动时会换成新生成的密钥，以前发出的所有地址都会失效";
        en: "the key has fewer than {least} characters: the start makes a new one, and all addresses given out before become void";
    }
    /// The key was changed while the server runs.
    key_changed() {
        zh: "密钥已更换: 以前发出的所有地址都已失效，已建立的连接不受影响。新的地址见状态页或 `mcp-endpoint-server token`";
        en: "the key has changed: all addresses given out before are void, connections that are open stay. New addresses: on the status page or by `mcp-endpoint-server token`";
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
    /// The printed address works on this machine only.
    hint_loopback() {
        zh: "提示: 服务器只监听本机，其他设备无法连接。若需要，请设置 [server] host = 0.0.0.0";
        en: "Hint: the server listens on this machine only. For other devices set [server] host = 0.0.0.0";
    }
    /// The printed address is a container's.
    hint_container() {
        zh: "提示: 在容器中运行，以上地址在容器之外无效。请把其中的主机换成宿主机的地址，或设置 [server] public_url";
        en: "Hint: this is a container, whose own address means nothing outside. Put the host's address in its place, or set [server] public_url";
    }
    /// There is no network.
    hint_no_network() {
        zh: "提示: 未找到本机的网络地址，以上地址只在本机有效。可设置 [server] public_url";
        en: "Hint: no network address was found, these addresses work on this machine only. See [server] public_url";
    }
}

// The commands beside the server.
sentences! {
    /// What a tool of any agent dials.
    tool_address(address: impl Display) { zh: "工具端接入点: {address}"; en: "tool address: {address}"; }
    /// What the Xiaozhi side dials.
    robot_address(address: impl Display) { zh: "小智端接入点: {address}"; en: "robot address: {address}"; }
    /// Where the console's address goes.
    console_address_goes() {
        zh: "  ↑ 填入智控台: 参数字典 → 参数管理 → server.mcp_endpoint。其中有密钥，请勿外传";
        en: "  ↑ for the manager console: 参数字典 → 参数管理 → server.mcp_endpoint. It holds the key: keep it to yourself";
    }
    /// Where a tool's address goes.
    tool_address_goes() {
        zh: "  ↑ 交给工具程序 (如 mcp_pipe.py 的 MCP_ENDPOINT)；单模块部署时，xiaozhi-server 的 mcp_endpoint 也填这一个";
        en: "  ↑ for tools (MCP_ENDPOINT of mcp_pipe.py); a single-module xiaozhi-server takes it as its mcp_endpoint, too";
    }
    /// Where a robot's address goes.
    robot_address_goes() {
        zh: "  ↑ xiaozhi-server 会自行由上一个地址得出，无需填写；供测试用的客户端使用";
        en: "  ↑ for test clients; xiaozhi-server makes it of the one above by itself";
    }
    /// There is no key, and these commands make none.
    no_key_yet(file: impl Display) {
        zh: "{file} 中还没有密钥，因此没有接入点地址；请先启动一次服务器，它会生成密钥。若服务器在别处运行，请进入它的工作目录，或用 -c 指定它的配置文件";
        en: "{file} has no key yet, so there are no addresses: start the server once, which makes one. If it runs elsewhere, go to its folder or name its file with -c";
    }
    /// Port 0.
    port_unknown() {
        zh: "配置中 port = 0，每次启动端口都不同，无从得知；请给出地址，或设置固定的 [server] port";
        en: "port = 0 is a different port at every start, which cannot be known from here: give the address, or set [server] port";
    }
    /// No agent has such a name.
    agent_too_long(most: usize) {
        zh: "智能体 ID 不能为空，最多 {most} 个字节";
        en: "the id of an agent has at least one byte and at most {most}";
    }
    /// An address nobody can dial.
    no_address_scheme(text: &str) {
        zh: "{text} 不是可用的地址: 应以 http://、https://、ws:// 或 wss:// 开头";
        en: "{text} is no address to dial: it must begin with http://, https://, ws:// or wss://";
    }
    /// An address nobody can dial.
    no_address_host(text: &str) {
        zh: "{text} 不是可用的地址: 缺少主机名，或其中有不该有的字符；应形如 http://192.168.1.5:8004";
        en: "{text} is no address to dial: there is no host, or one that cannot be; it should look like http://192.168.1.5:8004";
    }
    /// An address nobody can dial.
    no_address_port(text: &str) {
        zh: "{text} 不是可用的地址: 端口应为 1 到 65535 的整数";
        en: "{text} is no address to dial: the port must be a whole number from 1 to 65535";
    }
    /// `health`
    healthy(base: &str, version: &str, uptime: u64, tools: u64, robots: u64) {
        zh: "正常: {base}，版本 {version}，已运行 {uptime} 秒，工具端 {tools} 个，小智端 {robots} 个";
        en: "healthy: {base}, version {version}, up {uptime} s, tools {tools}, robots {robots}";
    }
    /// `health`
    not_healthy(base: &str, status: u16) {
        zh: "不正常: {base} 以 {status} 答复，不是本程序的健康检查";
        en: "not healthy: {base} answers with {status}, which is not this program's health";
    }
    /// Nobody answered.
    no_answer(base: &str, why: &str) { zh: "{base} 没有答复: {why}"; en: "{base} does not answer: {why}"; }
    /// `status`: the answer is not what it should be.
    status_unknown(base: &str, status: u16) {
        zh: "{base} 以 {status} 答复，没有状态信息: 那里是别的程序，或较旧的版本；可用 doctor 检查";
        en: "{base} answers with {status} and no status: another program, or an older version of this one; try doctor";
    }
    /// `status`: the first line.
    status_head(version: &str, base: &str, uptime: &str, memory: &str) {
        zh: "mcp-endpoint-server {version}  {base}  已运行 {uptime}  内存 {memory}";
        en: "mcp-endpoint-server {version}  {base}  up {uptime}  memory {memory}";
    }
    /// `status`: the second line.
    status_counts(tools: u64, robots: u64, calls: u64, answered: u64, in_flight: u64, errors: u64) {
        zh: "工具端 {tools}  小智端 {robots}  调用 {calls}  已答复 {answered}  进行中 {in_flight}  错误答复 {errors}";
        en: "tools {tools}  robots {robots}  calls {calls}  answered {answered}  in flight {in_flight}  answered with errors {errors}";
    }
    /// `status`: the third line.
    status_refused(refused: u64, turned_away: u64) {
        zh: "被拒绝的连接: token 等原因 {refused}，连接数已满 {turned_away}";
        en: "refused connections: for their token and the like {refused}, because all places were taken {turned_away}";
    }
    /// `status`: who was refused, where the server tells.
    status_refusal(who: &str, why: &str, times: u64, ago: &str) {
        zh: "  {who} {times} 次，最近在 {ago} 前: {why}";
        en: "  {who}, times {times}, last {ago} ago: {why}";
    }
    /// `status`: the head of the table of tools, columns between `|`.
    status_tools() {
        zh: "智能体|工具端|服务器|版本|状态|时长|名称|进行中|最近的错误";
        en: "AGENT|TOOL|SERVER|VERSION|STATE|SINCE|NAMES|IN FLIGHT|LAST ERROR";
    }
    /// `status`: the head of the table of robots, columns between `|`.
    status_robots() { zh: "智能体|小智端|来自|时长|进行中"; en: "AGENT|ROBOT|FROM|SINCE|IN FLIGHT"; }
    /// The state of a tool server whose twin serves its tools.
    status_reserve() { zh: "备用"; en: "reserve"; }
    /// `status`: the state of a tool that went of late.
    status_gone() { zh: "已断开"; en: "gone"; }
    /// `status`: nobody is there.
    status_nobody() {
        zh: "没有工具端，也没有小智端连接。工具端的接入点地址: mcp-endpoint-server token";
        en: "no tool and no robot is connected. The address for tools: mcp-endpoint-server token";
    }
    /// `status`: the key is missing.
    status_key(file: impl Display) {
        zh: "这条命令需要密钥，而 {file} 中没有；请在服务器的工作目录中运行，用 -c 指定它的配置文件，或给出智控台地址 (http://…?key=…)";
        en: "this command needs the key, and {file} has none: run this in the server's folder, name its file with -c, or give the console address (http://…?key=…)";
    }
}

// The doctor: what was seen.
sentences! {
    /// The first line.
    doctor_visits(base: &str) { zh: "检查 {base}"; en: "visiting {base}"; }
    /// A step.
    step_address() { zh: "地址"; en: "address"; }
    /// A step.
    step_connect() { zh: "连接"; en: "connect"; }
    /// A step.
    step_server() { zh: "服务器"; en: "server"; }
    /// A step.
    step_key() { zh: "密钥"; en: "key"; }
    /// A step.
    step_tool() { zh: "工具端"; en: "tool"; }
    /// A step.
    step_robot() { zh: "小智端"; en: "robot"; }
    /// A step.
    step_list() { zh: "列表"; en: "list"; }
    /// A step.
    step_call() { zh: "调用"; en: "call"; }
    /// A step.
    step_silence() { zh: "静默"; en: "silence"; }
    /// The server is there.
    server_seen(version: &str) { zh: "MCP Endpoint Server {version}"; en: "MCP Endpoint Server {version}"; }
    /// The key is right.
    key_seen(tools: u64, robots: u64) {
        zh: "密钥正确；现有工具端 {tools} 个，小智端 {robots} 个";
        en: "accepted; connected now: tools {tools}, robots {robots}";
    }
    /// The doctor's tool is connected.
    tool_seen() { zh: "检查用的工具端已连接"; en: "a tool of the doctor's is connected"; }
    /// The doctor's robot is served.
    robot_seen(name: &str) { zh: "已连接，initialize 由 {name} 答复"; en: "connected, initialize is answered by {name}"; }
    /// The tools that are there.
    tools_seen(count: usize, names: &str) { zh: "{count} 个工具: {names}"; en: "tools, {count}: {names}"; }
    /// The call was answered.
    call_seen() { zh: "调用到达工具端，答复原样返回"; en: "reached the tool, and its answer came back"; }
    /// Silence is survived.
    silence_seen(seconds: u64) { zh: "静默 {seconds} 秒后连接仍然可用"; en: "still served after {seconds} s without a word"; }
    /// All is well.
    doctor_is_content() { zh: "结论: 正常"; en: "verdict: it works"; }
    /// Something is not.
    doctor_fails(cause: &str) { zh: "结论: {cause}"; en: "verdict: {cause}"; }
    /// A loopback address.
    note_loopback() {
        zh: "这是回环地址，只在本机有效: 其他设备和容器连不上。要让它们连接，请设置 [server] host = 0.0.0.0 并使用重启后打印的地址";
        en: "this is a loopback address: devices and containers cannot reach it. For them set [server] host = 0.0.0.0 and use the address printed after a restart";
    }
    /// An address of a container's network.
    note_container(host: &str) {
        zh: "{host} 像是容器内部网络的地址，在宿主机之外无效。请改用宿主机的地址，并设置 [server] public_url";
        en: "{host} looks like an address of a container's own network, which means nothing beyond its host: use the host's address, and set [server] public_url";
    }
    /// The Python server.
    note_python() {
        zh: "这里运行的是旧的 Python 版服务器，不是本程序。若要换成本程序: 停掉它，把它的 data/.mcp-endpoint-server.cfg 复制过来再启动，地址不变";
        en: "the old Python server answers here, not this program. To replace it stop it, copy its data/.mcp-endpoint-server.cfg here and start: the addresses stay";
    }
    /// There is a proxy.
    note_proxy(name: &str) {
        zh: "经过代理 {name}: 它的读超时 (nginx 为 proxy_read_timeout，默认 60 秒) 必须大于 [websocket] ping_interval (默认 30 秒)，否则安静的连接会被切断；这里没有等那么久";
        en: "through a proxy, {name}: its read time-out (proxy_read_timeout of nginx, 60 s) must be longer than [websocket] ping_interval (30 s), or quiet connections are cut; this visit did not wait so long";
    }
    /// Nobody is there to be called.
    note_no_tool() {
        zh: "现在没有工具端连接，设备没有工具可用。工具端的接入点地址: mcp-endpoint-server token";
        en: "no tool is connected now, so devices have none. The address for tools: mcp-endpoint-server token";
    }
    /// Neither key nor token.
    note_no_key() {
        zh: "没有密钥也没有 token，只检查了能否到达服务器。要检查全程，请给出智控台地址 (…?key=…) 或接入点地址 (…?token=…)";
        en: "without key and token only the way to the server was checked. For all of it give the console address (…?key=…) or a tool's (…?token=…)";
    }
    /// The key of the configuration is not for everybody.
    key_of_other(base: &str) {
        zh: "{base} 不是这份配置中的服务器，因此不会把配置中的密钥发给它。请给出那台服务器的智控台地址 (http://…?key=…)，加上引号；在它的工作目录中运行 `mcp-endpoint-server token` 可打印该地址";
        en: "{base} is not the server of this configuration, so the configured key is not sent there. Give the console address of that server (http://…?key=…), in quotes; `mcp-endpoint-server token` in its folder prints it";
    }
    /// `reload`: the settings were taken.
    reload_done(base: &str) {
        zh: "{base} 已重新读取配置";
        en: "{base} has read its configuration again";
    }
    /// `reload`: the settings were not taken. What is wrong follows.
    reload_refused(base: &str) {
        zh: "{base} 继续使用原有设置，它的配置有误:";
        en: "{base} keeps its old settings; its configuration is wrong:";
    }
    /// `reload`: an answer that no server of ours gives.
    reload_unknown(base: &str, status: u16) {
        zh: "{base} 以 {status} 答复: 那里是别的程序，或没有 reload 的旧版本；可用 doctor 检查";
        en: "{base} answers with {status}: another program, or an older version without reload; try doctor";
    }
    /// The server is alive on this machine.
    note_alive_here(base: &str) {
        zh: "服务器本身在 {base} 正常答复: 问题在 public_url 到它之间，即域名、防火墙或代理";
        en: "the server itself answers at {base}: what fails lies between public_url and it, such as the name, a firewall or the proxy";
    }
    /// The server is not alive on this machine either.
    note_dead_here(base: &str) {
        zh: "本机的 {base} 也没有服务器答复: 请先启动服务器";
        en: "nor does a server answer at {base} on this machine: start it first";
    }
}

// The doctor: why there is no answer, and what to do.
sentences! {
    /// The host has no address.
    failure_no_host(said: &str) {
        zh: "找不到这个主机名 ({said})。请检查拼写；局域网中请改用 IP 地址";
        en: "the host name is not known ({said}). Check its spelling; within your own network use the IP address";
    }
    /// Nobody listens.
    failure_refused() {
        zh: "那里没有程序在监听。服务器没有启动、端口不对、服务器只监听 127.0.0.1 ([server] host)，或容器没有发布端口；若在容器里使用 127.0.0.1，它指的是容器自己";
        en: "nobody listens there. The server is not running, the port is wrong, it listens on 127.0.0.1 only ([server] host), or a container does not publish the port; inside a container 127.0.0.1 is the container itself";
    }
    /// No way there.
    failure_unreachable(said: &str) {
        zh: "无法到达那台机器 ({said})。请检查地址和网络";
        en: "the machine cannot be reached ({said}). Check the address and the network";
    }
    /// No answer to a connection.
    failure_silent_host() {
        zh: "那台机器没有回应。地址不对，或防火墙丢弃了连接: 请放行这个端口；容器内部的地址 (172.17…) 只在它的宿主机上有效";
        en: "the machine does not respond. The address is wrong, or a firewall drops the connection: let the port through; an address inside a container (172.17…) works on its own host only";
    }
    /// No answer to a request.
    failure_silent() {
        zh: "端口可以连接，但没有任何答复。那里是别的程序 (或只讲 TLS: 试试 https:// 或 wss://)，或代理后面的服务器停住了；请检查端口";
        en: "the port takes the connection and says nothing. Another program is there (or one that speaks TLS only: try https:// or wss://), or the server behind a proxy hangs; check the port";
    }
    /// The connection ended.
    failure_ended() {
        zh: "连接未经答复就被关闭。那里是别的程序、只讲 TLS (试试 https:// 或 wss://)，或代理拒绝了请求；请检查端口";
        en: "the connection was ended without an answer. Another program is there, or one that speaks TLS only (try https:// or wss://), or a proxy that refuses; check the port";
    }
    /// Not HTTP.
    failure_not_http(line: &str) {
        zh: "那里是别的程序，不讲 HTTP，它说: {line}。请检查端口";
        en: "another program is there, which does not speak HTTP. It says: {line}. Check the port";
    }
    /// TLS where none was wanted.
    failure_speaks_tls() {
        zh: "这个端口讲 TLS。请把地址开头的 http:// 改为 https://，ws:// 改为 wss://";
        en: "the port speaks TLS: let the address begin with https:// in place of http://, wss:// in place of ws://";
    }
    /// No TLS where it was wanted.
    failure_speaks_no_tls() {
        zh: "这个端口不讲 TLS。请把地址开头的 https:// 改为 http://，wss:// 改为 ws://；本服务器自己不做 TLS，需要由前面的代理来做";
        en: "the port does not speak TLS: let the address begin with http:// in place of https://, ws:// in place of wss://. The server itself has no TLS; a proxy before it does that";
    }
    /// A certificate nobody knows.
    failure_signer() {
        zh: "证书不受信任: 它是自签名的，或由本机不认识的机构签发，或缺少中间证书。设备同样会拒绝；请使用公认机构 (如 Let's Encrypt) 的证书，并配置完整的证书链";
        en: "the certificate is not trusted: it is self-signed, or its issuer is not known here, or an intermediate one is missing. Devices refuse it, too: use one of a known issuer (such as Let's Encrypt) with its whole chain";
    }
    /// A certificate out of time.
    failure_time() {
        zh: "证书已过期或尚未生效。请更新证书；若证书没有问题，请检查本机的时钟";
        en: "the certificate has expired or is not valid yet: renew it; if it is in order, check this machine's clock";
    }
    /// A certificate of somebody else.
    failure_name() {
        zh: "证书不是为这个主机名签发的。请使用证书上的域名访问，或换一份包含此名称的证书";
        en: "the certificate is for another name: use the name it is for, or one that has this name in it";
    }
    /// TLS failed otherwise.
    failure_tls(said: &str) {
        zh: "TLS 握手失败: {said}。请检查代理的 TLS 配置";
        en: "the TLS hand-shake failed: {said}. Look at the proxy's TLS settings";
    }
    /// No program for TLS.
    failure_no_openssl() {
        zh: "检查 https 和 wss 需要 `openssl` 程序，而这里没有，或本程序编译时未包含它。请安装它 (Debian: apt install openssl；OpenWrt: opkg install openssl-util)，在装有它的 Linux 或 macOS 机器上检查，或改为检查代理后面的 http:// 地址";
        en: "checking https and wss needs the program `openssl`, which is not here, or this was built without it. Install it (Debian: apt install openssl; OpenWrt: opkg install openssl-util), check from a Linux or macOS machine that has it, or check the http:// address behind the proxy";
    }
    /// More than anybody of ours says.
    failure_too_long() {
        zh: "答复长得不像本服务器的。那里是别的程序，请检查端口";
        en: "the answer is longer than any of this server: another program is there; check the port";
    }
    /// A redirection.
    cause_redirected(to: &str) {
        zh: "被重定向到 {to}。设备不跟随重定向: 请在所有地方改用那个地址 (通常只是 https:// 与 wss://)";
        en: "it is redirected to {to}. Devices do not follow: use that address everywhere (mostly it is only https:// and wss://)";
    }
    /// A proxy without its server.
    cause_gateway(status: u16) {
        zh: "代理以 {status} 答复: 它到不了后面的服务器。请启动服务器，并检查代理转发到的地址和端口 (代理在容器里时，127.0.0.1 指的是那个容器)";
        en: "a proxy answers with {status}: it does not reach the server behind it. Start the server, and check where the proxy passes requests (in a container 127.0.0.1 is the container itself)";
    }
    /// A proxy with a password.
    cause_guarded(status: u16) {
        zh: "代理以 {status} 要求登录或禁止访问。小智端和工具端不会登录: 请让 /mcp_endpoint/ 免于代理的验证，本服务器由密钥和 token 保护";
        en: "a proxy answers with {status}: it wants a login or forbids the way. Tools and devices cannot log in: take /mcp_endpoint/ out of it; key and token guard this server";
    }
    /// A path the server does not know.
    cause_wrong_path() {
        zh: "服务器在那里，但路径不对 (404)。/mcp_endpoint/ 前面多了东西: 请从地址中去掉，或者，若代理需要它，在 [server] path_prefix 中填上同样的前缀";
        en: "the server is there, but not at this path (404). What stands before /mcp_endpoint/ is too much: take it away, or, where a proxy needs it, set [server] path_prefix to the same";
    }
    /// A prefix that is too much.
    cause_wrong_prefix() {
        zh: "路径前缀不对: 不带前缀时服务器正常答复。请去掉 /mcp_endpoint/ 之前的部分，或在 [server] path_prefix 中填上它";
        en: "the prefix is wrong: without it the server answers. Take away what stands before /mcp_endpoint/, or set [server] path_prefix to it";
    }
    /// Somebody else.
    cause_not_ours(status: u16, who: &str) {
        zh: "答复的不是本服务器，状态 {status}，Server: {who}。端口是别的程序的，或代理没有把 /mcp_endpoint/ 转发过来";
        en: "this is not the server: status {status}, Server: {who}. The port is another program's, or a proxy does not pass /mcp_endpoint/ on";
    }
    /// Full.
    cause_full() {
        zh: "连接数已达上限 (503)。已有的连接不受影响；请断开不用的连接，或调大 [websocket] max_connections";
        en: "all places are taken (503). Those that have one keep it: end connections nobody needs, or raise [websocket] max_connections";
    }
    /// A key that is not the server's.
    cause_wrong_key() {
        zh: "密钥不对。密钥换过，或地址没有复制完整: 请重新复制智控台地址，在服务器的工作目录中运行 `mcp-endpoint-server token` 可再次打印";
        en: "the key is not the server's. It was changed, or the address was not copied whole: copy the console address again; `mcp-endpoint-server token` in the server's folder prints it";
    }
    /// The configured key is not the server's.
    cause_wrong_own_key() {
        zh: "运行中的服务器用的不是这份配置中的密钥。请在它的工作目录中运行本命令，或用 -c 指定它的配置文件；若密钥刚改过，请重启服务器；否则那里是另一台服务器";
        en: "the running server does not use the key of this configuration. Run this in its folder, or name its file with -c; restart it if the key was just changed; or else it is another server";
    }
    /// No upgrade arrived.
    cause_upgrade_dropped() {
        zh: "代理丢掉了 Upgrade 请求头 (426)，WebSocket 无法建立。nginx 需要: proxy_http_version 1.1; proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection \"upgrade\";";
        en: "a proxy drops the header Upgrade (426), so no WebSocket comes about. nginx needs: proxy_http_version 1.1; proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection \"upgrade\";";
    }
    /// Something else came of an upgrade.
    cause_upgrade_answered(status: u16) {
        zh: "普通请求正常，WebSocket 却不通 (答复 {status}，0 为没有答复)。中间的代理不转发 WebSocket: 请让它转发 Upgrade 和 Connection 请求头，或换一个支持 WebSocket 的代理";
        en: "plain requests pass, WebSockets do not (answer {status}; 0 is none). A proxy in between does not pass them: let it pass the headers Upgrade and Connection on, or use one that speaks WebSocket";
    }
    /// 403 for an upgrade.
    cause_upgrade_forbidden() {
        zh: "WebSocket 被禁止 (403)。代理的规则不允许，或它加上了不在 [security] allowed_origins 中的 Origin 请求头";
        en: "the WebSocket is forbidden (403): by a rule of the proxy, or because it adds an Origin that is not in [security] allowed_origins";
    }
    /// A 101 without understanding.
    cause_wrong_accept() {
        zh: "对 WebSocket 握手的答复不对: 中间有程序改动了请求头，或那里不是本服务器";
        en: "the answer to the WebSocket hand-shake is wrong: something in between changes headers, or this is not the server";
    }
    /// 1008, though the token was sent.
    cause_token_dropped() {
        zh: "服务器没有收到 token (1008 缺少token参数): 代理丢掉了地址中 ? 之后的部分，请让它原样转发";
        en: "the token did not arrive (1008 缺少token参数): a proxy drops what follows the ?, and must pass it on";
    }
    /// 1008.
    cause_token(wire: &str, why: &str) {
        zh: "token 被拒绝 (1008 {wire}): {why}";
        en: "the token is refused (1008 {wire}): {why}";
    }
    /// A close frame.
    cause_closed(code: u16, reason: &str) {
        zh: "连接被关闭: {code} {reason}。1012 是服务器正在停止或重启，1013 是过载；稍后再试，并查看服务器日志";
        en: "the connection was closed: {code} {reason}. 1012 is a server that stops or restarts, 1013 one that is overloaded; try again, and look at its log";
    }
    /// An end without a close frame.
    cause_cut() {
        zh: "连接中途断开，没有关闭帧: 代理或网络切断了它，或服务器刚刚停止";
        en: "the connection ended in the middle, without a close frame: a proxy or the network cut it, or the server has just stopped";
    }
    /// No answer.
    cause_unanswered(method: &str) {
        zh: "WebSocket 已建立，但 {method} 没有得到答复。代理扣住了消息 (请关闭缓冲)，或工具端程序没有反应；请查看服务器日志";
        en: "the WebSocket is open, but {method} is not answered. A proxy holds messages back (switch its buffering off), or the tool's program hangs; look at the server's log";
    }
    /// An error.
    cause_error(method: &str, code: i64, message: &str) {
        zh: "{method} 以错误答复: {code} {message}。请查看服务器日志";
        en: "{method} was answered with an error: {code} {message}. Look at the server's log";
    }
    /// Not what was asked for.
    cause_wrong_answer(method: &str) {
        zh: "{method} 的答复不是所要的: 中间有程序改动了消息，或那里是另一种服务器";
        en: "the answer to {method} is not what was asked for: something in between changes messages, or this is another server";
    }
    /// The agent has no tool.
    cause_no_tool(address: &str) {
        zh: "服务器正常，但这个智能体没有工具: 工具程序没有启动，或连接的是别的智能体的地址。启动它: MCP_ENDPOINT='{address}' python mcp_pipe.py 您的工具.py";
        en: "the server works, but this agent has no tools: the tool's program is not started, or it dials another agent's address. Start it: MCP_ENDPOINT='{address}' python mcp_pipe.py your_tool.py";
    }
    /// Silence kills.
    cause_cut_when_silent() {
        zh: "没有消息往来时，连接在几秒内就被切断: 代理的读超时太短。请调大到 60 秒以上 (nginx: proxy_read_timeout 300s;)，它必须大于 [websocket] ping_interval";
        en: "without a word the connection is cut within seconds: the read time-out of a proxy is too short. Make it more than 60 s (nginx: proxy_read_timeout 300s;), in any case more than [websocket] ping_interval";
    }
    /// The console's kind of address.
    kind_console() {
        zh: "智控台地址: 填入智控台，工具端不能用它";
        en: "console address: for the manager console, not for tools";
    }
    /// A tool's kind of address.
    kind_tool() {
        zh: "工具端地址: 交给工具程序；带 token，因此只以小智端身份查看";
        en: "tool address: for tools. With a token only, the doctor looks on as a robot";
    }
    /// A robot's kind of address.
    kind_robot() {
        zh: "小智端地址 (/call/): 工具程序要用的是 /mcp/ 的那一个；工具连到这里会被当作小智端";
        en: "robot address (/call/): tools need the one with /mcp/; a tool that dials this one is taken for a robot";
    }
    /// Only where the server is.
    kind_base() { zh: "服务器地址"; en: "server address"; }
    /// Another service's kind of address.
    kind_foreign() { zh: "不是本服务器的地址"; en: "not an address of this server"; }
    /// An address of another service.
    flaw_foreign() {
        zh: "路径中没有 /mcp_endpoint，这不是本服务器的地址；官方 xiaozhi.me 的接入点就是这样的。请使用本服务器打印的地址";
        en: "there is no /mcp_endpoint in its path, so it is not an address of this server; those of the official xiaozhi.me look like this. Use the ones this server prints";
    }
    /// The wrong scheme.
    flaw_scheme(given: &str, right: &str) {
        zh: "这种地址应以 {right} 开头，而不是 {given}。请改正后再用";
        en: "an address of this kind begins with {right}, not with {given}: change that";
    }
    /// A token in a console's address.
    flaw_token_for_key() {
        zh: "混用了两种地址: 智控台地址里要有 key=…，这里却是接入点地址的 token=…。请使用 `mcp-endpoint-server token` 打印的智控台地址";
        en: "two kinds of address are mixed up: the console's needs key=…, and this has the token=… of a tool's. Use the console address that `mcp-endpoint-server token` prints";
    }
    /// No key.
    flaw_no_key() {
        zh: "地址中没有 key=…，没有复制完整。请复制整个地址，在命令行中用单引号括起来";
        en: "there is no key=… in it: copy all of the address, and put it between single quotes in a shell";
    }
    /// Copied from a text.
    flaw_placeholder() {
        zh: "地址中有省略号，是从文档里抄来的示例。请使用服务器打印的完整地址";
        en: "dots stand for the rest of it: this is an example from a text. Use the whole address that the server prints";
    }
    /// `&amp;`
    flaw_entity() {
        zh: "地址中的 & 变成了 &amp;，是从网页源码复制所致。请改回 &";
        en: "its & has become &amp;, as in the source of a web page. Write & again";
    }
    /// A lonely `%`.
    flaw_broken_escape() {
        zh: "token 中有残缺的 % 转义，复制或粘贴时被改动或截断 (Windows 批处理会吃掉 %)。请重新复制整个地址，并用引号括起来";
        en: "a % in the token begins no escape: it was changed or cut on its way (batch files of Windows eat %). Copy all of the address again, and quote it";
    }
    /// `%252B`
    flaw_escaped_twice() {
        zh: "token 被转义了两次 (%25…)。请直接使用服务器打印的地址，不要再做 URL 编码";
        en: "the token is escaped twice (%25…). Use the address as it is printed, and do not encode it again";
    }
}
