//! Every sentence a person reads, in Chinese and in English.
//!
//! A sentence is a method of [`Language`]. What happened comes first, then why, then what to do.

use crate::close::CloseReason;
use std::fmt::Display;

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
        let (zh, en) = match reason {
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
        };
        match self {
            Language::Zh => zh,
            Language::En => en,
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
sentences! {}

// The relay: what robots are told, and what happens to tools.
sentences! {}

// The shell: connections, limits, start and stop.
sentences! {}
