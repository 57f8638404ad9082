//! What is wrong with the servers file, and with its entries.

use super::Language;
use std::fmt::Display;

// The whole file.
sentences! {
    /// It is not JSON.
    servers_not_json(line: usize, column: usize) {
        zh: "第 {line} 行第 {column} 个字符处不是有效的 JSON (可以有 // 注释和末尾的逗号)";
        en: "line {line}, column {column} is not valid JSON (comments with // and a comma behind the last element are allowed)";
    }
    /// It has no list of servers.
    servers_missing() {
        zh: "应是一个 JSON 对象，其中的 mcpServers (或 servers) 为每个工具端写一个对象，例如 {\"mcpServers\": {\"time\": {\"command\": \"uvx\", \"args\": [\"mcp-server-time\"]}}}";
        en: "it must be a JSON object with mcpServers (or servers), an object that has an object for each tool server, such as {\"mcpServers\": {\"time\": {\"command\": \"uvx\", \"args\": [\"mcp-server-time\"]}}}";
    }
    /// Keys that mean nothing here.
    servers_unknown_keys(names: &str) {
        zh: "本程序不使用这些键: {names}";
        en: "this program does not use these keys: {names}";
    }
    /// Others than its owner may write it.
    servers_writable() {
        zh: "除所有者外，其他用户也可以改写这个文件，因而可以让服务器运行任意命令；请执行 chmod go-w";
        en: "others than its owner may write this file, and so make the server run any command: chmod go-w";
    }
    /// It was named, and is not there.
    servers_file_missing() {
        zh: "这个文件不存在；请检查路径";
        en: "this file does not exist; check its path";
    }
    /// The demonstration has the name of an entry.
    servers_demo_instead() {
        zh: "--demo 启动时，文件中名为 demo 的工具端不会运行；请给它换个名称";
        en: "with --demo, the entry demo of the servers file does not run; give it another name";
    }
    /// Entries for every agent.
    servers_open(names: &str) {
        zh: "对所有智能体开放的工具端 (可用 agents 限定): {names}";
        en: "tool servers open to every agent (agents limits them): {names}";
    }
    /// A warning about an entry.
    servers_entry(name: &str, warning: &str) { zh: "{name}: {warning}"; en: "{name}: {warning}"; }
}

// An entry.
sentences! {
    /// Two entries of one name.
    servers_twice() { zh: "这个名称出现了两次"; en: "this name is there twice"; }
    /// The name cannot label a tool server.
    servers_odd_name(most: usize) {
        zh: "名称不能为空，最多 {most} 个字节，不能含有控制字符";
        en: "a name has 1 to {most} bytes and no control characters";
    }
    /// It is no object.
    servers_no_object() { zh: "应是一个 JSON 对象"; en: "it must be a JSON object"; }
    /// A truth value is something else.
    servers_not_true_or_false(key: &str) {
        zh: "{key} 应是 true 或 false";
        en: "{key} must be true or false";
    }
    /// `type`
    servers_unknown_kind(kind: &str) {
        zh: "type 为 {kind}，不认识；可用的有 stdio、http、streamable-http 和 sse";
        en: "type is {kind}, which is unknown; known are stdio, http, streamable-http and sse";
    }
    /// It has `command` and `url`.
    servers_both() {
        zh: "既有 command 又有 url；请去掉一个，或写明 type";
        en: "it has both command and url: remove one of them, or name the type";
    }
    /// It has neither.
    servers_neither() {
        zh: "既没有 command (要运行的程序)，也没有 url (HTTP 服务的地址)";
        en: "it has neither command, the program to run, nor url, the address of an HTTP service";
    }
    /// A key is missing.
    servers_needs(key: &str) { zh: "缺少 {key}，或其值为空"; en: "{key} is missing or empty"; }
    /// A value is no string.
    servers_not_text(key: &str) { zh: "{key} 应是字符串"; en: "{key} must be a string"; }
    /// A value is no list.
    servers_not_list(key: &str) { zh: "{key} 应是列表"; en: "{key} must be a list"; }
    /// A value is no object.
    servers_not_object(key: &str) { zh: "{key} 应是 JSON 对象"; en: "{key} must be a JSON object"; }
    /// A variable of a child has no name.
    servers_odd_variable() {
        zh: "env 中的变量名不能为空，也不能含有 =";
        en: "a name in env must not be empty and must not contain =";
    }
    /// A text has a byte that no program can be given.
    servers_zero_byte(key: &str) {
        zh: "{key} 不能含有 NUL 字符";
        en: "{key} must not contain the character NUL";
    }
    /// `url`
    servers_odd_url() {
        zh: "url 应是以 http:// 或 https:// 开头的地址，不能含有空格";
        en: "url must be an address that begins with http:// or https://, without blanks";
    }
    /// The port in `url`.
    servers_odd_port() {
        zh: "url 中的端口应是 1 到 65535 之间的数字";
        en: "the port in url must be a number from 1 to 65535";
    }
    /// A header.
    servers_odd_header(name: &str) {
        zh: "headers.{name}: 请求头的名称无效，或其值含有换行";
        en: "headers.{name}: the name of the header is not valid, or its value has a line break";
    }
    /// `timeout`
    servers_odd_timeout() {
        zh: "timeout 应是大于零的秒数";
        en: "timeout must be a number of seconds above zero";
    }
    /// `timeout` in milliseconds.
    servers_milliseconds(timeout: &str) {
        zh: "timeout {timeout} 按毫秒计算，因为它不小于 1000";
        en: "timeout {timeout} is taken for milliseconds, because it is 1000 or more";
    }
    /// A variable is not set.
    servers_unset(key: &str, name: &str) {
        zh: "{key} 用到环境变量 {name}，但它没有设置；可写默认值: ${{{name}:-默认值}}";
        en: "{key} names the environment variable {name}, which is not set; a default can be given: ${{{name}:-default}}";
    }
    /// `${`
    servers_odd_reference(key: &str) {
        zh: "{key} 中的 ${{…}} 无法理解；应写成 ${{变量名}} 或 ${{变量名:-默认值}}，要表示 $ 本身请写 $$";
        en: "a ${{…}} in {key} cannot be read: write ${{NAME}} or ${{NAME:-default}}, and $$ for $ itself";
    }
}

// Tool servers that the program runs or dials.
sentences! {
    /// The entry has a command, and this program runs none.
    no_children_here() {
        zh: "本程序不能运行 command (构建时不含 children，或不支持当前系统)；请在别处运行它并连接本服务器，或用 url 连接 HTTP 服务";
        en: "this program cannot run a command (it was built without the feature children, or not for this system): run the tool server elsewhere and connect it, or give the url of an HTTP service";
    }
    /// The entry has `disabled` or `enabled`.
    servers_switched_off() {
        zh: "已在文件中停用 (disabled 或 enabled)";
        en: "switched off in the file (disabled or enabled)";
    }
    /// It runs.
    child_started(name: &str, what: &str) { zh: "工具端 {name}: {what}"; en: "tool server {name}: {what}"; }
    /// What runs.
    child_process(id: u32) { zh: "已启动，进程 {id}"; en: "started, process {id}"; }
    /// It has answered `initialize`.
    child_ready(name: &str) { zh: "工具端 {name}: 已就绪"; en: "tool server {name}: ready"; }
    /// It cannot be started.
    child_not_started(name: &str, why: &str, wait: &str) {
        zh: "工具端 {name}: 无法启动: {why}；{wait}后重试";
        en: "tool server {name}: cannot be started: {why}; it is tried again in {wait}";
    }
    /// The command is in no folder of `PATH`.
    child_not_in_path(command: &str, path: &str) {
        zh: "在 PATH 中找不到 {command} (PATH 为 {path})；请安装它，或在 command 中写出完整路径";
        en: "{command} is in no folder of PATH, which is {path}: install it, or write its whole path in command";
    }
    /// The command is a path to nothing.
    child_not_found(command: &str) {
        zh: "文件 {command} 不存在，或缺少运行它的解释器";
        en: "the file {command} does not exist, or its interpreter does not";
    }
    /// The command is no program.
    child_not_executable(command: &str) {
        zh: "{command} 不可执行；请检查权限 (chmod +x)";
        en: "{command} is not executable: check its permissions (chmod +x)";
    }
    /// The working directory does not exist.
    child_no_folder(folder: impl Display) {
        zh: "cwd 指定的文件夹 {folder} 不存在";
        en: "the folder {folder} of cwd does not exist";
    }
    /// A connection has the name of an entry as its `server_id`.
    name_is_managed(name: &str, other: &str) {
        zh: "一个连接的 server_id 为 {name:?}，而这是工具端配置文件中一项的名称；该连接改用 {other:?}";
        en: "a connection has server_id {name:?}, which is the name of an entry of the servers file: it is called {other:?}";
    }
    /// How it ended.
    child_exit_status(status: i32) { zh: "退出码 {status}"; en: "exit status {status}"; }
    /// How it ended.
    child_exit_signal(signal: i32) { zh: "被信号 {signal} 结束"; en: "ended by signal {signal}"; }
    /// It has ended by itself.
    child_ended(name: &str, how: &str, wait: &str) {
        zh: "工具端 {name}: 已结束 ({how})，{wait}后重新启动";
        en: "tool server {name}: it has ended ({how}) and is started again in {wait}";
    }
    /// It has ended by itself, and wrote something to standard error before.
    child_ended_after(name: &str, how: &str, wait: &str, last: &str) {
        zh: "工具端 {name}: 已结束 ({how})，{wait}后重新启动；标准错误的最后一行: {last}";
        en: "tool server {name}: it has ended ({how}) and is started again in {wait}; the last line of its standard error: {last}";
    }
    /// It was stopped.
    child_stopped(name: &str, how: &str) {
        zh: "工具端 {name}: 已停止 ({how})";
        en: "tool server {name}: stopped ({how})";
    }
    /// It does not accept `initialize`.
    child_refused(what: &str) {
        zh: "它没有接受 initialize: {what}";
        en: "it does not accept initialize: {what}";
    }
    /// It accepts no version of MCP that this program speaks.
    child_too_new() {
        zh: "它只支持 MCP 2026-07-28 或更新的版本，本程序不支持";
        en: "it speaks only MCP 2026-07-28 or newer, which this program does not";
    }
    /// It has not answered `initialize`.
    child_late() { zh: "它 5 分钟内没有答复 initialize"; en: "it has not answered initialize for 5 minutes"; }
    /// It does not answer pings any more.
    child_silent() { zh: "它不再应答 ping"; en: "it does not answer pings any more"; }
    /// It has closed its standard output.
    child_closed_output() { zh: "它关闭了标准输出"; en: "it has closed its standard output"; }
    /// Its entry has changed.
    child_changed() { zh: "它的配置已更改"; en: "its entry has changed"; }
    /// It holds the most memory.
    used_most_memory() {
        zh: "内存额度 (memory_limit) 用尽，而它占用最多";
        en: "memory_limit is reached, and it used the most";
    }
    /// It writes what is no message.
    child_banner(name: &str, count: u32) {
        zh: "工具端 {name}: 标准输出中有 {count} 行不是 JSON-RPC 消息，已忽略；日志应写到标准错误";
        en: "tool server {name}: {count} lines of its standard output are not JSON-RPC messages and are ignored; it must log to standard error";
    }
    /// A line is too long.
    child_line_too_long(limit: usize) {
        zh: "一行超过 {limit} 字节 (max_message_size)";
        en: "a line has more than {limit} bytes, which is max_message_size";
    }
    /// Lines of its standard error that the log does not have.
    child_lines_left_out(name: &str, count: u32) {
        zh: "[{name}] … 省略 {count} 行";
        en: "[{name}] … {count} lines left out";
    }
    /// The servers file.
    servers_file_wrong(file: impl Display, why: &str) { zh: "{file}: {why}"; en: "{file}: {why}"; }
}
