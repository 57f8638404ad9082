//! Resource templates, found by the address that was made from one.

use crate::sorted::sorted;
use ws::memory::array_of;

/// The longest address that is compared with templates, and the longest template that is compared
/// with addresses, in bytes.
const MAX_LENGTH: usize = 8 * 1024;

/// How many bytes of templates and address are compared for one address.
const MAX_COMPARED: usize = 64 << 10;

/// One template: `file:///{path}`.
#[derive(Clone, Copy, Debug)]
struct Template {
    /// Its place in the merged list.
    place: u32,
    /// How long its fixed beginning is.
    fixed: u32,
    /// One more than the place, in this table, of the template with the next shorter beginning that
    /// is one of this one's, too; 0 where there is none.
    shorter: u32,
}

/// The templates of a merged list, in the order of their fixed beginnings.
#[derive(Debug, Default)]
pub(in crate::relay) struct Templates(Vec<Template>);

impl Templates {
    /// Templates as they are in a merged list.
    pub(in crate::relay) fn new<'a>(templates: impl Iterator<Item = &'a str>) -> Self {
        let templates: Vec<&str> = templates.collect();
        // Of those with one beginning, the first stands last: it is the first to be compared.
        let places = templates.iter().enumerate().filter(|(_, t)| t.len() <= MAX_LENGTH);
        let order = sorted(places.map(|(place, text)| (beginning(text), templates.len() - place)));
        let mut table: Vec<Template> = Vec::with_capacity(order.len());
        for (beginning, behind) in order {
            let mut shorter = table.len();
            while let Some(at) = shorter.checked_sub(1) {
                let Some(before) = table.get(at) else { break };
                let other = templates.get(before.place as usize).copied().unwrap_or_default();
                if beginning.starts_with(other.get(..before.fixed as usize).unwrap_or("{")) {
                    break;
                }
                shorter = before.shorter as usize;
            }
            table.push(Template {
                place: number(templates.len() - behind),
                fixed: number(beginning.len()),
                shorter: number(shorter),
            });
        }
        Templates(table)
    }

    /// The place of a template that `address` can have been made from: of several, the one with the
    /// longest fixed beginning, and then the first. `text` is the template at a place.
    pub(in crate::relay) fn find<'a>(
        &self,
        address: &str,
        text: impl Fn(usize) -> &'a str,
    ) -> Option<usize> {
        if address.len() > MAX_LENGTH {
            return None;
        }
        let is_before = |template: &Template| beginning(text(template.place as usize)) <= address;
        let mut next = self.0.partition_point(is_before);
        let mut room = MAX_COMPARED;
        // Every beginning of the address stands on the way from here to ever shorter ones.
        while let Some(template) = next.checked_sub(1).and_then(|at| self.0.get(at)) {
            let text = text(template.place as usize);
            room = room.checked_sub(text.len() + address.len())?;
            if fits(text, address) {
                return Some(template.place as usize);
            }
            next = template.shorter as usize;
        }
        None
    }

    /// How much memory they take.
    pub(in crate::relay) fn memory(&self) -> usize {
        array_of::<Template>(self.0.capacity())
    }
}

fn number(place: usize) -> u32 {
    u32::try_from(place).unwrap_or(u32::MAX)
}

/// What a template begins with, whatever is put into it.
fn beginning(template: &str) -> &str {
    template.split('{').next().unwrap_or_default()
}

/// Whether an address can have been made from a template: its fixed parts stand in the address in
/// their order.
fn fits(template: &str, address: &str) -> bool {
    let mut parts = template.split('{').enumerate().map(|(place, part)| match place {
        0 => part,
        _ => part.split_once('}').map_or("", |(_, fixed)| fixed),
    });
    let Some(mut rest) = parts.next().and_then(|first| address.strip_prefix(first)) else {
        return false;
    };
    let mut last = None;
    for part in parts {
        match rest.find(part) {
            Some(at) => rest = rest.get(at + part.len()..).unwrap_or(""),
            None => return false,
        }
        last = Some(part);
    }
    match last {
        None | Some("") => last.is_some() || rest.is_empty(),
        Some(part) => address.ends_with(part),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_template_fits_the_addresses_made_from_it() {
        for (template, address, expected) in [
            ("file:///{path}", "file:///a/b", true),
            ("file:///{path}", "http://a", false),
            ("a://{x}/b/{y}.txt", "a://1/b/2.txt", true),
            ("a://{x}/b/{y}.txt", "a://1/c/2.txt", false),
            ("a://{x}/b", "a://1/b/c", false),
            ("plain", "plain", true),
            ("plain", "plainer", false),
            ("{", "x", true),
        ] {
            assert_eq!(fits(template, address), expected, "{template} {address}");
        }
    }

    #[test]
    fn the_template_with_the_longest_fixed_beginning_is_found_among_many() {
        let mut all: Vec<String> = (0..8000).map(|n| format!("db://table-{n}/{{row}}")).collect();
        let extra = ["{any}.txt", "db://{x}", "db://table-7/x/{y}", "db://table-7{z}", "a{"];
        all.extend(extra.map(str::to_owned));
        all.extend(["db://{second}".to_owned()]);
        let templates = Templates::new(all.iter().map(String::as_str));
        let looked_at = std::cell::Cell::new(0);
        let find = |address: &str| {
            let found = templates.find(address, |place| {
                looked_at.set(looked_at.get() + 1);
                &all[place]
            });
            found.map(|place| &*all[place])
        };
        assert_eq!(find("db://table-7999/1"), Some("db://table-7999/{row}"));
        assert_eq!(find("db://table-7/x/1"), Some("db://table-7/x/{y}"));
        assert_eq!(find("db://table-7/z/1"), Some("db://table-7/{row}"));
        assert_eq!(find("db://table-7.1"), Some("db://table-7{z}"));
        assert_eq!(find("db://other"), Some("db://{x}"));
        assert_eq!(find("c.txt"), Some("{any}.txt"));
        assert_eq!(find("zzz"), None);
        assert_eq!(find(""), None);
        assert!(looked_at.get() < 7 * 30, "{}", looked_at.get());
    }

    #[test]
    fn many_templates_with_one_beginning_cost_no_more_than_a_bound() {
        let all: Vec<String> = (0..8000).map(|n| format!("a://{{x}}/{n}")).collect();
        let templates = Templates::new(all.iter().map(String::as_str));
        let looked_at = std::cell::Cell::new(0);
        let text = |place: usize| {
            looked_at.set(looked_at.get() + 1);
            &*all[place]
        };
        assert_eq!(templates.find("a://1/2", text), Some(2));
        assert_eq!(templates.find("a://1/none", text), None);
        assert!(looked_at.get() < 6000, "{}", looked_at.get());
    }
}
