//! What is said about settings: mistakes, accepted values, the key, and settings that change.

use super::Language;
use crate::ownership::Obstacle;
use std::fmt::Display;

impl Language {
    /// Why a file cannot be used.
    pub fn obstacle(self, obstacle: &Obstacle) -> String {
        match obstacle {
            Obstacle::BrokenLink(link, target) => {
                self.link_to_nowhere(link.display(), target.display())
            }
            Obstacle::NotAFolder(path) => self.not_a_folder(path.display()),
        }
    }
}

// What is wrong with the configuration, and what became of it.
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
        en: "{place}: [{section}] {key} = {value} is not accepted; accepted values: {accepted}";
    }
    /// A section nobody knows.
    unknown_section(place: &str, name: &str, nearest: &str) {
        zh: "{place}: 未知的小节 [{name}]，其内容被忽略；最接近的是 [{nearest}]";
        en: "{place}: the unknown section [{name}] is ignored; the nearest known one is [{nearest}]";
    }
    /// A key nobody knows.
    unknown_key(place: &str, section: &str, key: &str, near_section: &str, near_key: &str) {
        zh: "{place}: [{section}] 中没有选项 {key}，已忽略；最接近的是 [{near_section}] {near_key}";
        en: "{place}: [{section}] has no option {key}, so this line is ignored; the nearest known one is [{near_section}] {near_key}";
    }
    /// An environment variable that looks like one of ours.
    unknown_variable(name: &str, nearest: &str) {
        zh: "环境变量 {name} 不对应任何选项，已忽略；可能应为 {nearest}";
        en: "environment variable {name} sets no option and is ignored; did you mean {nearest}?";
    }
    /// An option that is set twice.
    said_twice(place: &str, section: &str, key: &str, earlier: usize) {
        zh: "{place}: [{section}] {key} 重复出现，以此处为准，第 {earlier} 行不起作用";
        en: "{place}: [{section}] {key} is set twice; this line counts, line {earlier} does not";
    }
    /// `MCP_ENDPOINT_SERVER_PORT=tcp://…`
    port_of_a_service(name: &str) {
        zh: "环境变量 {name} 的值是 Kubernetes 或 Docker 注入的服务地址，不是端口，已忽略";
        en: "environment variable {name} contains the address of a Kubernetes or Docker service, not a port; it is ignored";
    }
    /// An address that some clients refuse.
    address_refused(key: &str) {
        zh: "[server] {key} 含有 key、call 或 /mcp/，一些客户端会拒绝这样的接入点地址；请换一个";
        en: "[server] {key} contains key, call or /mcp/, and some clients refuse such an address; choose another one";
    }
    /// Printed addresses that may not reach the server.
    prefix_not_in_url(prefix: &str) {
        zh: "[server] public_url 不含 path_prefix ({prefix})，打印出的地址可能无法到达本服务器；请把前缀写进 public_url，如 https://mcp.example.com{prefix}";
        en: "[server] public_url does not end in path_prefix ({prefix}), so the printed addresses may not reach this server. Add the prefix, as in https://mcp.example.com{prefix}";
    }
    /// Two limits of which one makes the other useless.
    limits_at_odds(smaller: &str, larger: &str) {
        zh: "[websocket] {smaller} 小于 {larger}，最大的消息将无法转发；请调大 {smaller}";
        en: "[websocket] {smaller} is less than {larger}, so the largest messages cannot be forwarded; raise {smaller}";
    }
    /// The file of `--config` is not there.
    config_missing(file: impl Display) {
        zh: "{file}: 配置文件不存在；请检查路径，或不带 -c 启动以自动创建";
        en: "{file}: this configuration file does not exist; check the path, or start without -c to create one";
    }
    /// It was there before, and is to be read again.
    config_gone(file: impl Display) {
        zh: "{file}: 配置文件已不存在；请把它放回原处，否则下次启动会新建配置并更换密钥";
        en: "{file}: the configuration file is gone; put it back, or the next start makes a new one with a new key";
    }
    /// The system does not allow it.
    config_unreadable(file: impl Display, error: impl Display) {
        zh: "{file}: 无法读取配置文件: {error}；请检查文件及其权限";
        en: "{file}: the configuration file cannot be read: {error}; check the file and its permissions";
    }
    /// A directory, a device, a pipe.
    config_not_a_file(file: impl Display) {
        zh: "{file}: 不是普通文件；配置文件必须是文本文件";
        en: "{file}: this is not a regular file; the configuration file must be a text file";
    }
    /// A folder where the configuration file belongs.
    config_is_a_folder(file: impl Display) {
        zh: "{file}: 这是一个目录，而这里应当是配置文件。挂载的文件不存在时，Docker 会建一个同名目录: 请停止容器并删除该目录，先建好文件再启动，或改为挂载整个 data 目录";
        en: "{file}: this is a folder, but it must be the configuration file. Docker creates such a folder where the file to mount is missing: stop the container, remove the folder, create the file and start again, or mount the whole folder data instead";
    }
    /// Why a file cannot be opened or made.
    link_to_nowhere(link: impl Display, target: impl Display) {
        zh: "{link} 是一个链接，它指向的 {target} 不存在；请先创建 {target}，或删除这个链接";
        en: "{link} is a link to {target}, which does not exist; create {target}, or remove the link";
    }
    /// Why a file cannot be opened or made: a file has the name of its folder.
    not_a_folder(path: impl Display) {
        zh: "{path} 不是目录，而这里需要一个目录；请把它移走或改名";
        en: "{path} must be a folder, but it is not; move it away or rename it";
    }
    /// Why a file cannot be made or changed, as the system says it.
    not_writable(error: impl Display) {
        zh: "{error}；请检查该文件及其目录能否写入";
        en: "{error}; check that the file and its folder are writable";
    }
    /// A file that holds the key and that everybody can read.
    key_for_all_to_see(file: impl Display, mode: u32) {
        zh: "{file} 中有密钥，而它的权限是 {mode:04o}，本机其他用户也能读取或改写；请执行: chmod 600 {file}";
        en: "{file} contains the key, and with mode {mode:04o} other users of this machine can read or change it; run: chmod 600 {file}";
    }
    /// A file that is too large for a configuration.
    config_too_large(file: impl Display) {
        zh: "{file}: 文件超过 1MB，不可能是配置文件；请检查路径";
        en: "{file}: the file is larger than 1MB, so it cannot be a configuration file; check the path";
    }
    /// GBK, UTF-16 and the like.
    config_not_utf8(file: impl Display, line: usize) {
        zh: "{file} 第 {line} 行: 文件不是 UTF-8 编码；请用 UTF-8 编码重新保存";
        en: "{file}, line {line}: the file is not encoded in UTF-8; save it again as UTF-8";
    }
    /// A file that is not text.
    config_binary(file: impl Display, line: usize) {
        zh: "{file} 第 {line} 行: 含有 NUL 字符，不是 UTF-8 文本文件；请检查路径，或用 UTF-8 编码重新保存";
        en: "{file}, line {line}: a NUL character, so this is not a UTF-8 text file; check the path, or save the file again as UTF-8";
    }
    /// An entry before the first header.
    line_before_sections(file: impl Display, line: usize) {
        zh: "{file} 第 {line} 行: 选项出现在第一个小节之前；请在它前面加上 [server] 这样的小节名";
        en: "{file}, line {line}: an option before the first section; put a header such as [server] above it";
    }
    /// `[server`
    line_not_a_header(file: impl Display, line: usize) {
        zh: "{file} 第 {line} 行: 小节名不完整；应为单独一行的 [小节名]，如 [server]";
        en: "{file}, line {line}: not a complete section header; it must be [name] on a line of its own, such as [server]";
    }
    /// A line without `=`.
    line_not_an_entry(file: impl Display, line: usize) {
        zh: "{file} 第 {line} 行: 无法理解；每行应为 [小节名]、选项 = 值，或以 # 开头的注释";
        en: "{file}, line {line}: cannot be understood; a line must be [section], option = value, or a comment that begins with #";
    }
    /// The rest of them.
    more_such_lines(file: impl Display, count: usize) {
        zh: "{file}: 另有 {count} 行同样无法理解";
        en: "{file}: further lines that cannot be understood: {count}";
    }
    /// The file was made.
    config_created(file: impl Display) {
        zh: "已创建配置文件 {file}";
        en: "the configuration file {file} was created";
    }
    /// The file could not be made.
    config_not_created(file: impl Display, why: impl Display) {
        zh: "无法创建配置文件 {file}: {why}。服务器以默认配置运行";
        en: "the configuration file {file} cannot be created: {why}. The server runs with default settings";
    }
    /// A key was made and saved.
    key_saved(file: impl Display) {
        zh: "已生成新密钥并保存到 {file}";
        en: "a new key was made and saved in {file}";
    }
    /// A key was made and is lost at the next start.
    key_not_saved(file: impl Display, why: impl Display) {
        zh: "！！新生成的密钥无法保存到 {file}: {why}。新密钥只在本次运行中有效，重启后所有接入点地址都会失效；也可以用环境变量 MCP_ENDPOINT_SERVER_KEY 指定密钥";
        en: "!! the new key cannot be saved in {file}: {why}. The new key is valid until the next restart, and then all addresses stop working. You can also set the key with MCP_ENDPOINT_SERVER_KEY";
    }
    /// The key of the file was replaced.
    key_was_short(least: usize) {
        zh: "[server] key 不足 {least} 个字符，已换成新生成的密钥；旧的接入点地址全部失效";
        en: "[server] key had fewer than {least} characters and was replaced by a new one; addresses with the old key no longer work";
    }
    /// While the server runs it keeps the key it has.
    key_stays(least: usize) {
        zh: "[server] key 不足 {least} 个字符，继续使用原有密钥；下次启动会生成新的密钥";
        en: "[server] key has fewer than {least} characters: the current key stays in use, and the next start makes a new one";
    }
    /// The key of the environment is used anyway.
    key_is_short(name: &str, least: usize) {
        zh: "环境变量 {name} 中的密钥不足 {least} 个字符，容易被猜中；请换用更长的密钥";
        en: "the key in the environment variable {name} has fewer than {least} characters and is easy to guess; use a longer one";
    }
    /// The system has no random numbers.
    no_random_key(error: impl Display) {
        zh: "无法生成密钥，系统没有可用的随机数: {error}；请在配置文件的 [server] key 中写入至少 32 个字符";
        en: "cannot make a key, because the system has no random numbers: {error}; set [server] key to at least 32 characters";
    }
}

// What is accepted, in messages and in the reference.
sentences! {
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
        en: "one line of text, or empty";
    }
    /// `public_url`
    accepted_public_url() {
        zh: "以 http://、https://、ws:// 或 wss:// 开头的地址，或为空";
        en: "an address that begins with http://, https://, ws:// or wss://, or empty";
    }
    /// `path_prefix`
    accepted_path_prefix() {
        zh: "形如 /foo 的路径，或为空";
        en: "a path such as /foo, or empty";
    }
    /// `allowed_origins`
    accepted_origins() {
        zh: "*，或以逗号分隔、形如 https://example.com 的来源";
        en: "*, or origins such as https://example.com, separated by commas";
    }
    /// `trusted_proxies`
    accepted_networks() {
        zh: "以逗号分隔的 IP 地址或网段，如 10.0.0.0/8，或为空";
        en: "IP addresses or networks such as 10.0.0.0/8, separated by commas, or empty";
    }
    /// `log_file`
    accepted_file() {
        zh: "文件路径，或为空；~ 不会展开成主目录，请写完整路径";
        en: "a file path, or empty; ~ is not expanded: write the whole path";
    }
    /// What is accepted, in the sample file.
    accepted_values(accepted: &str) {
        zh: "取值: {accepted}";
        en: "Accepted: {accepted}";
    }
    /// The head of the sample file.
    sample_introduction(file: &str) {
        zh: "mcp-endpoint-server 的配置。首次启动时复制为 {file}，请修改那一份。\n注释以 # 或 ; 开头。修改后重启，或发送 SIGHUP 重新读取。\n环境变量 MCP_ENDPOINT_<小节>_<选项> 优先于此文件，如 MCP_ENDPOINT_SERVER_PORT。";
        en: "The configuration of mcp-endpoint-server. The first start copies it to {file}: edit that copy.\nComments begin with # or ;. Restart after a change, or send SIGHUP to read the file again.\nEnvironment variables MCP_ENDPOINT_<SECTION>_<KEY>, such as MCP_ENDPOINT_SERVER_PORT, override this file.";
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
}

// `-t`, and settings that are read again.
sentences! {
    /// `handshake` was changed while peers are connected.
    handshake_for_new(handshake: bool) {
        zh: "handshake 已改为 {handshake}，仅对此后建立的连接生效；已有连接保持原来的方式，直到重新连接";
        en: "handshake is now {handshake}. This applies to new connections only; existing ones keep their mode until they reconnect";
    }
    /// A changed setting that cannot be followed.
    needs_restart(option: &str) {
        zh: "{option} 已更改，重启后生效";
        en: "{option} has changed; the change takes effect after a restart";
    }
    /// The settings were read again.
    reloaded() { zh: "已重新读取配置"; en: "the configuration was read again"; }
    /// The settings could not be read again.
    reload_failed(problems: impl Display) {
        zh: "配置有误，继续使用原有设置: {problems}";
        en: "the configuration is wrong, so the old settings stay in force: {problems}";
    }
    /// The message of the answer to a reload that did not come about.
    not_reloaded() {
        zh: "配置有误，继续使用原有设置";
        en: "the configuration is wrong, so the old settings stay in force";
    }
    /// The answer to `-t`.
    config_is_right(file: impl Display) {
        zh: "配置无误: {file}";
        en: "the configuration is right: {file}";
    }
    /// There is no configuration yet.
    config_is_made(file: impl Display) {
        zh: "还没有配置文件；启动时会创建 {file}";
        en: "there is no configuration file yet; the server creates {file} when it starts";
    }
    /// The start would put another key in place of the one given.
    key_would_be_replaced(least: usize) {
        zh: "密钥少于 {least} 个字符: 启动时会换成新生成的密钥，以前发出的所有地址都会失效";
        en: "the key has fewer than {least} characters: the next start replaces it, and all addresses given out before stop working";
    }
    /// The key was changed while the server runs.
    key_changed() {
        zh: "密钥已更换: 以前发出的所有地址都已失效，已建立的连接不受影响。新的地址见状态页或 `mcp-endpoint-server token`";
        en: "the key has changed: all addresses given out before no longer work, and open connections are not affected. For new addresses see the status page, or run `mcp-endpoint-server token`";
    }
}
