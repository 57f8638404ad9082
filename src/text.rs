//! Every sentence a person reads, in Chinese and in English.
//!
//! A sentence is a method of [`Language`]. What happened comes first, then why, then what to do.

use crate::close::{CloseReason, RefusalReason};
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

/// Writes each sentence once as a method: its name, what it is told, and the two wordings.
macro_rules! sentences {
    ($($(#[$doc:meta])* $name:ident($($arg:ident: $kind:ty),*) { zh: $zh:literal; en: $en:literal; })*) => {
        impl Language {
            $($(#[$doc])*
            pub fn $name(self, $($arg: $kind),*) -> String {
                match self {
                    Language::Zh => format!($zh),
                    Language::En => format!($en),
                }
            })*
        }
    };
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

    fn either(self, (zh, en): (&'static str, &'static str)) -> &'static str {
        match self {
            Language::Zh => zh,
            Language::En => en,
        }
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
    /// The two start-up lines of contract section 2 keep their Chinese names in every language:
    /// scripts of users look for them.
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
        zh: "{least} 到 {most} 的大小，写作 512KB、10MB、1GB 或字节数";
        en: "a size from {least} to {most}, written 512KB, 10MB, 1GB or in plain bytes";
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
        zh: "zh 或 en";
        en: "zh or en";
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
        zh: "文件路径，或为空";
        en: "the path of a file, or nothing";
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
    /// The head of the README's table.
    markdown_head() {
        zh: "| 选项 | 默认值 | 取值 | 说明 |\n| --- | --- | --- | --- |\n";
        en: "| option | default | accepted | meaning |\n| --- | --- | --- | --- |\n";
    }
    /// In the README's table.
    no_default() {
        zh: "空";
        en: "empty";
    }
    /// `--help`
    help(version: &str, options: &str, file: &str) {
        zh: "mcp-endpoint-server {version}: 连接小智设备与 MCP 工具\n\n用法: mcp-endpoint-server [选项]\n\n  -c, --config FILE        配置文件，默认 {file}\n{options}\n  -v, --verbose            日志级别 DEBUG，不含消息正文\n  -t, --test               只检查配置: 正确则以 0 退出，有错以 2 退出\n  -h, --help               显示本说明\n  -V, --version            显示版本号\n\n其余选项见配置文件；没有配置文件时，首次启动会创建一份带有说明的。\n每个选项也可由环境变量 MCP_ENDPOINT_<小节>_<选项> 设置。\n优先级: 命令行、环境变量、配置文件。\n";
        en: "mcp-endpoint-server {version}: where Xiaozhi devices and MCP tools meet\n\nUsage: mcp-endpoint-server [OPTIONS]\n\n  -c, --config FILE        The configuration file, {file} by default\n{options}\n  -v, --verbose            Log at level DEBUG, without message bodies\n  -t, --test               Only check the configuration: status 0 if it is right, 2 if not\n  -h, --help               Show this\n  -V, --version            Show the version\n\nEverything else is set in the configuration file; the first start makes one that explains itself.\nThe environment sets any option, too, as MCP_ENDPOINT_<SECTION>_<KEY>.\nOptions go before the environment, the environment before the file.\n";
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
    /// A cause of -32002.
    too_many_in_flight(limit: usize) {
        zh: "该连接未完成的请求已达上限 {limit} 个 (max_in_flight)";
        en: "this connection has {limit} requests under way, which is the limit (max_in_flight)";
    }
    /// Error -32003.
    tool_lost() { zh: "工具端连接已断开"; en: "Tool disconnected"; }
    /// Error -32003, the details.
    tool_lost_details() {
        zh: "工具端在答复之前断开了连接";
        en: "The tool's connection ended before it answered";
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
    /// What is wrong with a tool.
    list_too_long(method: &str) {
        zh: "{method} 的列表过长或没有尽头，其余部分被忽略";
        en: "{method} is too long or never ends, the rest is ignored";
    }
    /// What is wrong with a tool.
    nameless(method: &str, count: usize) {
        zh: "{method} 中有 {count} 项没有名称，已忽略";
        en: "{method} has {count} elements without a name, they are ignored";
    }
    /// What is wrong with a tool.
    not_a_message() {
        zh: "发来的内容不是 JSON-RPC 消息，已忽略 (工具端的日志请输出到 stderr)";
        en: "sent something that is no JSON-RPC message, ignored (a tool's log belongs on stderr)";
    }
}

// The shell: connections, limits, start and stop.
sentences! {
    /// Nobody can be let in for the moment.
    cannot_accept(error: &std::io::Error, count: u32) {
        zh: "暂时无法接受新连接: {error}。请检查文件描述符上限 (ulimit -n)；有空余后会自动恢复 (上次提示以来 {count} 次)";
        en: "cannot accept connections for the moment: {error}. Check the limit of open files (ulimit -n); it resumes by itself (times since last said: {count})";
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
    binary_ignored(peer: impl Display, address: impl Display) {
        zh: "[{peer} {address}] 忽略二进制帧: 请以文本帧发送 JSON-RPC 消息 (此连接不再重复提示)";
        en: "[{peer} {address}] binary frame ignored: send JSON-RPC in text frames (said once for this connection)";
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
    /// The answer to `-t`.
    config_is_right(file: impl Display) {
        zh: "配置无误: {file}";
        en: "the configuration is right: {file}";
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
