//! Where the references of a schema are, and what they name.

use crate::sorted::sorted;
use jsonrpc::message::{last_member, string};
use jsonrpc::scan::{self, Scanner, SyntaxError, TextError};
use jsonrpc::splice::place_in;
use std::borrow::Cow;
use std::ops::Range;

/// How many references a schema may have.
pub(super) const MAX_REFERENCES: usize = 2048;

/// What it costs to read a member, a list's element, a definition and a reference, besides their bytes.
const COST_OF_MEMBER: usize = 45;
const COST_OF_ELEMENT: usize = 30;
const COST_OF_DEFINITION: usize = 150;
const COST_OF_REFERENCE: usize = 70;

/// Takes the `cost` of some work from what is `left`. Says whether anything is left then.
pub(super) fn spend(left: &mut usize, cost: usize) -> bool {
    *left = left.saturating_sub(cost);
    *left > 0
}

/// What was found in a schema.
#[derive(Default)]
pub(super) struct Map<'a> {
    pub schema: &'a str,
    /// In the order of their places.
    pub references: Vec<Reference<'a>>,
    /// Where its subschemas begin, in order.
    subschemas: Vec<usize>,
    /// The definitions: whether `$defs` holds it, its name, its place.
    definitions: Vec<(bool, Cow<'a, str>, Range<usize>)>,
    /// How much work is left.
    pub left: usize,
}

/// An object with a local `$ref`.
pub(super) struct Reference<'a> {
    pub object: Range<usize>,
    /// How deep in the schema it stands.
    pub depth: usize,
    /// What it refers to.
    to: Cow<'a, str>,
    /// Whether it has no other member.
    pub is_alone: bool,
}

/// What a reference names: its place, and how deep in the schema it stands.
pub(super) type Target = (Range<usize>, usize);

/// The members of a whole schema that hold definitions.
pub(super) const DEFINITIONS: [&str; 2] = ["$defs", "definitions"];

/// What a member of a schema holds.
enum Holds {
    /// A schema, or a list of them.
    Schema,
    /// Schemas by name.
    Schemas,
    /// Something else, in which nothing is a reference.
    Other,
}

impl Holds {
    fn of(member: &str) -> Self {
        match member {
            "properties" | "patternProperties" | "$defs" | "definitions" | "dependentSchemas"
            | "dependencies" => Holds::Schemas,
            "items"
            | "prefixItems"
            | "additionalItems"
            | "unevaluatedItems"
            | "contains"
            | "additionalProperties"
            | "unevaluatedProperties"
            | "propertyNames"
            | "allOf"
            | "anyOf"
            | "oneOf"
            | "not"
            | "if"
            | "then"
            | "else"
            | "contentSchema" => Holds::Schema,
            _ => Holds::Other,
        }
    }
}

impl<'a> Map<'a> {
    /// Reads a schema, with no more work than is `left`.
    ///
    /// # Errors
    /// Where it has too many references, or takes too much work.
    pub(super) fn of(schema: &'a str, left: &mut usize) -> Result<Self, TextError> {
        let mut map = Map { schema, left: *left, ..Map::default() };
        let read = scan::walk_value(schema, &mut |scanner| {
            map.spend(schema.len() / 2, scanner)?;
            map.schema(scanner, 0)
        });
        *left = map.left;
        read.map(|()| map)
    }

    fn spend(&mut self, cost: usize, scanner: &Scanner<'a, '_>) -> Result<(), SyntaxError> {
        let is_enough = spend(&mut self.left, cost);
        is_enough.then_some(()).ok_or(SyntaxError { at: scanner.place() })
    }

    /// Reads a schema, or a list of schemas.
    fn schema(&mut self, scanner: &mut Scanner<'a, '_>, depth: usize) -> Result<(), SyntaxError> {
        // What is deeper than a tool may be is no tool's.
        let is_deep = depth > scan::MAX_DEPTH;
        if scanner.is_at_list() && !is_deep {
            return scanner.walk_elements(&mut |scanner| {
                self.spend(COST_OF_ELEMENT, scanner)?;
                self.schema(scanner, depth + 1)?;
                Ok(true)
            });
        }
        if !scanner.is_at_object() || is_deep {
            return scanner.value().map(|_| ());
        }
        let (start, before) = (scanner.place(), self.references.len());
        self.subschemas.push(start);
        let (mut to, mut members) = (None, 0);
        scanner.walk_members(&mut |key, scanner| {
            members += 1;
            self.spend(COST_OF_MEMBER, scanner)?;
            let name = key.name();
            match Holds::of(&name) {
                Holds::Schema => self.schema(scanner, depth + 1),
                Holds::Schemas if scanner.is_at_object() => {
                    let holder =
                        DEFINITIONS.iter().position(|holder| depth == 0 && name == *holder);
                    self.schemas(scanner, holder, depth + 2)
                }
                _ => {
                    let value = scanner.value()?;
                    // Of members that are there twice the last one counts.
                    if name == "$ref" {
                        to = string(value).filter(|to| to.starts_with('#'));
                    }
                    Ok(())
                }
            }
        })?;
        if let Some(to) = to {
            let object = start..scanner.place();
            // Those inside have been found already, and move.
            self.spend(COST_OF_REFERENCE + 4 * (self.references.len() - before), scanner)?;
            self.references.insert(before, Reference { object, depth, to, is_alone: members == 1 });
            if self.references.len() > MAX_REFERENCES {
                return Err(SyntaxError { at: start });
            }
        }
        Ok(())
    }

    /// Reads schemas by name; `holder` says which definitions of the whole schema they are.
    fn schemas(
        &mut self,
        scanner: &mut Scanner<'a, '_>,
        holder: Option<usize>,
        depth: usize,
    ) -> Result<(), SyntaxError> {
        scanner.walk_members(&mut |key, scanner| {
            let start = scanner.place();
            self.schema(scanner, depth)?;
            self.spend(COST_OF_MEMBER, scanner)?;
            if let Some(holder) = holder {
                self.spend(COST_OF_DEFINITION, scanner)?;
                self.definitions.push((holder == 0, key.name(), start..scanner.place()));
            }
            Ok(())
        })
    }

    /// What each reference names, if it is a schema, found with no more work than is `left`.
    pub(super) fn find_targets(&self, left: &mut usize) -> Vec<Option<Target>> {
        let [new, old] = [true, false].map(|is_new| {
            let definitions = self.definitions.iter().enumerate();
            let named = definitions.filter(|(_, (new, ..))| *new == is_new);
            sorted(named.map(|(at, (_, name, _))| (&**name, at)))
        });
        let definition = |holder: &str, name: &str| {
            let definitions = if holder == "$defs" { &new } else { &old };
            // Of definitions of one name the last one counts.
            let behind = definitions.partition_point(|(known, _)| *known <= name);
            let (known, at) = definitions.get(behind.checked_sub(1)?)?;
            self.definitions.get(*at).filter(|_| *known == name).map(|found| found.2.clone())
        };
        let find = |reference: &Reference<'_>| {
            let written = reference.to.strip_prefix('#')?;
            // What nearly every one is.
            let plain =
                written.strip_prefix("/$defs/").filter(|name| !name.contains(['/', '~', '%']));
            if let Some(place) = plain.and_then(|name| definition("$defs", name)) {
                return self.is_schema(&place).then_some((place, 2));
            }
            if !spend(left, 8 * COST_OF_REFERENCE + 8 * written.len()) {
                return None;
            }
            let pointer = unescaped(written);
            let mut steps = pointer.split('/');
            // What is named otherwise is found by few.
            steps.next().filter(|before| before.is_empty())?;
            let steps: Vec<_> =
                steps.map(|step| step.replace("~1", "/").replace("~0", "~")).collect();
            let place = match &*steps {
                [holder, name] if DEFINITIONS.contains(&&**holder) => definition(holder, name)?,
                steps => place_in(self.schema, self.walk(steps, left)?)?,
            };
            self.is_schema(&place).then_some((place, steps.len()))
        };
        self.references.iter().map(find).collect()
    }

    fn is_schema(&self, place: &Range<usize>) -> bool {
        self.subschemas.binary_search(&place.start).is_ok()
    }

    /// What a pointer of these steps points to.
    fn walk(&self, steps: &[String], left: &mut usize) -> Option<&'a str> {
        let mut value = self.schema;
        for step in steps {
            if !spend(left, value.len()) {
                return None;
            }
            value = match step.parse::<usize>() {
                Ok(place) if value.starts_with('[') => element(value, place)?,
                _ => last_member(value, step)?,
            };
        }
        Some(value)
    }
}

/// The element at `place` of a list.
fn element(list: &str, place: usize) -> Option<&str> {
    let (mut at, mut found) = (0, None);
    scan::elements(list, &mut |element| {
        if at == place {
            found = Some(element);
        }
        at += 1;
    })
    .ok()?;
    found
}

/// A pointer as it was before it became a part of an address. Some write it as it is.
fn unescaped(pointer: &str) -> Cow<'_, str> {
    let decoded = || {
        let mut bytes = pointer.bytes();
        let digit = |bytes: &mut std::str::Bytes<'_>| char::from(bytes.next()?).to_digit(16);
        let mut decoded = Vec::with_capacity(pointer.len());
        while let Some(byte) = bytes.next() {
            decoded.push(match byte {
                b'%' => u8::try_from(digit(&mut bytes)? << 4 | digit(&mut bytes)?).ok()?,
                byte => byte,
            });
        }
        String::from_utf8(decoded).ok()
    };
    let decoded = if pointer.contains('%') { decoded() } else { None };
    decoded.map_or(Cow::Borrowed(pointer), Cow::Owned)
}
