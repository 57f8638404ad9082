//! What the doctor says.

use super::Language;

// What was seen.
sentences! {
    /// The first line.
    doctor_visits(base: &str) { zh: "检查 {base}"; en: "checking {base}"; }
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
        en: "accepted; connected now: tool servers {tools}, robots {robots}";
    }
    /// The doctor's tool server is connected.
    tool_seen() { zh: "检查用的工具端已连接"; en: "the doctor's own tool server is connected"; }
    /// The doctor's robot is served.
    robot_seen(name: &str) { zh: "已连接，initialize 由 {name} 答复"; en: "connected, {name} answers initialize"; }
    /// The tools that are there.
    tools_seen(count: usize, names: &str) { zh: "{count} 个工具: {names}"; en: "tools ({count}): {names}"; }
    /// The call was answered.
    call_seen() { zh: "调用到达工具端，答复原样返回"; en: "the call reached the tool server, and its answer came back"; }
    /// What follows is about the servers file.
    doctor_entries() { zh: "由服务器运行的工具端:"; en: "tool servers of the servers file:"; }
    /// It can be used.
    managed_ready(kind: &str, tools: u64) {
        zh: "就绪 ({kind})，{tools} 个工具";
        en: "ready ({kind}), tools: {tools}";
    }
    /// It has not answered yet.
    managed_starting() {
        zh: "启动中，尚未应答 initialize；npx 和 uvx 首次启动时要下载，可能需要几分钟";
        en: "starting: it has not answered initialize yet. npx and uvx download at the first start, which can take minutes";
    }
    /// It has ended.
    managed_restarting(why: &str, restarts: u64) {
        zh: "没有运行，将重新启动 (已 {restarts} 次): {why}";
        en: "does not run and is started again (so far: {restarts}): {why}";
    }
    /// What it wrote last.
    managed_last_line(line: &str) {
        zh: "；标准错误的最后一行: {line}";
        en: "; the last line of its standard error: {line}";
    }
    /// Its program is there.
    managed_found(file: impl std::fmt::Display) {
        zh: "找到 {file}；没有启动它，要检查其余部分请先启动服务器";
        en: "found {file}; it was not started: start the server to check the rest";
    }
    /// Its port can be reached.
    managed_reachable(authority: &str) {
        zh: "{authority} 可以连接；要检查其余部分请先启动服务器";
        en: "{authority} accepts connections; start the server to check the rest";
    }
    /// Some do not run.
    managed_fail(names: &str) {
        zh: "服务器正常，但这些由它运行的工具端不正常: {names}。原因见上；请先在终端中手动运行该项的命令，改好配置文件后执行: mcp-endpoint-server reload";
        en: "the server works, but not these tool servers of the servers file: {names}. The lines above say why. Run the entry's command by hand in a terminal, correct the file, then run: mcp-endpoint-server reload";
    }
    /// Silence is survived.
    silence_seen(seconds: u64) { zh: "静默 {seconds} 秒后连接仍然可用"; en: "the connection still works after {seconds} s of silence"; }
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
        en: "{host} looks like an address inside a container network and does not work beyond the container's host: use the host's address, and set [server] public_url";
    }
    /// The Python server.
    note_python() {
        zh: "这里运行的是旧的 Python 版服务器，不是本程序。若要换成本程序: 停掉它，把它的 data/.mcp-endpoint-server.cfg 复制过来再启动，地址不变";
        en: "the old Python server runs here, not this program. To replace it, stop it, copy its data/.mcp-endpoint-server.cfg here and start this program: the addresses stay";
    }
    /// There is a proxy.
    note_proxy(name: &str) {
        zh: "经过代理 {name}: 它的读超时 (nginx 为 proxy_read_timeout，默认 60 秒) 必须大于 [websocket] ping_interval (默认 30 秒)，否则安静的连接会被切断；本次检查没有等那么久";
        en: "through a proxy, {name}: its read timeout (proxy_read_timeout of nginx, 60 s by default) must be longer than [websocket] ping_interval (30 s by default), or quiet connections are cut; this check did not wait so long";
    }
    /// No tool server is connected.
    note_no_tool() {
        zh: "现在没有工具端连接，设备没有工具可用。要查看工具端的接入点地址，请运行: mcp-endpoint-server token";
        en: "no tool server is connected now, so devices have no tools. To see the address for tool servers, run: mcp-endpoint-server token";
    }
    /// Neither key nor token.
    note_no_key() {
        zh: "没有密钥也没有 token，只检查了能否到达服务器。要检查全程，请给出智控台地址 (…?key=…) 或接入点地址 (…?token=…)";
        en: "without a key or token, only the way to the server was checked. For a full check give the console address (…?key=…) or a tool server's address (…?token=…)";
    }
    /// The server runs on this machine.
    note_alive_here(base: &str) {
        zh: "服务器本身在 {base} 正常答复: 问题在 public_url 到它之间，即域名、防火墙或代理";
        en: "the server itself answers at {base}: the problem is between public_url and the server, such as the domain name, a firewall or the proxy";
    }
    /// The server does not run on this machine either.
    note_dead_here(base: &str) {
        zh: "本机的 {base} 也没有服务器答复: 请先启动服务器";
        en: "no server answers at {base} on this machine either: start it first";
    }
}

// Why there is no answer, and what to do.
sentences! {
    /// The host has no address.
    failure_no_host(said: &str) {
        zh: "找不到这个主机名 ({said})。请检查拼写；局域网中请改用 IP 地址";
        en: "the host name is unknown ({said}). Check its spelling; in a local network use the IP address";
    }
    /// Nobody listens.
    failure_refused() {
        zh: "那里没有程序在监听。服务器没有启动、端口不对、服务器只监听 127.0.0.1 ([server] host)，或容器没有发布端口；若在容器里使用 127.0.0.1，它指的是容器自己";
        en: "no program listens there. The server is not running, the port is wrong, the server listens on 127.0.0.1 only ([server] host), or a container does not publish the port; inside a container, 127.0.0.1 is the container itself";
    }
    /// No way there.
    failure_unreachable(said: &str) {
        zh: "无法到达那台机器 ({said})。请检查地址和网络";
        en: "the machine cannot be reached ({said}). Check the address and the network";
    }
    /// No answer to a connection.
    failure_silent_host() {
        zh: "那台机器没有回应。地址不对，或防火墙丢弃了连接: 请放行这个端口；容器内部的地址 (172.17…) 只在它的宿主机上有效";
        en: "the machine does not respond. The address is wrong, or a firewall drops the connection: open the port there; an address inside a container (172.17…) works on its own host only";
    }
    /// No answer to a request.
    failure_silent() {
        zh: "端口可以连接，但没有任何答复。那里是别的程序 (或只接受 TLS: 试试 https:// 或 wss://)，或代理后面的服务器停住了；请检查端口";
        en: "the port accepts the connection, but nothing answers. Another program is there (or one that speaks TLS only: try https:// or wss://), or the server behind a proxy hangs; check the port";
    }
    /// The connection ended.
    failure_ended() {
        zh: "连接未经答复就被关闭。那里是别的程序、只接受 TLS (试试 https:// 或 wss://)，或代理拒绝了请求；请检查端口";
        en: "the connection was closed without an answer. Another program is there, or one that speaks TLS only (try https:// or wss://), or a proxy refused the request; check the port";
    }
    /// Not HTTP.
    failure_not_http(line: &str) {
        zh: "那里是别的程序，使用的不是 HTTP，它返回: {line}。请检查端口";
        en: "another program is there, and it does not speak HTTP. It says: {line}. Check the port";
    }
    /// TLS where none was wanted.
    failure_speaks_tls() {
        zh: "这个端口使用 TLS。请把地址开头的 http:// 改为 https://，ws:// 改为 wss://";
        en: "the port speaks TLS: change http:// to https://, or ws:// to wss://, in the address";
    }
    /// No TLS where it was wanted.
    failure_speaks_no_tls() {
        zh: "这个端口不使用 TLS。请把地址开头的 https:// 改为 http://，wss:// 改为 ws://；本服务器自己不做 TLS，由前面的代理来做";
        en: "the port does not speak TLS: change https:// to http://, or wss:// to ws://, in the address. This server has no TLS of its own; a proxy in front of it provides it";
    }
    /// A certificate that is not trusted.
    failure_signer() {
        zh: "证书不受信任: 它是自签名的，或由本机不认识的机构签发，或缺少中间证书。设备同样会拒绝；请使用公认机构 (如 Let's Encrypt) 的证书，并配置完整的证书链";
        en: "the certificate is not trusted: it is self-signed, its issuer is unknown here, or an intermediate certificate is missing. Devices refuse it, too: use a certificate of a known issuer (such as Let's Encrypt) with the whole chain";
    }
    /// A certificate that is not valid now.
    failure_time() {
        zh: "证书已过期或尚未生效。请更新证书；若证书没有问题，请检查本机的时钟";
        en: "the certificate has expired or is not valid yet: renew it; if the certificate is right, check this machine's clock";
    }
    /// A certificate for another name.
    failure_name() {
        zh: "证书不是为这个主机名签发的。请使用证书上的域名访问，或换一份包含此名称的证书";
        en: "the certificate is for another host name: use the name in the certificate, or get a certificate for this name";
    }
    /// TLS failed otherwise.
    failure_tls(said: &str) {
        zh: "TLS 握手失败: {said}。请检查代理的 TLS 配置";
        en: "the TLS handshake failed: {said}. Check the proxy's TLS settings";
    }
    /// No program for TLS.
    failure_no_openssl() {
        zh: "检查 https 和 wss 需要 `openssl` 程序，而这里没有安装，或本程序编译时未包含对它的支持。请安装它 (Debian: apt install openssl；OpenWrt: opkg install openssl-util)，在装有它的 Linux 或 macOS 机器上检查，或改为检查代理后面的 http:// 地址";
        en: "checking https and wss needs the program `openssl`. It is not installed here, or this program was built without support for it. Install it (Debian: apt install openssl; OpenWrt: opkg install openssl-util), check from a Linux or macOS machine that has it, or check the http:// address behind the proxy";
    }
    /// More than this server ever answers.
    failure_too_long() {
        zh: "答复长得不像本服务器的。那里是别的程序，请检查端口";
        en: "the answer is too long to be from this server: another program is there; check the port";
    }
    /// A redirection.
    cause_redirected(to: &str) {
        zh: "被重定向到 {to}。设备不跟随重定向: 请在所有地方改用那个地址 (通常只是 https:// 与 wss://)";
        en: "the address redirects to {to}. Devices do not follow redirects: use that address everywhere (usually only https:// or wss:// is different)";
    }
    /// A proxy without its server.
    cause_gateway(status: u16) {
        zh: "代理返回 {status}: 它无法连接后面的服务器。请启动服务器，并检查代理转发到的地址和端口 (代理在容器里时，127.0.0.1 指的是那个容器)";
        en: "a proxy answers with status {status}: it cannot reach the server behind it. Start the server, and check the address and port that the proxy forwards to (in a container, 127.0.0.1 is the container itself)";
    }
    /// A proxy with a password.
    cause_guarded(status: u16) {
        zh: "代理返回 {status}，要求登录或禁止访问。小智端和工具端不会登录: 请让代理放行 /mcp_endpoint/，本服务器由密钥和 token 保护";
        en: "a proxy answers with status {status}: it asks for a login or forbids access. Tool servers and devices cannot log in: exempt /mcp_endpoint/ from the proxy's login; the key and the tokens protect this server";
    }
    /// A path the server does not know.
    cause_wrong_path() {
        zh: "服务器在那里，但路径不对 (404)。/mcp_endpoint/ 前面多了东西: 请从地址中去掉，或者，若代理需要它，在 [server] path_prefix 中填上同样的前缀";
        en: "the server is there, but not at this path (404): the address has something before /mcp_endpoint/. Remove it or, if a proxy needs it, set [server] path_prefix to it";
    }
    /// A prefix that is too much.
    cause_wrong_prefix() {
        zh: "路径前缀不对: 不带前缀时服务器正常答复。请去掉 /mcp_endpoint/ 之前的部分，或在 [server] path_prefix 中填上它";
        en: "the path prefix is wrong: the server answers without it. Remove what is before /mcp_endpoint/, or set [server] path_prefix to it";
    }
    /// Somebody else.
    cause_not_ours(status: u16, who: &str) {
        zh: "答复的不是本服务器 (状态 {status}，Server: {who})。端口被别的程序占用，或代理没有把 /mcp_endpoint/ 转发过来";
        en: "another server answers: status {status}, Server: {who}. The port belongs to another program, or a proxy does not forward /mcp_endpoint/";
    }
    /// Full.
    cause_full() {
        zh: "连接数已达上限 (503)。已有的连接不受影响；请断开不用的连接，或调大 [websocket] max_connections";
        en: "the connection limit is reached (503). Open connections are not affected: close those that nobody needs, or raise [websocket] max_connections";
    }
    /// A key that is not the server's.
    cause_wrong_key() {
        zh: "密钥不对。密钥换过，或地址没有复制完整: 请重新复制智控台地址，在服务器的工作目录中运行 `mcp-endpoint-server token` 可再次打印";
        en: "the key is wrong. The key was changed, or the address is incomplete: copy the console address again; `mcp-endpoint-server token` in the server's folder prints it";
    }
    /// The configured key is not the server's.
    cause_wrong_own_key() {
        zh: "运行中的服务器用的不是这份配置中的密钥。请在它的工作目录中运行本命令，或用 -c 指定它的配置文件；若密钥刚改过，请重启服务器；否则那里是另一台服务器";
        en: "the running server does not use the key of this configuration. Run this command in the server's folder, or name its configuration file with -c; if the key was just changed, restart the server; otherwise this is another server";
    }
    /// No upgrade arrived.
    cause_upgrade_dropped() {
        zh: "代理丢掉了 Upgrade 请求头 (426)，WebSocket 无法建立。nginx 需要: proxy_http_version 1.1; proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection \"upgrade\";";
        en: "a proxy drops the header Upgrade (426), so no WebSocket can open. nginx needs: proxy_http_version 1.1; proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection \"upgrade\";";
    }
    /// Something else came of an upgrade.
    cause_upgrade_answered(status: u16) {
        zh: "普通请求正常，WebSocket 却不通 (返回 {status}，0 为没有答复)。中间的代理不转发 WebSocket: 请让它转发 Upgrade 和 Connection 请求头，或换一个支持 WebSocket 的代理";
        en: "plain requests work, but WebSockets do not (status {status}; 0 is no answer). A proxy in between does not forward them: make it forward the headers Upgrade and Connection, or use a proxy that supports WebSocket";
    }
    /// 403 for an upgrade.
    cause_upgrade_forbidden() {
        zh: "WebSocket 被禁止 (403)。代理的规则不允许，或它加上了不在 [security] allowed_origins 中的 Origin 请求头";
        en: "the WebSocket is forbidden (403): a rule of the proxy forbids it, or the proxy adds an Origin that is not in [security] allowed_origins";
    }
    /// A wrong answer to the handshake.
    cause_wrong_accept() {
        zh: "对 WebSocket 握手的答复不对: 中间有程序改动了请求头，或那里不是本服务器";
        en: "the answer to the WebSocket handshake is wrong: something in between changes headers, or this is not the server";
    }
    /// 1008, though the token was sent.
    cause_token_dropped() {
        zh: "服务器没有收到 token (1008 缺少token参数): 代理丢掉了地址中 ? 之后的部分，请让它原样转发";
        en: "the server did not receive the token (1008 缺少token参数): a proxy drops the part of the address after ?; make it forward the whole address";
    }
    /// 1008.
    cause_token(wire: &str, why: &str) {
        zh: "token 被拒绝 (1008 {wire}): {why}";
        en: "the token is refused (1008 {wire}): {why}";
    }
    /// A close frame.
    cause_closed(code: u16, reason: &str) {
        zh: "连接被关闭: {code} {reason}。1012 是服务器正在停止或重启，1013 是过载；稍后再试，并查看服务器日志";
        en: "the connection was closed: {code} {reason}. 1012 means that the server stops or restarts, 1013 that it is overloaded; try again later, and see the server's log";
    }
    /// An end without a close frame.
    cause_cut() {
        zh: "连接中途断开，没有关闭帧: 代理或网络切断了它，或服务器刚刚停止";
        en: "the connection ended without a close frame: a proxy or the network cut it, or the server has just stopped";
    }
    /// No answer.
    cause_unanswered(method: &str) {
        zh: "WebSocket 已建立，但 {method} 没有得到答复。代理扣住了消息 (请关闭缓冲)，或工具端程序没有反应；请查看服务器日志";
        en: "the WebSocket is open, but {method} is not answered. A proxy holds messages back (switch off its buffering), or the tool server's program hangs; see the server's log";
    }
    /// An error.
    cause_error(method: &str, code: i64, message: &str) {
        zh: "{method} 得到错误答复: {code} {message}。请查看服务器日志";
        en: "{method} was answered with an error: {code} {message}. See the server's log";
    }
    /// Not what was asked for.
    cause_wrong_answer(method: &str) {
        zh: "{method} 的答复与请求不符: 中间有程序改动了消息，或那里是另一种服务器";
        en: "the answer to {method} does not fit the request: something in between changes messages, or this is another server";
    }
    /// The agent has no tool.
    cause_no_tool(address: &str) {
        zh: "服务器正常，但这个智能体没有工具: 工具端程序没有启动，或用的是别的智能体的地址。启动它: MCP_ENDPOINT='{address}' python mcp_pipe.py 你的工具.py";
        en: "the server works, but this agent has no tools: its tool server is not running, or uses another agent's address. Start it: MCP_ENDPOINT='{address}' python mcp_pipe.py your_tool.py";
    }
    /// The connection does not survive silence.
    cause_cut_when_silent() {
        zh: "没有消息往来时，连接在几秒内就被切断: 代理的读超时太短。请调大到 60 秒以上 (nginx: proxy_read_timeout 300s;)，它必须大于 [websocket] ping_interval";
        en: "the connection is cut after a few seconds of silence: the read timeout of a proxy is too short. Set it to more than 60 s (nginx: proxy_read_timeout 300s;), and to more than [websocket] ping_interval";
    }
    /// The console's kind of address.
    kind_console() {
        zh: "智控台地址: 填入智控台，工具端不能用它";
        en: "console address: for the manager console, not for tool servers";
    }
    /// A tool server's kind of address.
    kind_tool() {
        zh: "工具端地址: 交给工具端程序；其中只有 token，因此只以小智端身份查看";
        en: "tool server address: for tool servers. It has a token and no key, so the doctor connects as a robot and only looks";
    }
    /// A robot's kind of address.
    kind_robot() {
        zh: "小智端地址 (/call/): 工具端要用的是 /mcp/ 的那一个；工具端连到这里会被当作小智端";
        en: "robot address (/call/): tool servers need the one with /mcp/; a tool server that connects here is taken for a robot";
    }
    /// An address of the server without a path.
    kind_base() { zh: "服务器地址"; en: "server address"; }
    /// Another service's kind of address.
    kind_foreign() { zh: "不是本服务器的地址"; en: "not an address of this server"; }
    /// An address of another service.
    flaw_foreign() {
        zh: "路径中没有 /mcp_endpoint，这不是本服务器的地址；官方 xiaozhi.me 的接入点就是这样的。请使用本服务器打印的地址";
        en: "the path has no /mcp_endpoint, so this is not an address of this server; addresses of the official xiaozhi.me look like this. Use an address that this server prints";
    }
    /// The wrong scheme.
    flaw_scheme(given: &str, right: &str) {
        zh: "这种地址应以 {right} 开头，而不是 {given}。请改正后再用";
        en: "an address of this kind begins with {right}, not with {given}: change it";
    }
    /// A token in a console's address.
    flaw_token_for_key() {
        zh: "混用了两种地址: 智控台地址里要有 key=…，这里却是接入点地址的 token=…。请使用 `mcp-endpoint-server token` 打印的智控台地址";
        en: "two kinds of address are mixed up: a console address needs key=…, but this one has the token=… of a tool server address. Use the console address that `mcp-endpoint-server token` prints";
    }
    /// No key.
    flaw_no_key() {
        zh: "地址中没有 key=…，没有复制完整。请复制整个地址，在命令行中用单引号括起来";
        en: "the address has no key=…, so it is incomplete: copy the whole address, and put it in single quotes in a shell";
    }
    /// Copied from a text.
    flaw_placeholder() {
        zh: "地址中有省略号，是从文档里抄来的示例。请使用服务器打印的完整地址";
        en: "the address contains dots (…), so it is an example from a document. Use the whole address that the server prints";
    }
    /// `&amp;`
    flaw_entity() {
        zh: "地址中的 & 变成了 &amp;，是从网页源码复制所致。请改回 &";
        en: "the & in the address has become &amp;, because it was copied from the source of a web page. Change it back to &";
    }
    /// A `%` that begins no escape.
    flaw_broken_escape() {
        zh: "token 中有残缺的 % 转义，复制或粘贴时被改动或截断 (Windows 批处理会吃掉 %)。请重新复制整个地址，并用引号括起来";
        en: "the token has a broken % escape: it was changed or cut when it was copied (Windows batch files remove %). Copy the whole address again, and quote it";
    }
    /// `%252B`
    flaw_escaped_twice() {
        zh: "token 被编码了两次 (%25…)。请直接使用服务器打印的地址，不要再做 URL 编码";
        en: "the token is percent-encoded twice (%25…). Use the address as it is printed, and do not encode it again";
    }
}
