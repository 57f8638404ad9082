//! The printed Markdown table.

/// The target of a figure.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Target {
    /// None; the figure is for information.
    None,
    /// At most this.
    AtMost(f64),
    /// At least this.
    AtLeast(f64),
}

impl Target {
    fn is_met(self, value: f64) -> &'static str {
        match self {
            Target::None => "",
            Target::AtMost(most) if value <= most => "yes",
            Target::AtLeast(least) if value >= least => "yes",
            _ => "**no**",
        }
    }
}

/// One line: what, measured, compared with what, the number that counts, target, met.
struct Row([String; 6]);

/// The table.
#[derive(Default)]
pub(crate) struct Table {
    rows: Vec<Row>,
}

impl Table {
    /// Adds a figure that is judged as a ratio to another.
    pub(crate) fn ratio(&mut self, what: &str, sides: [String; 2], ratio: f64, target: Target) {
        let wanted = match target {
            Target::None => String::new(),
            Target::AtMost(most) => format!("≤ {most:.2}"),
            Target::AtLeast(least) => format!("≥ {least:.2}"),
        };
        let [measured, other] = sides;
        let ratio_text = if ratio.is_nan() { String::new() } else { format!("{ratio:.2}") };
        let met = target.is_met(ratio).to_owned();
        self.rows.push(Row([what.to_owned(), measured, other, ratio_text, wanted, met]));
    }

    /// Adds a figure that is judged by itself.
    pub(crate) fn figure(&mut self, what: &str, value: f64, most: f64, unit: &str) {
        let wanted =
            if most == 0.0 { "0".to_owned() } else { format!("≤ {} {unit}", short(most)) };
        let met = Target::AtMost(most).is_met(value).to_owned();
        let measured = format!("{} {unit}", short(value));
        let none = String::new;
        self.rows.push(Row([what.to_owned(), measured, none(), none(), wanted, met]));
    }

    /// The table as text.
    pub(crate) fn text(&self) -> String {
        let head = ["figure", "measured", "compared with", "ratio", "target", "met"];
        let mut widths = head.map(|cell| cell.chars().count());
        for Row(cells) in &self.rows {
            for (width, cell) in widths.iter_mut().zip(cells) {
                *width = (*width).max(cell.chars().count());
            }
        }
        let line = |cells: Vec<&str>| {
            let padded: Vec<String> = cells
                .iter()
                .zip(widths)
                .map(|(cell, width)| {
                    format!("{cell}{}", " ".repeat(width.saturating_sub(cell.chars().count())))
                })
                .collect();
            format!("| {} |\n", padded.join(" | "))
        };
        let mut text = line(head.to_vec());
        text.push_str(&line(vec!["---"; 6]));
        for Row(cells) in &self.rows {
            text.push_str(&line(cells.iter().map(String::as_str).collect()));
        }
        text
    }
}

/// A number, rounded for its size.
pub(crate) fn short(value: f64) -> String {
    let rounded = (value * 100.0).round() / 100.0;
    match rounded.abs() {
        size if size >= 100.0 => format!("{rounded:.0}"),
        size if size >= 10.0 || rounded.fract() == 0.0 => {
            format!("{}", (rounded * 10.0).round() / 10.0)
        }
        _ => format!("{rounded}"),
    }
}
