//! What the command line says: printed addresses, `--help`, and the commands beside the server.

use super::Language;
use std::fmt::Display;

// Printed addresses, and where each of them goes.
sentences! {
    /// The two start-up lines keep their Chinese names in every language, since scripts look for
    /// them (docs/protocol.md#printed-addresses).
    console_address(address: impl Display) {
        zh: "智控台MCP参数配置: {address}";
        en: "智控台MCP参数配置: {address}";
    }
    /// The address that the tool server of a stand-alone deployment uses.
    module_address(address: impl Display) {
        zh: "单模块部署MCP接入点: {address}";
        en: "单模块部署MCP接入点: {address}";
    }
    /// The status page, which asks for the key.
    page_address(address: impl Display) {
        zh: "状态页: {address}";
        en: "Status page: {address}";
    }
    /// The address for tool servers of any agent.
    tool_address(address: impl Display) { zh: "工具端接入点: {address}"; en: "tool server address: {address}"; }
    /// The address for robots of any agent.
    robot_address(address: impl Display) { zh: "小智端接入点: {address}"; en: "robot address: {address}"; }
    /// Where the console's address goes.
    console_address_goes() {
        zh: "  ↑ 填入智控台: 参数字典 → 参数管理 → server.mcp_endpoint。其中含有密钥，请勿外传";
        en: "  ↑ for the manager console: 参数字典 → 参数管理 → server.mcp_endpoint. It contains the key: keep it secret";
    }
    /// Where a tool server's address goes.
    tool_address_goes() {
        zh: "  ↑ 交给工具端程序 (如 mcp_pipe.py 的 MCP_ENDPOINT)；单模块部署时，xiaozhi-server 的 mcp_endpoint 也填这一个";
        en: "  ↑ for tool servers (MCP_ENDPOINT of mcp_pipe.py), and the mcp_endpoint of a single-module xiaozhi-server";
    }
    /// Where a robot's address goes.
    robot_address_goes() {
        zh: "  ↑ 供测试用的客户端使用；xiaozhi-server 会由上一个地址自行得出，无需填写";
        en: "  ↑ for test clients; xiaozhi-server derives it from the address above";
    }
    /// A printed tool server address that clients will refuse because of its host or prefix.
    address_unwelcome(word: &str) {
        zh: "小智端会拒绝打印出的工具端接入点地址: token 之外多了一个 `{word}` (地址中 `/mcp/` 必须恰好出现一次，且不得含有 key 和 call)。请更换 public_url、path_prefix 或主机名";
        en: "clients will refuse the printed tool server address: outside the token there is an extra `{word}` (they accept exactly one `/mcp/`, and neither key nor call). Change public_url, path_prefix or the host name";
    }
    /// The printed address works on this machine only.
    hint_loopback() {
        zh: "提示: 服务器只监听本机，其他设备无法连接。若需要，请设置 [server] host = 0.0.0.0";
        en: "Hint: the server listens on this machine only. For other devices set [server] host = 0.0.0.0";
    }
    /// The printed address is a container's.
    hint_container() {
        zh: "提示: 服务器在容器中运行，以上地址在容器之外无效。请把其中的主机换成宿主机的地址，或设置 [server] public_url";
        en: "Hint: the server runs in a container, and the addresses above do not work outside it. Put the host's address in them, or set [server] public_url";
    }
    /// There is no network.
    hint_no_network() {
        zh: "提示: 未找到本机的网络地址，以上地址只在本机有效。请设置 [server] public_url";
        en: "Hint: this machine's network address was not found, so the addresses above work on this machine only. Set [server] public_url";
    }
}

// Options and commands.
sentences! {
    /// `--help`
    help(version: &str, commands: &str, options: &str, file: &str) {
        zh: "mcp-endpoint-server {version}: 连接小智设备与 MCP 工具\n用法: mcp-endpoint-server [选项] [命令]；不带命令则运行服务器\n\n{commands}\n\n  -c, --config FILE        配置文件，默认 {file}\n{options}\n      --demo               另外运行本程序自带的工具: calculator、now、roll_dice\n  -v, --verbose            日志级别 DEBUG，不含消息正文\n  -t, --test               只检查配置: 正确则以 0 退出，有拼错的名称以 1 退出，有错以 2 退出\n  -h, --help, -V, --version  显示本说明 (`call --help` 显示某个命令的说明)；显示版本号\n\n其余选项见配置文件；首次启动会创建一份带有说明的配置文件。每个选项也可由环境变量 MCP_ENDPOINT_<小节>_<选项> 设置；命令行优先，其次环境变量，再次配置文件。\n";
        en: "mcp-endpoint-server {version}: connects Xiaozhi devices with MCP tools\nUsage: mcp-endpoint-server [OPTIONS] [COMMAND]; without a command it runs the server\n\n{commands}\n\n  -c, --config FILE        The configuration file, {file} by default\n{options}\n      --demo               Also run the tools of this program: calculator, now, roll_dice\n  -v, --verbose            Log at level DEBUG, without message bodies\n  -t, --test               Only check the configuration: status 0 if it is right, 1 if a name is misspelt, 2 if it is wrong\n  -h, --help, -V, --version  Show this help (`call --help` says more about a command); show the version\n\nAll other options are in the configuration file; the first start makes one with explanations. Environment variables MCP_ENDPOINT_<SECTION>_<KEY> override the file, and the command line overrides both.\n";
    }
    /// In `--help`.
    help_token() {
        zh: "打印某个智能体的接入点地址，默认 single_module";
        en: "Print the addresses of an agent, single_module by default";
    }
    /// In `--help`.
    help_status() {
        zh: "显示运行中的服务器: 智能体、工具端、小智端、调用";
        en: "Show a running server: agents, tool servers, robots, calls";
    }
    /// In `--help`.
    help_doctor() {
        zh: "走一遍智控台、工具端和设备的连接过程，指出哪一步不通、怎么办";
        en: "Connect as the console, a tool server and a device do; say which step fails and what to do";
    }
    /// In `--help`.
    help_health() {
        zh: "服务器正常则以 0 退出，否则以 1 退出";
        en: "Exit with status 0 if the server is alive, 1 if not";
    }
    /// `--help`: reload.
    help_reload() {
        zh: "让运行中的服务器重新读取配置 (等同于 SIGHUP)";
        en: "Make the running server read its configuration again, as SIGHUP does";
    }
    /// `--help`: demo.
    help_demo() {
        zh: "作为 MCP 服务器运行 (标准输入输出)，工具有 calculator、now、roll_dice，供试用";
        en: "Be an MCP server on stdio with the tools calculator, now and roll_dice, for trying clients";
    }
    /// `demo`, which was left out of this program.
    demo_not_built_in() {
        zh: "此程序构建时未包含 demo 命令；完整版中有: cargo build --release";
        en: "this program was built without the command demo; a full build has it: cargo build --release";
    }
    /// A sub-command that was left out of this program.
    not_built_in() {
        zh: "此程序构建时未包含这个命令。请在另一台机器上用完整版检查本服务器: mcp-endpoint-server doctor http://地址:端口/";
        en: "this program was built without this command. Check this server with a full build on another machine: mcp-endpoint-server doctor http://HOST:PORT/";
    }
    /// A sub-command nobody knows.
    unknown_command(name: &str, nearest: &str) {
        zh: "没有命令 {name}；可能应为 `{nearest}`。用 --help 查看用法";
        en: "there is no command {name}; did you mean `{nearest}`? See --help";
    }
    /// A sub-command that is like none.
    strange_command(name: &str, known: &str) {
        zh: "没有命令 {name}；可用的命令: {known}。不带命令则启动服务器";
        en: "there is no command {name}; the commands are: {known}. Without a command the server runs";
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

// What the commands find.
sentences! {
    /// There is no key, and this command does not make one.
    no_key_yet(file: impl Display) {
        zh: "{file} 中还没有密钥，因此没有接入点地址；请先启动一次服务器，它会生成密钥。若服务器在别处运行，请进入它的工作目录，或用 -c 指定它的配置文件";
        en: "{file} has no key yet, so there are no addresses: start the server once, and it makes a key. If the server runs elsewhere, run this command in its folder, or name its configuration file with -c";
    }
    /// Port 0.
    port_unknown() {
        zh: "配置中 port = 0，每次启动的端口都不同，无法得知；请给出地址，或设置固定的 [server] port";
        en: "port = 0 means another port at every start, so the port is unknown here: give the address, or set [server] port";
    }
    /// The agent's id is empty or too long.
    agent_too_long(most: usize) {
        zh: "智能体 ID 不能为空，最多 {most} 个字节";
        en: "an agent id must have 1 to {most} bytes";
    }
    /// An address that cannot be used.
    no_address_scheme(text: &str) {
        zh: "{text} 不是可用的地址: 应以 http://、https://、ws:// 或 wss:// 开头";
        en: "{text} is not a usable address: it must begin with http://, https://, ws:// or wss://";
    }
    /// An address that cannot be used.
    no_address_host(text: &str) {
        zh: "{text} 不是可用的地址: 主机名缺失或无效；地址应形如 http://192.168.1.5:8004";
        en: "{text} is not a usable address: the host is missing or not valid; an address looks like http://192.168.1.5:8004";
    }
    /// An address that cannot be used.
    no_address_port(text: &str) {
        zh: "{text} 不是可用的地址: 端口应为 1 到 65535 的整数";
        en: "{text} is not a usable address: the port must be a whole number from 1 to 65535";
    }
    /// `health`
    healthy(base: &str, version: &str, uptime: u64, tools: u64, robots: u64) {
        zh: "正常: {base}，版本 {version}，已运行 {uptime} 秒，工具端 {tools} 个，小智端 {robots} 个";
        en: "healthy: {base}, version {version}, up {uptime} s, tool servers {tools}, robots {robots}";
    }
    /// `health`
    not_healthy(base: &str, status: u16) {
        zh: "不正常: {base} 返回 {status}，不是本程序的健康检查";
        en: "not healthy: {base} answers with status {status}, which is not this program's health check";
    }
    /// Nobody answered.
    no_answer(base: &str, why: &str) { zh: "{base} 没有答复: {why}"; en: "{base} does not answer: {why}"; }
    /// `status`: the answer is not what it should be.
    status_unknown(base: &str, status: u16) {
        zh: "{base} 返回 {status}，其中没有状态信息: 那里是别的程序，或较旧的版本；请用 doctor 检查";
        en: "{base} answers with status {status} and no details: another program runs there, or an older version of this one; run doctor";
    }
    /// `status`: the first line.
    status_head(version: &str, base: &str, uptime: &str, memory: &str) {
        zh: "mcp-endpoint-server {version}  {base}  已运行 {uptime}  内存 {memory}";
        en: "mcp-endpoint-server {version}  {base}  up {uptime}  memory {memory}";
    }
    /// `status`: the second line.
    status_counts(tools: u64, robots: u64, calls: u64, answered: u64, in_flight: u64, errors: u64) {
        zh: "工具端 {tools}  小智端 {robots}  调用 {calls}  已答复 {answered}  进行中 {in_flight}  错误答复 {errors}";
        en: "tool servers {tools}  robots {robots}  calls {calls}  answered {answered}  in flight {in_flight}  errors {errors}";
    }
    /// `status`: the third line.
    status_refused(refused: u64, turned_away: u64) {
        zh: "被拒绝的连接: token 等原因 {refused}，连接数已满 {turned_away}";
        en: "refused connections: wrong token and the like {refused}, connection limit {turned_away}";
    }
    /// `status`: who was refused, where the server tells.
    status_refusal(who: &str, why: &str, times: u64, ago: &str) {
        zh: "  {who} {times} 次，最近在 {ago} 前: {why}";
        en: "  {who}, {times}x, last {ago} ago: {why}";
    }
    /// `status`: the head of the table of tool servers, columns between `|`.
    status_tools() {
        zh: "智能体|工具端|程序|版本|状态|时长|工具|进行中|最近的错误";
        en: "AGENT|TOOL SERVER|PROGRAM|VERSION|STATE|AGE|TOOLS|IN FLIGHT|LAST ERROR";
    }
    /// `status`: the head of the table of robots, columns between `|`.
    status_robots() { zh: "智能体|小智端|来自|时长|进行中"; en: "AGENT|ROBOT|FROM|AGE|IN FLIGHT"; }
    /// The columns of tool servers of the servers file.
    status_managed() {
        zh: "由服务器运行|类型|状态|重启|工具|智能体";
        en: "SERVERS FILE|KIND|STATE|RESTARTS|TOOLS|AGENTS";
    }
    /// The state of a tool server whose twin serves its tools.
    status_reserve() { zh: "备用"; en: "reserve"; }
    /// `status`: the state of a tool server that has just disconnected.
    status_gone() { zh: "已断开"; en: "gone"; }
    /// `status`: nobody is there.
    status_nobody() {
        zh: "没有工具端，也没有小智端连接。要查看工具端的接入点地址，请运行: mcp-endpoint-server token";
        en: "no tool server and no robot is connected. To see the address for tool servers, run: mcp-endpoint-server token";
    }
    /// `status`: the key is missing.
    status_key(file: impl Display) {
        zh: "这条命令需要密钥，而 {file} 中没有；请在服务器的工作目录中运行，用 -c 指定它的配置文件，或给出智控台地址 (http://…?key=…)";
        en: "this command needs the key, and {file} has none: run the command in the server's folder, name its configuration file with -c, or give the console address (http://…?key=…)";
    }
    /// The key of the configuration is not sent to another server.
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
    /// `reload`: an answer that this server does not give.
    reload_unknown(base: &str, status: u16) {
        zh: "{base} 返回 {status}: 那里是别的程序，或没有 reload 的旧版本；请用 doctor 检查";
        en: "{base} answers with status {status}: another program runs there, or an older version without reload; run doctor";
    }
}
