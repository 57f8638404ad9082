//! Why connections end, and why some come to nothing.

use super::Language;
use crate::close::{CloseReason, Detail, Ending, RefusalReason};
use ws::FrameError;

// Connections and their ends.
impl Language {
    /// Why a connection ended.
    pub fn close_reason(self, reason: CloseReason) -> &'static str {
        self.either(match reason {
            CloseReason::TokenMissing => ("地址中没有 token 参数", "the address has no token"),
            CloseReason::TokenUndecipherable => {
                ("token 无法用本机密钥解密", "the token was not made with this server's key")
            }
            CloseReason::TokenMalformed => {
                ("token 的内容不是要求的 JSON", "the token does not contain the expected JSON")
            }
            CloseReason::TokenWithoutAgent => ("token 中没有 agentId", "the token has no agentId"),
            CloseReason::Replaced => (
                "被同一 server_id 的新连接取代",
                "replaced by a newer connection of the same server_id",
            ),
            CloseReason::PeerClosed => ("对方关闭了连接", "closed by the peer"),
            CloseReason::PeerVanished => {
                ("连接中断，对方没有发送关闭帧", "the connection broke without a close frame")
            }
            CloseReason::PingTimeout => {
                ("心跳超时", "nothing was heard within ping_timeout after a ping")
            }
            CloseReason::NotReading => ("对方不读取数据", "the peer does not read"),
            CloseReason::MemorySpent => (
                "内存额度 (memory_limit) 用尽",
                "memory_limit is reached, and the owner of this connection used the most",
            ),
            CloseReason::ProtocolError => ("WebSocket 协议错误", "WebSocket protocol error"),
            CloseReason::BadUtf8 => ("文本不是有效的 UTF-8", "a text message is not UTF-8"),
            CloseReason::TooBig => {
                ("消息超过 max_message_size", "a message is larger than max_message_size")
            }
            CloseReason::HeadTimeout => (
                "请求头未在 handshake_timeout 内到齐",
                "the request head did not arrive within handshake_timeout",
            ),
            CloseReason::Answered => ("请求已答复", "answered"),
            CloseReason::ServerStops => ("服务器停止或重启", "the server stops or restarts"),
            CloseReason::ManagedEnded => ("工具端已结束", "the tool server ended"),
            CloseReason::NotNeeded => ("不再需要", "no longer needed"),
        })
    }

    /// How a connection ended. The words of a close frame are escaped.
    pub fn ending(self, ending: &Ending) -> String {
        let reason = self.close_reason(ending.reason);
        match &ending.detail {
            Detail::Said(code, words) if words.is_empty() => format!("{reason} ({code})"),
            Detail::Said(code, words) => format!("{reason} ({code} {words:?})"),
            Detail::Wrong(error @ FrameError::CloseCode(code)) => {
                format!("{reason}: {}: {code}", self.frame_error(*error))
            }
            Detail::Wrong(error) if ending.reason == CloseReason::ProtocolError => {
                format!("{reason}: {}", self.frame_error(*error))
            }
            Detail::Words(words) => format!("{reason}: {words}"),
            Detail::Wrong(_) | Detail::Nothing => reason.to_owned(),
        }
    }
}

// Frames that break the protocol.
impl Language {
    /// What is wrong with a frame.
    pub fn frame_error(self, error: FrameError) -> &'static str {
        self.either(match error {
            FrameError::ReservedBits => (
                "帧的保留位不为 0 (没有协商任何扩展)",
                "a frame has a reserved bit set, but no extension was negotiated",
            ),
            FrameError::Opcode => ("帧的操作码无效", "a frame has an unknown opcode"),
            FrameError::Unmasked => ("帧没有掩码", "a frame is not masked"),
            FrameError::ControlInPieces => ("控制帧被分片", "a control frame is fragmented"),
            FrameError::ControlTooLong => {
                ("控制帧超过 125 字节", "a control frame is longer than 125 bytes")
            }
            FrameError::NothingToContinue => (
                "收到延续帧，却没有未完的消息",
                "a continuation frame without a message to continue",
            ),
            FrameError::MessageInMessage => (
                "上一条消息的分片尚未结束就开始了新消息",
                "a new message begins before the last fragment of the previous one",
            ),
            FrameError::CloseTooShort => {
                ("关闭帧只有 1 个字节", "a close frame has one byte of payload")
            }
            FrameError::CloseCode(_) => {
                ("关闭帧带有不允许发送的状态码", "a close code that must not be sent")
            }
            FrameError::CloseNotUtf8 => {
                ("关闭帧中的原因不是有效的 UTF-8", "the reason in a close frame is not UTF-8")
            }
            FrameError::TextNotUtf8 => ("文本不是有效的 UTF-8", "a text message is not UTF-8"),
            FrameError::TooBig => {
                ("消息超过 max_message_size", "a message is larger than max_message_size")
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
                "the address has no token. Copy the whole address; in a shell, quote it, or everything after & is lost",
            ),
            RefusalReason::ConsoleAddress => (
                "这是智控台的地址 (?key=…)，不是接入点地址。工具端和小智端请使用带 ?token=… 的 ws:// 地址",
                "this is the console address (?key=…). Tool servers and robots need the ws:// address with ?token=…",
            ),
            RefusalReason::KeyForToken => (
                "token 参数的值是一个密钥，而不是 token。请使用启动时打印或智控台显示的接入点地址",
                "the token parameter contains a key, not a token. Use the address printed at start-up or shown by the console",
            ),
            RefusalReason::TokenMangled => (
                "token 不完整或被改动 (不是 Base64，或长度不对)。请重新复制完整的地址，并在命令行中用引号括起来",
                "the token is incomplete or changed (not Base64, or of a wrong length). Copy the whole address again; in a shell, quote it",
            ),
            RefusalReason::TokenOfAnotherKey => (
                "token 由另一个密钥生成: 本机密钥更换过，或者这是另一台服务器的地址。请使用由本机密钥生成的新地址",
                "the token was made with another key: this server's key has changed, or the address belongs to another server. Use a new address of this server",
            ),
            RefusalReason::TokenMalformed => (
                "token 解密后不是要求的 JSON，应为 {\"agentId\": \"名称\"}。请检查生成 token 的程序",
                "the decrypted token is not the expected JSON, {\"agentId\": \"NAME\"}. Check the program that makes the token",
            ),
            RefusalReason::TokenWithoutAgent => (
                "token 中没有 agentId，或它为空、不是文本、超过 256 字节。请检查生成 token 的程序",
                "the token has no agentId, or the agentId is empty, not a string or over 256 bytes. Check the program that makes the token",
            ),
            RefusalReason::WrongKey => (
                "密钥无效或缺失。请使用启动时打印的智控台地址",
                "the key is missing or wrong. Use the console address printed at start-up",
            ),
            RefusalReason::WrongPath => (
                "这个路径下没有任何东西 (404): 地址被改动过，或者被代理改写 (见 path_prefix)",
                "there is nothing at this path (404): the address was changed by hand or by a proxy (see path_prefix)",
            ),
            RefusalReason::ForbiddenOrigin => (
                "不接受来自该网页的连接。若信任它，请把它的来源加入 [security] allowed_origins",
                "web pages of this origin may not connect. If you trust the page, add its origin to [security] allowed_origins",
            ),
            RefusalReason::NoUpgrade => (
                "以普通 HTTP 访问了 WebSocket 接入点。若经过反向代理，请让它转发 Upgrade 和 Connection 请求头",
                "a plain HTTP request to a WebSocket endpoint. If a proxy is in between, make it forward the headers Upgrade and Connection",
            ),
            RefusalReason::TlsSpoken => (
                "对方使用 TLS (https:// 或 wss://)，而本端口只接受明文。请改用 ws://，或在前面设置反向代理",
                "the peer speaks TLS (https:// or wss://), but this port does not. Use ws://, or put a proxy with TLS in front",
            ),
            RefusalReason::TooManyConnections => (
                "连接数已达上限 (503)；已有连接不受影响。可调大 [websocket] max_connections",
                "the connection limit is reached (503); open connections are not affected. To allow more, raise [websocket] max_connections",
            ),
            RefusalReason::TooManyOfAgent => (
                "该智能体的连接数已达上限 (503)；其他智能体不受影响。可调整 [websocket] max_connections_per_agent",
                "this agent has as many connections as allowed (503); other agents are not affected. The limit is [websocket] max_connections_per_agent",
            ),
            RefusalReason::GaveWay => (
                "连接位置已满，这个沉默最久且未出示 token 的连接被关闭，让位给新连接；已建立的连接不受影响。可调大 [websocket] max_connections",
                "all places are taken. This connection had no token and was silent longest, so it was closed for a new one; established connections are not affected. To allow more, raise [websocket] max_connections",
            ),
            RefusalReason::TooManySilent => (
                "同一地址上未出示 token 的连接超过 64 个，其中沉默最久的被关闭；其他地址不受影响。请检查该地址上的程序；若它是反向代理，请写入 [security] trusted_proxies",
                "more than 64 connections without a token are open from this address; the one silent longest is closed; other addresses are not affected. Check the program there; if it is a proxy, add it to [security] trusted_proxies",
            ),
            RefusalReason::TooManyHeads => (
                "未到齐的请求头占用内存达到 [websocket] memory_limit 的四分之一，其中最旧的被关闭；已建立的连接不受影响",
                "incomplete request heads take a quarter of [websocket] memory_limit; the oldest one is closed; established connections are not affected",
            ),
            RefusalReason::HeadTooSlow => (
                "请求头未在 [websocket] handshake_timeout 内到齐。请检查网络和客户端",
                "the request head did not arrive within [websocket] handshake_timeout. Check the network and the client",
            ),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_peer_closes_with_is_reported_and_escaped() {
        for (payload, shown) in [
            (&b""[..], "closed by the peer"),
            (b"\x03\xe9", "closed by the peer (1001)"),
            (b"\x03\xe8going\n\x1b[2Jaway", "closed by the peer (1000 \"going\\n\\u{1b}[2Jaway\")"),
            (b"\x0f\xa0\xe5\x86\x8d\xe8\xa7\x81", "closed by the peer (4000 \"再见\")"),
        ] {
            assert_eq!(Language::En.ending(&Ending::of_close_frame(payload)), shown);
        }
    }

    #[test]
    fn each_error_of_the_protocol_has_its_own_words() {
        let language = Language::En;
        let shown = |error: FrameError| language.ending(&error.into());
        assert_eq!(shown(FrameError::Unmasked), "WebSocket protocol error: a frame is not masked");
        let of_code = "WebSocket protocol error: a close code that must not be sent: 1005";
        assert_eq!(shown(FrameError::CloseCode(1005)), of_code);
        assert_eq!(shown(FrameError::TextNotUtf8), language.close_reason(CloseReason::BadUtf8));
        assert_eq!(shown(FrameError::TooBig), language.close_reason(CloseReason::TooBig));
    }
}
