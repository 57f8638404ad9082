//! The errors robots are sent (docs/protocol.md#errors-to-robots), and what is wrong with a text.

use super::Language;
use jsonrpc::{Fault, FaultKind};

impl Language {
    /// What is wrong with a text that is not a message, and where.
    pub fn fault(self, fault: Fault) -> String {
        let what = match fault.kind {
            FaultKind::EndsEarly => self.fault_ends_early(),
            FaultKind::ControlCharacter => self.fault_control_character(),
            FaultKind::BadEscape => self.fault_bad_escape(),
            FaultKind::MoreBehind => self.fault_more_behind(),
            FaultKind::Unexpected => self.fault_unexpected(),
            FaultKind::NoObject => self.fault_no_object(),
            FaultKind::OddMember => self.fault_odd_member(),
            FaultKind::NoAnswer => self.fault_no_answer(),
            FaultKind::NoRoom => self.fault_no_room(),
        };
        self.fault_at(&what, fault.at)
    }
}

// Errors to robots, and their causes.
sentences! {
    /// Error -32001.
    no_tool() { zh: "工具端未连接"; en: "Tool server not connected"; }
    /// Error -32001, the details.
    no_tool_details() {
        zh: "请求的工具端连接不存在或已断开";
        en: "The agent has no tool server connected, or it has just disconnected";
    }
    /// Error -32002.
    not_forwarded() { zh: "转发消息失败"; en: "Message could not be forwarded"; }
    /// Error -32002, the details.
    not_forwarded_details(cause: String) {
        zh: "消息转发过程中发生错误: {cause}";
        en: "The message was not forwarded: {cause}";
    }
    /// A cause of -32002.
    tool_queue_full() {
        zh: "工具端来不及接收，等待发送的数据已达上限 (max_queued)";
        en: "the tool server does not read fast enough, and its queue is full (max_queued)";
    }
    /// A cause of -32002. The tool server is shared by agents.
    seat_queue_full() {
        zh: "该智能体在此工具端未完成的调用已达上限 (64 个，待发送数据不超过 max_queued 的四分之一)，或工具端来不及接收";
        en: "this agent has as much under way at this tool server as it may (64 calls, and a quarter of max_queued), or the tool server does not read fast enough";
    }
    /// A cause of -32002.
    robot_queue_full() {
        zh: "小智端来不及接收，等待发送的数据已达上限 (max_queued)";
        en: "the robot does not read fast enough, and its queue is full (max_queued)";
    }
    /// A cause of -32002.
    too_much_held() {
        zh: "等待工具端的请求过多 (max_queued)";
        en: "too many requests wait for the tool server (max_queued)";
    }
    /// A cause of -32002.
    too_many_subscriptions() {
        zh: "订阅的资源过多，或资源地址过长";
        en: "too many subscribed resources, or the address of this one is too long";
    }
    /// A cause of -32002.
    memory_spent() {
        zh: "内存额度已用尽，而该智能体占用最多 (memory_limit)";
        en: "the memory limit is reached, and this agent uses the most (memory_limit)";
    }
    /// A cause of -32002.
    too_many_in_flight(limit: usize) {
        zh: "该连接未完成的请求已达上限 {limit} 个 (max_in_flight)";
        en: "this connection has reached its limit of requests in flight (max_in_flight = {limit})";
    }
    /// A cause of -32002.
    answer_unreadable(fault: &str) {
        zh: "工具端的答复无法读取: {fault}";
        en: "the tool server's answer cannot be read: {fault}";
    }
    /// A tool has failed without giving a reason.
    failed_without_words() {
        zh: "工具执行失败，没有给出原因";
        en: "The tool failed without giving a reason";
    }
    /// A cause of -32002; `of` says whose answer it is.
    answer_too_large(size: usize, of: &str) {
        zh: "答复{of}有 {size} 字节，而 xiaozhi-server 收到超过 1 MiB 的消息会断开会话，因此没有转发";
        en: "the answer{of} has {size} bytes. xiaozhi-server ends its session at a message over 1 MiB, so the answer was not forwarded";
    }
    /// Whose answer it is: of which tool, or any other name, and of which tool server.
    answer_of(name: &str, label: &str) {
        zh: " (工具 {name:?}，工具端 {label:?}) ";
        en: " of the tool {name:?} (tool server {label:?})";
    }
    /// Robots send too much that goes to several tool servers.
    too_much_at_once() {
        zh: "短时间内发往多个工具端的请求过多，请稍后再试";
        en: "too many requests to several tool servers in a short time; try again in a moment";
    }
    /// Error -32003.
    tool_lost() { zh: "工具端连接已断开"; en: "Tool server disconnected"; }
    /// Error -32003, the details.
    tool_lost_details(why: &str) {
        zh: "工具端在答复之前断开了连接: {why}";
        en: "The tool server disconnected before it answered: {why}";
    }
    /// Error -32005.
    timed_out() { zh: "工具端响应超时"; en: "Tool server timed out"; }
    /// Error -32005, the details.
    timed_out_details() {
        zh: "工具端未在 request_timeout 内答复";
        en: "The tool server did not answer within request_timeout";
    }
    /// Error -32602, the details.
    unknown_name_details() {
        zh: "该智能体已连接的工具端都不提供它";
        en: "No connected tool server of this agent offers it";
    }
    /// Error -32601, the details.
    unknown_method_details() {
        zh: "该智能体已连接的工具端都不支持此方法";
        en: "No connected tool server of this agent supports this method";
    }
    /// Error -32700, the details.
    not_json_details() { zh: "消息不是有效的 JSON"; en: "The message is not valid JSON"; }
    /// Error -32600, the details.
    not_a_message_details() {
        zh: "消息不是 JSON-RPC 请求、通知或答复";
        en: "The message is not a JSON-RPC request, notification or response";
    }
    /// Error -32600, the details for a token that cannot be replaced.
    unclear_token_details() {
        zh: "_meta 或其中的 progressToken 重复，无法确定用哪一个";
        en: "_meta or its progressToken occurs twice, so it is unclear which one counts";
    }
    /// Error -32600, the details for a batch.
    batch_details() {
        zh: "不支持批量消息，请逐条发送";
        en: "Batches are not supported; send the messages one by one";
    }
}

// What is wrong with a text that is not a message.
sentences! {
    /// What is wrong with a text, and where.
    fault_at(what: &str, at: usize) { zh: "{what} (第 {at} 字节)"; en: "{what} at byte {at}"; }
    /// What is wrong with a text.
    fault_ends_early() { zh: "JSON 不完整"; en: "the JSON is incomplete"; }
    /// What is wrong with a text.
    fault_control_character() {
        zh: "含有未转义的控制字符 (如制表符、换行)";
        en: "an unescaped control character (such as a tab)";
    }
    /// What is wrong with a text.
    fault_bad_escape() { zh: "字符串中的转义无效"; en: "an invalid escape in a string"; }
    /// What is wrong with a text.
    fault_more_behind() {
        zh: "一条消息之后还有内容 (每帧只能有一条消息)";
        en: "text after the end of the message (one message per frame)";
    }
    /// What is wrong with a text.
    fault_unexpected() { zh: "JSON 中有不应出现的字符"; en: "an unexpected character in the JSON"; }
    /// What is wrong with a text.
    fault_no_object() { zh: "不是 JSON 对象"; en: "not a JSON object"; }
    /// What is wrong with a text.
    fault_odd_member() {
        zh: "id、method、params、result 或 error 重复，或 method 不是字符串";
        en: "a second id, method, params, result or error, or a method that is not a string";
    }
    /// What is wrong with a text.
    fault_no_answer() {
        zh: "既没有 method，也没有 result 或 error";
        en: "neither method nor result nor error";
    }
    /// What is wrong with a text.
    fault_no_room() {
        zh: "含有换行，而内存不足，无法整理成一行";
        en: "it has line breaks, and there is no memory for a copy without them";
    }
}
