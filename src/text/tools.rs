//! What the commands `call` and `tools` say.

use super::Language;
use std::fmt::Display;

// `--help`
sentences! {
    /// In `--help`.
    help_tools() {
        zh: "列出或选择某个智能体的工具，默认 single_module";
        en: "List or choose the tools of an agent, single_module by default";
    }
    /// In `--help`.
    help_call() {
        zh: "像设备一样调用一个工具，打印结果";
        en: "Call a tool as a device does, and print the result";
    }
    /// `tools --help`
    usage_of_tools() {
        zh: "用法: mcp-endpoint-server tools [智能体] [--json]\n      mcp-endpoint-server tools [智能体] [--hide 模式] [--show 模式] [--only 模式]\n\n列出运行中的服务器为某个智能体提供的工具: 名称、工具端、说明。\n不写智能体则为 single_module。工具的数量和大约的 token 数 (字符数 / 3) 写到标准错误输出。\n\n以下选项更改该智能体的工具选择，可以重复，也可以一起用；服务器运行时立即生效，否则写入文件，下次启动时生效。\n模式与工具本来的名称或 标签/名称 比较，* 代表任意文字，请加引号。智能体写成 '*' 表示对所有智能体生效。\n\n  --hide 模式  隐藏这些工具\n  --show 模式  从隐藏的模式中去掉这一个\n  --only 模式  只提供这些工具；'*' 表示不再限制，'' 表示沿用 '*' 的设置\n  --json       以 JSON 打印，包含完整的说明和参数定义\n  -c FILE      服务器的配置文件\n\n退出状态: 0 成功；1 失败；2 用法或配置有误。\n\n例:\n  mcp-endpoint-server tools\n  mcp-endpoint-server tools kitchen --json\n  mcp-endpoint-server tools kitchen --only 'time/*' --only 'home/*' --hide 'home/debug_*'\n  mcp-endpoint-server tools '*' --hide 'debug_*'";
        en: "Usage: mcp-endpoint-server tools [AGENT] [--json]\n       mcp-endpoint-server tools [AGENT] [--hide PATTERN] [--show PATTERN] [--only PATTERN]\n\nLists the tools that the running server offers to an agent: name, tool server, description.\nWithout AGENT it is single_module. How many tools there are, and about how many tokens they take\n(characters / 3), goes to standard error.\n\nThese options change the selection of the agent. Each may be repeated, and they can be combined.\nThe change holds at once; without a running server it is written to the file and holds from the\nnext start. A pattern is compared with the tool's own name and with LABEL/TOOL. * stands for any\ntext; quote it. The AGENT '*' is all agents.\n\n  --hide PATTERN  Hide these tools\n  --show PATTERN  Remove this pattern from the hidden ones\n  --only PATTERN  Offer only these tools; '*' removes the limit, '' uses that of all agents\n  --json          Print JSON, with whole descriptions and schemas\n  -c FILE         The server's configuration file\n\nExit status: 0 done; 1 it did not work; 2 wrong use or configuration.\n\nExamples:\n  mcp-endpoint-server tools\n  mcp-endpoint-server tools kitchen --json\n  mcp-endpoint-server tools kitchen --only 'time/*' --only 'home/*' --hide 'home/debug_*'\n  mcp-endpoint-server tools '*' --hide 'debug_*'";
    }
    /// `call --help`
    usage_of_call() {
        zh: "用法: mcp-endpoint-server call 工具 [参数名=值 …] [--agent 智能体] [--json]\n      mcp-endpoint-server call 工具 'JSON' [--agent 智能体] [--json]\n\n像设备一样连接运行中的服务器，调用一个工具，并打印结果中的文本。\n图片、音频等存为当前目录下的新文件，文件名写到标准错误输出；进度也写到标准错误输出。\n\n  参数名=值   一个参数，按工具的参数定义转换类型；列表和对象写成 JSON\n  JSON        全部参数，一个 JSON 对象\n  --agent A   工具属于哪个智能体，默认 single_module\n  --json      以 JSON 打印完整的结果\n  -c FILE     服务器的配置文件\n\n退出状态: 0 成功；1 调用失败；2 用法有误。\n\n例:\n  mcp-endpoint-server call calculator python_expression='130000 * 130000'\n  mcp-endpoint-server call calculator '{\"python_expression\": \"1 + 1\"}' --json";
        en: "Usage: mcp-endpoint-server call TOOL [NAME=VALUE …] [--agent A] [--json]\n       mcp-endpoint-server call TOOL 'JSON' [--agent A] [--json]\n\nConnects to the running server as a device does, calls a tool, and prints the text of the result.\nPictures, audio and the like become new files in the current folder, whose names go to standard\nerror. So does the progress of the call.\n\n  NAME=VALUE  An argument. The tool's schema says its type; write lists and objects as JSON\n  JSON        All arguments, as one JSON object\n  --agent A   The agent whose tool it is, single_module by default\n  --json      Print the whole result as JSON\n  -c FILE     The server's configuration file\n\nExit status: 0 if the tool did it, 1 if the call failed, 2 for wrong use.\n\nExamples:\n  mcp-endpoint-server call calculator python_expression='130000 * 130000'\n  mcp-endpoint-server call calculator '{\"python_expression\": \"1 + 1\"}' --json";
    }
}

// Wrong use.
sentences! {
    /// `call` alone.
    call_without_tool() {
        zh: "缺少工具名: call 工具 [参数名=值 …]；`mcp-endpoint-server tools` 列出全部工具";
        en: "call needs the name of a tool: call TOOL [NAME=VALUE …]; `mcp-endpoint-server tools` lists the tools";
    }
    /// An argument that has no `=`.
    argument_without_name(word: &str) {
        zh: "无法理解参数 {word}: 请写成 参数名=值，或把全部参数写成一个 JSON 对象，例如 '{{\"参数名\": 1}}'";
        en: "cannot understand the argument {word}: write NAME=VALUE, or all arguments as one JSON object, such as '{{\"NAME\": 1}}'";
    }
    /// JSON and `name=value` together.
    arguments_mixed() {
        zh: "JSON 对象须包含全部参数，不能再加其他参数";
        en: "a JSON object must contain all arguments: nothing can be added to it";
    }
    /// The JSON cannot be read.
    arguments_not_json(line: usize, column: usize) {
        zh: "参数不是正确的 JSON: 第 {line} 行第 {column} 列有误。请检查引号；也可以写成 参数名=值";
        en: "the arguments are not valid JSON: see line {line}, column {column}. Check the quotes, or write NAME=VALUE instead";
    }
    /// An argument is there twice.
    argument_twice(name: &str) { zh: "参数 {name} 写了两次"; en: "the argument {name} is given twice"; }
    /// An argument that the tool does not have, and what it has.
    argument_unknown(tool: &str, name: &str, known: &str) {
        zh: "工具 {tool} 没有参数 {name}；它的参数: {known}";
        en: "the tool {tool} has no argument {name}; its arguments are: {known}";
    }
    /// An argument that the tool does not have, and the one that was probably meant.
    argument_misspelt(tool: &str, name: &str, nearest: &str) {
        zh: "工具 {tool} 没有参数 {name}；可能应为 `{nearest}`";
        en: "the tool {tool} has no argument {name}; did you mean `{nearest}`?";
    }
    /// The tool takes no arguments.
    argument_unwanted(tool: &str, name: &str) {
        zh: "工具 {tool} 不需要参数，但给出了 {name}";
        en: "the tool {tool} takes no arguments, but {name} is given";
    }
    /// Required arguments are missing.
    arguments_missing(tool: &str, names: &str) {
        zh: "工具 {tool} 缺少参数: {names}；请写成 参数名=值";
        en: "missing arguments for the tool {tool}: {names}; write NAME=VALUE";
    }
    /// A value of another type.
    argument_of_type(name: &str, value: &str, types: &str) {
        zh: "参数 {name} 的值 {value} 类型不对，应为: {types}";
        en: "the argument {name} cannot be {value}; it must be {types}";
    }
    /// A value that is none of those allowed.
    argument_of_choice(name: &str, value: &str, choices: &str) {
        zh: "参数 {name} 不能是 {value}；可选的值: {choices}";
        en: "the argument {name} cannot be {value}; allowed values: {choices}";
    }
    /// A type of JSON.
    type_integer() { zh: "整数"; en: "a whole number"; }
    /// A type of JSON.
    type_number() { zh: "数字"; en: "a number"; }
    /// A type of JSON.
    type_boolean() { zh: "true 或 false"; en: "true or false"; }
    /// A type of JSON.
    type_array() { zh: "JSON 列表，如 [1, 2]"; en: "a JSON list such as [1, 2]"; }
    /// A type of JSON.
    type_object() { zh: "JSON 对象，如 {\"a\": 1}"; en: "a JSON object such as {\"a\": 1}"; }
}

// What came of a call.
sentences! {
    /// The server is not reached, or ends the connection.
    call_not_possible(base: &str, why: &str) { zh: "无法通过 {base} 调用: {why}"; en: "cannot call over {base}: {why}"; }
    /// The agent has no tool of this name.
    no_such_tool(tool: &str, agent: &str, known: &str) {
        zh: "智能体 {agent} 没有工具 {tool}；它有: {known}";
        en: "the agent {agent} has no tool {tool}; it has: {known}";
    }
    /// The name is like another one.
    tool_misspelt(tool: &str, agent: &str, nearest: &str) {
        zh: "智能体 {agent} 没有工具 {tool}；可能应为 `{nearest}`。`mcp-endpoint-server tools {agent}` 列出全部工具";
        en: "the agent {agent} has no tool {tool}; did you mean `{nearest}`? `mcp-endpoint-server tools {agent}` lists the tools";
    }
    /// There are more names than are shown.
    more_names(names: &str, count: usize) {
        zh: "{names} 等 {count} 个";
        en: "{names}, … ({count} in all)";
    }
    /// The agent has no tools at all.
    agent_without_tools(agent: &str) {
        zh: "智能体 {agent} 没有工具: 没有工具端用它的接入点地址连接，工具端还没有列出工具，或工具都被隐藏了。`mcp-endpoint-server token {agent}` 打印接入点地址，`mcp-endpoint-server status` 显示已连接的工具端";
        en: "the agent {agent} has no tools: no tool server is connected with its address, or it has not listed its tools yet, or the selection hides them all. `mcp-endpoint-server token {agent}` prints the address, `mcp-endpoint-server status` shows who is connected";
    }
    /// An answer that is an error.
    call_refused(method: &str, code: i64, message: &str) {
        zh: "{method} 失败，错误 {code}: {message}";
        en: "{method} failed with error {code}: {message}";
    }
    /// A result that says it is an error. What it says follows.
    call_failed(tool: &str) { zh: "工具 {tool} 报告失败:"; en: "the tool {tool} reports an error:"; }
    /// A notification of progress.
    call_progress(done: &str, of: &str, message: &str) {
        zh: "进度 {done}{of}  {message}";
        en: "progress {done}{of}  {message}";
    }
    /// A part of the result has become a file.
    part_saved(kind: &str, file: &str) { zh: "{kind} 已存为 {file}"; en: "{kind} saved as {file}"; }
    /// A part of the result could not become a file.
    part_not_saved(kind: &str, file: &str, error: impl Display) {
        zh: "{kind} 无法存为 {file}: {error}。请换到可以写入的目录，或用 --json";
        en: "{kind} cannot be saved as {file}: {error}. Change to a folder that you can write to, or use --json";
    }
    /// The result has too many parts that become files.
    parts_not_saved(count: usize, most: usize) {
        zh: "结果中的文件太多: 只保存前 {most} 个，其余 {count} 个没有保存；用 --json 查看全部";
        en: "the result has too many files: the first {most} are saved, the other {count} are not; --json prints them all";
    }
    /// A part of the result is not valid base64.
    part_unreadable(kind: &str) {
        zh: "结果中的 {kind} 不是正确的 base64；用 --json 查看原文";
        en: "{kind} in the result is not valid base64; --json shows it as it came";
    }
}

// What `tools` lists.
sentences! {
    /// The head of the table, columns between `|`.
    tools_head() { zh: "工具|工具端|说明"; en: "TOOL|TOOL SERVER|DESCRIPTION"; }
    /// How many there are.
    tools_count(count: usize, tokens: usize) {
        zh: "{count} 个工具，约 {tokens} 个 token (字符数 / 3)";
        en: "tools: {count}, about {tokens} tokens (characters / 3)";
    }
    /// The answer is not what it should be.
    tools_unknown(base: &str, status: u16) {
        zh: "{base} 返回 {status}，其中没有工具列表: 那里是别的程序，或较旧的版本；请用 doctor 检查";
        en: "{base} answers with status {status} and no list of tools: another program runs there, or an older version of this one; run doctor";
    }
}

// What `tools` changes.
sentences! {
    /// An option without a pattern.
    pattern_is_empty() {
        zh: "--hide 和 --show 的模式不能为空";
        en: "--hide and --show need a pattern that is not empty";
    }
    /// One pattern is to be hidden and shown.
    pattern_both_ways(pattern: &str) {
        zh: "{pattern} 不能既隐藏又提供；请只保留其中一个选项";
        en: "{pattern} cannot be both hidden and offered; keep one of the two options";
    }
    /// `--only '*'` beside another one.
    only_both_ways() {
        zh: "--only '*' 和 --only '' 会取消限制，不能与其他 --only 一起使用";
        en: "--only '*' and --only '' remove the limit, so they cannot be combined with another --only";
    }
    /// The selection was changed in the running server.
    choice_changed(agent: &str, entry: &str) {
        zh: "{agent} 的工具选择已更改，立即生效: {entry}";
        en: "the selection of {agent} has changed and takes effect at once: {entry}";
    }
    /// The selection was changed in the file.
    choice_saved(agent: &str, entry: &str, file: &str, base: &str) {
        zh: "{agent} 的工具选择已写入 {file}: {entry}\n{base} 上没有运行中的服务器，下次启动时生效";
        en: "the selection of {agent} is saved in {file}: {entry}\nno server runs at {base}; the selection takes effect at the next start";
    }
    /// There was nothing to change.
    choice_as_before(agent: &str, entry: &str) {
        zh: "{agent} 的工具选择无需更改: {entry}";
        en: "nothing to change, the selection of {agent} is already: {entry}";
    }
    /// The running server does not take the selection. What is wrong follows.
    choice_refused(base: &str) {
        zh: "{base} 没有更改工具选择:";
        en: "{base} did not change the selection:";
    }
    /// The answer is not what it should be.
    choice_unknown(base: &str, status: u16) {
        zh: "{base} 返回 {status}，其中没有工具选择: 那里是别的程序，或较旧的版本；请用 doctor 检查";
        en: "{base} answers with status {status} and no selection of tools: another program runs there, or an older version of this one; run doctor";
    }
    /// A pattern that picks no tool that is there.
    pattern_without_tool(pattern: &str, nearest: &str) {
        zh: "{pattern} 没有匹配现有的任何工具；最接近的是 {nearest}";
        en: "{pattern} matches none of the present tools; the nearest name is {nearest}";
    }
    /// Another pattern hides a tool that is to be shown.
    still_hidden(tool: &str, pattern: &str, agent: &str) {
        zh: "{tool} 仍被 {agent} 的模式 {pattern} 隐藏。要去掉它: tools '{agent}' --show '{pattern}'";
        en: "{tool} is still hidden by the pattern {pattern} of {agent}. To remove it: tools '{agent}' --show '{pattern}'";
    }
    /// `only` does not name a tool that is to be shown.
    still_left_out(tool: &str, agent: &str) {
        zh: "{tool} 仍未提供: {agent} 的 only 不包含它。请把它加到 --only 中，或用 tools '{agent}' --only '*' 取消限制";
        en: "{tool} is still not offered, because `only` of {agent} does not include it. Add it to --only, or remove the limit: tools '{agent}' --only '*'";
    }
}
