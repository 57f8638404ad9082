//! Text in columns, as wide as the terminal.

use std::io::IsTerminal;

/// The columns between two cells.
const GAP: usize = 2;

/// A column is not made narrower than this.
const MIN_WIDTH: usize = 4;

/// How many columns of a terminal a text takes: Chinese characters take two.
pub fn columns(text: &str) -> usize {
    text.chars().map(columns_of).sum()
}

fn columns_of(letter: char) -> usize {
    match letter {
        '\u{1100}'..='\u{115f}' | '\u{2e80}'.. => 2,
        _ => 1,
    }
}

/// How wide a table may be: what `COLUMNS` says, or the terminal. Elsewhere nothing limits it.
pub fn width() -> Option<usize> {
    let named = std::env::var("COLUMNS").ok().and_then(|text| text.trim().parse().ok());
    named.filter(|width| *width > 0).or_else(|| {
        let stdout = std::io::stdout();
        stdout.is_terminal().then(|| of_terminal(&stdout))
    })
}

/// The width of a terminal of which nothing is known.
const USUAL_WIDTH: usize = 80;

#[cfg(unix)]
fn of_terminal(terminal: &std::io::Stdout) -> usize {
    let size = rustix::termios::tcgetwinsize(terminal).map(|size| usize::from(size.ws_col));
    size.ok().filter(|width| *width > 0).unwrap_or(USUAL_WIDTH)
}

#[cfg(not(unix))]
fn of_terminal(_: &std::io::Stdout) -> usize {
    USUAL_WIDTH
}

/// Adds an empty line, then `rows` below `head`, whose names stand between `|`, in columns; nothing without
/// rows. What is wider than `width` is cut, in the widest column first.
pub fn aligned(lines: &mut Vec<String>, head: &str, rows: Vec<Vec<String>>, width: Option<usize>) {
    if rows.is_empty() {
        return;
    }
    let head: Vec<String> = head.split('|').map(str::to_owned).collect();
    let mut widths: Vec<usize> = head.iter().map(|cell| columns(cell)).collect();
    for row in &rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = columns(cell).max(*width);
        }
    }
    narrow(&mut widths, width.unwrap_or(usize::MAX));
    lines.push(String::new());
    for row in std::iter::once(head).chain(rows) {
        let mut line = String::new();
        for (cell, width) in row.iter().zip(&widths) {
            let taken = push_cut(&mut line, cell, *width);
            line.push_str(&" ".repeat((width + GAP).saturating_sub(taken)));
        }
        lines.push(line.trim_end().to_owned());
    }
}

/// Takes columns from the widest until all fit into `width`.
fn narrow(widths: &mut [usize], width: usize) {
    let gaps = GAP * widths.len().saturating_sub(1);
    while widths.iter().sum::<usize>() + gaps > width {
        match widths.iter_mut().max() {
            Some(widest) if *widest > MIN_WIDTH => *widest -= 1,
            _ => return,
        }
    }
}

/// Appends `cell`, cut to `width` columns. Returns how many columns it takes.
fn push_cut(line: &mut String, cell: &str, width: usize) -> usize {
    let whole = columns(cell);
    if whole <= width {
        line.push_str(cell);
        return whole;
    }
    let mut taken = 1;
    for letter in cell.chars() {
        taken += columns_of(letter);
        if taken > width {
            taken -= columns_of(letter);
            break;
        }
        line.push(letter);
    }
    line.push('…');
    taken
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(width: Option<usize>) -> Vec<String> {
        let row = |cells: [&str; 3]| cells.map(str::to_owned).to_vec();
        let rows =
            vec![row(["灯", "a long description", "1"]), row(["lamp", "短说明和很长的说明", "20"])];
        let mut lines = Vec::new();
        aligned(&mut lines, "NAME|TEXT|N", rows, width);
        lines
    }

    #[test]
    fn columns_stand_under_each_other() {
        let expected = [
            "",
            "NAME  TEXT                N",
            "灯    a long description  1",
            "lamp  短说明和很长的说明  20",
        ];
        assert_eq!(shown(None), expected);
        assert_eq!(shown(Some(28)), expected);
    }

    #[test]
    fn what_is_too_wide_is_cut_in_the_widest_column() {
        let expected = ["", "NAME  TEXT      N", "灯    a long …  1", "lamp  短说明…   20"];
        assert_eq!(shown(Some(18)), expected);
        // No column gets too narrow to be read.
        assert_eq!(shown(Some(1))[2], "灯    a l…  1");
    }
}
