//! What plain HTTP answers: what happened, and what to do.

use super::Language;

sentences! {
    /// An address that devices cannot reach.
    address_loopback() {
        zh: "这个地址只能在服务器本机使用，其他设备无法连接。请设置 [server] host = 0.0.0.0 并重启，再用服务器的局域网地址打开本页";
        en: "This address works on the server's own machine only; devices cannot reach it. Set [server] host = 0.0.0.0, restart, and open this page at the machine's address in your network";
    }
    /// 400: no agent, or one that cannot be.
    agent_missing() { zh: "参数 agent 缺失或无效"; en: "the parameter agent is missing or not valid"; }
    /// 400: what to do.
    agent_missing_details() {
        zh: "请在地址中给出 agent=智能体ID (UTF-8，最多 256 字节)";
        en: "put agent=ID into the address (UTF-8, at most 256 bytes)";
    }
    /// 401: what happened. Clients know the Chinese wording.
    key_refused() { zh: "密钥验证失败"; en: "the key was not accepted"; }
    /// 401: why, and what to do.
    key_refused_details() {
        zh: "提供的密钥无效或缺失";
        en: "the key is wrong or missing: send the value of [server] key as ?key=… or as `Authorization: Bearer …`";
    }
    /// 404: what happened.
    not_found() { zh: "没有这个地址"; en: "there is nothing at this address"; }
    /// 404: what there is instead.
    not_found_details(path: &str, known: &str) {
        zh: "收到的路径是 {path}，可用的路径有: {known}。若反向代理在路径前加了前缀，请把该前缀填入 [server] path_prefix";
        en: "the server received the path {path}; available paths: {known}. If a proxy adds a prefix, set [server] path_prefix to that prefix";
    }
    /// 405: what happened.
    wrong_method() { zh: "这个地址不接受该请求方法"; en: "this address does not accept this method"; }
    /// 405: what to do.
    wrong_method_details(allowed: &str) { zh: "请使用 {allowed}"; en: "use {allowed}"; }
    /// 426: what happened.
    upgrade_needed() {
        zh: "这里是 WebSocket 接入点，收到的却是普通 HTTP 请求";
        en: "this is a WebSocket endpoint, but the request is plain HTTP";
    }
    /// 426: what to do.
    upgrade_needed_details() {
        zh: "请用 WebSocket 客户端以 ws:// 或 wss:// 连接；若经过反向代理，请让它转发 Upgrade 和 Connection 请求头";
        en: "connect with a WebSocket client to ws:// or wss://; a proxy in between must forward the headers Upgrade and Connection";
    }
    /// 426: what happened, where the client has another WebSocket version.
    upgrade_version() { zh: "不支持这个 WebSocket 版本"; en: "this WebSocket version is not supported"; }
    /// 426: what to do about it.
    upgrade_version_details() {
        zh: "本服务器只支持版本 13 (RFC 6455)，请求头应为 Sec-WebSocket-Version: 13；请升级客户端";
        en: "only version 13 (RFC 6455) is supported, and the header must be Sec-WebSocket-Version: 13; use a newer client";
    }
    /// 400: what happened to an upgrade.
    upgrade_key() {
        zh: "请求头 Sec-WebSocket-Key 缺失或无效";
        en: "the header Sec-WebSocket-Key is missing or not valid";
    }
    /// 400: what to do about it.
    upgrade_key_details() {
        zh: "它应恰好出现一次，值为 16 个字节的 Base64；请检查客户端，以及代理是否改动了请求头";
        en: "the header must occur once, with 16 bytes in Base64; check the client, and proxies that change headers";
    }
    /// An upgrade request has a body.
    upgrade_with_body_details() {
        zh: "WebSocket 升级请求不得带有正文；请去掉 Content-Length 和 Transfer-Encoding";
        en: "an upgrade request must not have a body; remove Content-Length and Transfer-Encoding";
    }
    /// 403: what happened.
    origin_refused() { zh: "不接受来自这个网页的连接"; en: "connections from this web page are not accepted"; }
    /// 403: what to do.
    origin_refused_details() {
        zh: "请求的 Origin 不在 [security] allowed_origins 之中；若信任该网页，请把它的来源加进去";
        en: "its Origin is not in [security] allowed_origins; add it there if you trust the page";
    }
    /// 400: what happened.
    bad_head() { zh: "收到的不是有效的 HTTP 请求"; en: "this is not a valid HTTP request"; }
    /// 400: what to do.
    bad_head_details() {
        zh: "这个端口只接受明文 HTTP/1.1；请检查客户端，并确认没有用 https:// 或 wss:// 直接访问它";
        en: "this port accepts plain HTTP/1.1 only; check the client, and do not use https:// or wss:// here directly";
    }
    /// 408: what happened.
    head_too_slow() { zh: "请求头没有及时到齐"; en: "the request head did not arrive in time"; }
    /// 408: what to do.
    head_too_slow_details() {
        zh: "整个请求头须在 [websocket] handshake_timeout 之内到达；请检查网络后重试";
        en: "the whole request head must arrive within [websocket] handshake_timeout; check the network and try again";
    }
    /// 408: what happened to a body.
    body_too_slow() { zh: "请求正文没有及时到齐"; en: "the request body did not arrive in time"; }
    /// 408: what to do about it.
    body_too_slow_details() {
        zh: "正文须在连接建立后的 [websocket] handshake_timeout 之内到达，长度须与 Content-Length 一致；请检查网络和客户端后重试";
        en: "the whole body must arrive within [websocket] handshake_timeout of connecting, and be as long as Content-Length says; check the network and the client, and try again";
    }
    /// 414: what happened.
    target_too_long() { zh: "请求的地址过长"; en: "the address is too long"; }
    /// 414: what to do.
    target_too_long_details() {
        zh: "地址连同请求头最多 8 KiB；请检查地址中的 token 等参数是否完整无误";
        en: "the address and the headers together may have 8 KiB; check the token and the other parameters of the address";
    }
    /// 431: what happened.
    head_too_large() { zh: "请求头过大"; en: "the request head is too large"; }
    /// 431: what to do.
    head_too_large_details() {
        zh: "请求头最多 8 KiB、100 项；请减少 Cookie 等请求头后重试";
        en: "the request head may have 8 KiB and 100 headers; send fewer headers, for example fewer cookies";
    }
    /// 503: what happened.
    too_many_connections() { zh: "连接数已达上限"; en: "the connection limit is reached"; }
    /// 503: what to do.
    too_many_connections_details() {
        zh: "已有的连接不受影响；请稍后重试，或调大 [websocket] max_connections";
        en: "open connections are not affected; try again later, or raise [websocket] max_connections";
    }
    /// 503: one agent has as many connections as it may have.
    too_many_of_agent_details() {
        zh: "该智能体的连接数已达上限，请稍后再试；服务器日志写明了相应的设置";
        en: "this agent has as many connections as allowed; try again later. The server's log names the setting";
    }
    /// 505: what happened.
    wrong_http_version() { zh: "不支持这个 HTTP 版本"; en: "this HTTP version is not supported"; }
    /// 505: what to do.
    wrong_http_version_details() {
        zh: "请使用 HTTP/1.1；若经过反向代理，请让它以 HTTP/1.1 连接本服务器";
        en: "use HTTP/1.1; a proxy in between must use HTTP/1.1 towards this server";
    }
}
