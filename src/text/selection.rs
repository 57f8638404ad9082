//! Messages about the selection file, for the person who writes it.

use super::Language;

sentences! {
    /// What is wrong, and where in a file.
    place_column(file: &str, line: usize, column: usize, what: &str) {
        zh: "{file} 第 {line} 行第 {column} 列: {what}";
        en: "{file}, line {line}, column {column}: {what}";
    }
    /// JSON that is cut off.
    json_ends_early() {
        zh: "JSON 不完整，文件在此结束";
        en: "the JSON is incomplete: the file ends here";
    }
    /// A comment in JSON.
    json_comment() {
        zh: "JSON 中不能有注释；请删除";
        en: "JSON does not allow comments; remove this one";
    }
    /// A comma with nothing behind it.
    json_trailing_comma() {
        zh: "此括号前多了一个逗号；请删除";
        en: "trailing comma: remove the comma before this bracket";
    }
    /// Single quotes.
    json_quotes() {
        zh: "JSON 不允许单引号；请使用双引号";
        en: "JSON does not allow single quotes; use double quotes";
    }
    /// Something behind the closing brace.
    json_more_behind() {
        zh: "JSON 已经结束，后面有多余的内容；请删除";
        en: "there is text after the end of the JSON; remove it";
    }
    /// A character that cannot stand there.
    json_unexpected(found: &str) {
        zh: "此处不应有字符 {found}";
        en: "unexpected character {found}";
    }
    /// Another type of value.
    json_not_an_object() {
        zh: "应为对象 {…}";
        en: "must be an object: {…}";
    }
    /// Another type of value.
    json_not_a_list() {
        zh: "应为字符串列表，如 [\"time/*\"]";
        en: "must be a list of strings, such as [\"time/*\"]";
    }
    /// Another type of value.
    json_not_a_text() {
        zh: "应为非空的字符串";
        en: "must be a string that is not empty";
    }
    /// A key that is there before.
    json_said_twice() {
        zh: "键重复；请只保留一个";
        en: "duplicate key; keep only one";
    }
    /// A key nobody knows.
    json_unknown_key(known: &str) {
        zh: "未知的键；可用的键: {known}";
        en: "unknown key; known keys: {known}";
    }
    /// A key that names no agent.
    no_agent_has_this_name() {
        zh: "智能体 ID 的长度应为 1 到 256 字节";
        en: "an agent id has 1 to 256 bytes";
    }
    /// Too many patterns.
    too_many_patterns(most: usize) {
        zh: "* 不在末尾的模式超过 {most} 个；请合并，或写出完整的名称";
        en: "more than {most} patterns with a * that is not at their end; combine some of them, or write the names in full";
    }
    /// A pattern is too long.
    long_pattern(most: usize) {
        zh: "带 * 的模式超过 {most} 字节；请缩短";
        en: "a pattern with a * may have at most {most} bytes; shorten it";
    }
    /// A pattern where a name belongs.
    rename_is_exact() {
        zh: "应为工具的完整名称，不能含 *";
        en: "must be the full name of a tool, without *";
    }
    /// A new name that cannot be given.
    odd_new_name(most: usize) {
        zh: "新名称最多 {most} 字节，不能含引号、反斜杠或控制字符";
        en: "a new name may have at most {most} bytes, and no quotes, backslashes or control characters";
    }
    /// The message of an answer: the selection stays as it was.
    not_chosen() { zh: "工具选择没有更改"; en: "the selection of tools was not changed"; }
    /// A page of another site wants to change the selection.
    foreign_page() {
        zh: "只有本服务器自己的页面可以更改工具选择；经由代理访问时，请把浏览器使用的地址写进 [server] public_url";
        en: "only this server's own page may change the selection of tools; behind a proxy set [server] public_url to the address that browsers use";
    }
    /// A body whose length is unknown.
    length_missing() {
        zh: "请求必须有且只有一个 Content-Length，不能分块传输";
        en: "the request must have one Content-Length and no Transfer-Encoding";
    }
    /// A body that is too large.
    entry_too_large(most: usize) {
        zh: "一个智能体的工具选择最多 {most} KB；请用 * 模式代替逐个列出";
        en: "the selection of one agent may have at most {most} KB; use patterns with * instead of listing every name";
    }
    /// The file is not the one that was shown.
    selection_changed() {
        zh: "工具选择文件在载入之后已被修改；请重新载入后再试";
        en: "the selection file has changed since you loaded it; load it again, then repeat the change";
    }
    /// The file cannot be written.
    selection_not_saved(file: &str, why: String) {
        zh: "无法写入工具选择文件 {file}: {why}";
        en: "the selection file {file} cannot be written: {why}";
    }
    /// There is no file to write.
    no_selection_file() {
        zh: "[tools] selection_file 为空，没有可写入的文件；请填写文件路径";
        en: "there is no file to write, because [tools] selection_file is empty; set it to a path";
    }
    /// Others change files in the folder.
    selection_busy() {
        zh: "其他更改正在写入，请稍后重试";
        en: "other changes are being written; try again in a moment";
    }
    /// The disk does not answer.
    selection_slow() {
        zh: "写入工具选择文件耗时过长，请检查存储设备；重试前请重新载入，更改可能已经生效";
        en: "writing the selection file takes too long; check the disk. The change may still be made: load the selection again before you repeat the change";
    }
    /// Somebody has changed the selection.
    selection_saved(agent: &str, file: &str) {
        zh: "[agent {agent:?}] 工具选择已更改，并写入 {file}";
        en: "[agent {agent:?}] the selection of tools has changed and is saved in {file}";
    }
    /// Tools are chosen, but nothing is known of tools.
    selection_is_off(file: &str) {
        zh: "[relay] handshake = false 时不合并工具列表，因此 {file} 中的工具选择不起作用";
        en: "with [relay] handshake = false there is no merged list of tools, so the selection in {file} has no effect";
    }
}
