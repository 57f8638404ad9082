//! What goes wrong with tool servers that are HTTP services (docs/protocol.md#http-tool-servers).

use super::Language;

sentences! {
    /// It is dialled.
    service_dialled(authority: &str) { zh: "正在连接 {authority}"; en: "connecting to {authority}"; }
    /// There is no session with it any more, or still none.
    service_lost(name: &str, why: &str, wait: &str) {
        zh: "工具端 {name}: {why} ({wait}后重试)";
        en: "tool server {name}: {why} (tried again in {wait})";
    }
    /// The session was to end.
    service_session_over() { zh: "会话已关闭"; en: "the session is closed"; }
    /// The address needs TLS.
    service_needs_tls() {
        zh: "本程序不含 TLS，而 url 是 https 地址，无法连接；请改用局域网内的 http 地址，或经由本机上的代理连接";
        en: "this build has no TLS, so it cannot connect to a url with https. Use an http address in your network, or a proxy on this machine";
    }
    /// The name has no address.
    service_no_address(host: &str, error: &str) {
        zh: "找不到主机 {host} 的地址: {error}";
        en: "the host {host} has no address: {error}";
    }
    /// The lookup of a name takes too long.
    service_lookup_timeout() { zh: "域名服务器没有应答"; en: "the name server does not answer"; }
    /// Nobody listens there.
    service_refused(authority: &str) {
        zh: "{authority} 拒绝连接；服务启动了吗，端口对吗？";
        en: "{authority} refuses the connection. Is the service running, and is the port right?";
    }
    /// The system cannot get there.
    service_unreachable(authority: &str, error: &str) {
        zh: "无法连接 {authority}: {error}";
        en: "{authority} cannot be reached: {error}";
    }
    /// Nobody answers there at all.
    service_no_connection(authority: &str) {
        zh: "{authority} 没有应答连接请求；地址对吗，设备开着吗，是否被防火墙拦截？";
        en: "{authority} does not answer. Is the address right, is the machine on, does a firewall block it?";
    }
    /// It does not read what is sent.
    service_does_not_read() {
        zh: "它接受了连接，但不读取请求";
        en: "it accepts the connection, but does not read the request";
    }
    /// It does not answer.
    service_silent(seconds: u64) {
        zh: "它接受了连接，但 {seconds} 秒内没有答复";
        en: "it accepts the connection, but does not answer within {seconds} s";
    }
    /// It closes the connection without an answer.
    service_unanswered() {
        zh: "它没有答复就关闭了连接";
        en: "it closes the connection without an answer";
    }
    /// It does not speak HTTP.
    service_not_http() {
        zh: "它的答复不是 HTTP；这个端口是否需要 https？";
        en: "its answer is not HTTP. Does this port need https?";
    }
    /// The response breaks HTTP's rules.
    service_bad_response() {
        zh: "它的 HTTP 答复有误 (头部过大，或正文长度自相矛盾)";
        en: "its HTTP response is broken: the head is too large, or the length of the body contradicts itself";
    }
    /// The response is larger than it may be.
    service_too_large() {
        zh: "它的答复超过 max_message_size";
        en: "its answer is larger than max_message_size";
    }
    /// The response ends early.
    service_cut() {
        zh: "它的答复中断了，没有传完";
        en: "its answer breaks off before the end";
    }
    /// The key or token is wrong.
    service_denied(status: u16) {
        zh: "它拒绝访问 (HTTP {status})；请检查该条目 headers 中的密钥或令牌";
        en: "it denies access (HTTP {status}). Check the key or token in the headers of the entry";
    }
    /// It answers with an error.
    service_status(status: u16, body: &str) {
        zh: "它答复 HTTP {status}{body}";
        en: "it answers HTTP {status}{body}";
    }
    /// It answers that there is nothing at this path.
    service_no_path(status: u16, body: &str) {
        zh: "它答复 HTTP {status}{body}；url 中的路径对吗？";
        en: "it answers HTTP {status}{body}. Is the path in the url right?";
    }
    /// It sends the request elsewhere.
    service_redirect(to: &str) {
        zh: "它要求改用另一个地址 ({to})，这里不会跟随；请把该条目的 url 改为最终地址";
        en: "it redirects to another address ({to}), which is not followed. Give the final address as the url of the entry";
    }
    /// It answers with a web page.
    service_web_page() {
        zh: "它答复的是网页；url 中的路径对吗？";
        en: "it answers with a web page. Is the path in the url right?";
    }
    /// The answer is no message.
    service_no_message(start: &str) {
        zh: "它的答复不是 JSON-RPC 消息: {start}";
        en: "its answer is no JSON-RPC message: {start}";
    }
    /// The response has no answer to the request.
    service_no_answer() {
        zh: "它的 HTTP 答复中没有对该请求的应答";
        en: "its HTTP response has no answer to the request";
    }
    /// It sends what is no message, besides its answers.
    service_unreadable(name: &str, count: u32) {
        zh: "工具端 {name}: 服务发来 {count} 条不是 JSON-RPC 消息的内容，已忽略";
        en: "tool server {name}: {count} texts of the service are not JSON-RPC messages and are ignored";
    }
    /// It does not know the session any more.
    service_session_lost() {
        zh: "它已不认识这个会话 (HTTP 404)，可能重启过；正在重新握手";
        en: "it does not know the session any more (HTTP 404), perhaps after a restart. A new handshake follows";
    }
    /// It does not stream events.
    service_no_stream() {
        zh: "它没有提供事件流 (text/event-stream)；url 中的路径对吗？";
        en: "it does not offer a stream of events (text/event-stream). Is the path in the url right?";
    }
    /// The address for messages that the older transport names cannot be used.
    service_bad_endpoint() {
        zh: "它在 endpoint 事件中给出的地址无效，或不在同一主机和端口上";
        en: "the address in its endpoint event is invalid, or on another host or port";
    }
}
