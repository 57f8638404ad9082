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
            CloseReason::TokenWithoutAgent => ("token 中没有 agentId", "the token names no agentId"),
            CloseReason::Replaced => {
                ("被同一 server_id 的新连接取代", "replaced by a newer connection of the same server_id")
            }
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
sentences! {}

// The log itself.
sentences! {}

// Plain HTTP, tokens and addresses.
sentences! {}

// The relay: what robots are told, and what happens to tools.
sentences! {}

// The shell: connections, limits, start and stop.
sentences! {}
