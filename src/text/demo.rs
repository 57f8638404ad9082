//! What the tool server of the command `demo` says to robots.

use super::Language;

// Its tools.
sentences! {
    /// The tool `calculator`.
    demo_calculator() {
        zh: "按 Python 的规则计算算术表达式: + - * / // % **、括号、128 位以内的整数和浮点数。遇到数学计算，请始终使用本工具。";
        en: "Calculates an arithmetic expression as Python does: + - * / // % **, parentheses, integers of up to 128 bits and floats. Always use this tool for calculations.";
    }
    /// The tool `now`.
    demo_now() {
        zh: "告知当前的本地日期、时间 (含与 UTC 的时差) 和星期几。";
        en: "Tells the present local date and time, with the offset from UTC, and the day of the week.";
    }
    /// The tool `roll_dice`.
    demo_roll_dice() {
        zh: "掷骰子: count 个 (默认 1)，每个有 sides 面 (默认 6)。";
        en: "Rolls dice: count of them (1 by default), each with as many sides as sides says (6 by default).";
    }
}

// Why a call fails.
sentences! {
    /// No `python_expression`.
    demo_no_expression() {
        zh: "缺少参数 python_expression，它应是一个算术表达式，如 130000 * 130000";
        en: "the argument python_expression is missing: an arithmetic expression such as 130000 * 130000";
    }
    /// A character that is not arithmetic.
    demo_unexpected(at: usize) {
        zh: "第 {at} 个字符不符合算术表达式的写法: 只支持数字、+ - * / // % ** 和括号";
        en: "character {at} is not expected there: this calculator knows numbers, + - * / // % ** and parentheses only";
    }
    /// `1 +`
    demo_ends_early() {
        zh: "算术表达式不完整: 末尾缺少数字或右括号";
        en: "the expression is incomplete: a number or a closing parenthesis is missing at its end";
    }
    /// A very long expression.
    demo_too_long() {
        zh: "算术表达式过长，最多 4096 个字节";
        en: "the expression is too long: at most 4096 bytes are allowed";
    }
    /// A hundred parentheses.
    demo_too_deep() {
        zh: "括号、正负号和乘方的嵌套过深，最多 100 层";
        en: "parentheses, signs and powers are nested too deeply: at most 100 levels are allowed";
    }
    /// A number beyond 128 bits.
    demo_too_large() {
        zh: "数值过大: 整数最多 128 位，浮点数不得超过约 1.8e308";
        en: "a number is too large: integers have at most 128 bits, and floats end at about 1.8e308";
    }
    /// `1 / 0`
    demo_division_by_zero() { zh: "除数为零"; en: "division by zero"; }
    /// `(-1) ** 0.5`
    demo_not_real() { zh: "结果不是实数"; en: "the result is not a real number"; }
    /// Odd dice.
    demo_odd_dice() {
        zh: "count 应为 1 到 100 的整数，sides 应为 2 到 1000000 的整数";
        en: "count must be a whole number from 1 to 100, and sides one from 2 to 1000000";
    }
    /// The system has no random numbers.
    demo_no_luck() { zh: "系统没有提供随机数"; en: "the system gives no random numbers"; }
}

// For a person who starts it in a terminal.
sentences! {
    /// Standard input is a terminal.
    demo_on_terminal() {
        zh: "这是一个 MCP 服务器，由 MCP 客户端启动: 每行一条 JSON-RPC 消息，标准输入结束时退出 (Ctrl-D，Windows 为 Ctrl-Z)";
        en: "This is an MCP server, to be started by an MCP client: one JSON-RPC message a line. It ends with its standard input (Ctrl-D, on Windows Ctrl-Z)";
    }
}
