//! Where the references of a schema are, and what they name.

use jsonrpc::message::{last_member, string};
use jsonrpc::scan::{self, Scanner, SyntaxError, TextError};
use jsonrpc::splice::place_in;
use std::borrow::Cow;
use std::collections::HashMap;
use std::ops::Range;

/// How many references a schema may have.
pub(super) const MAX_REFERENCES: usize = 4096;

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
    /// Reads a schema.
    ///
    /// # Errors
    /// Where it has too many references.
    pub(super) fn of(schema: &'a str) -> Result<Self, TextError> {
        let mut map = Map { schema, ..Map::default() };
        scan::walk_value(schema, &mut |scanner| map.schema(scanner, 0))?;
        Ok(map)
    }

    /// Reads a schema, or a list of schemas.
    fn schema(&mut self, scanner: &mut Scanner<'a, '_>, depth: usize) -> Result<(), SyntaxError> {
        // What is deeper than a tool may be is no tool's.
        let is_deep = depth > scan::MAX_DEPTH;
        if scanner.is_at_list() && !is_deep {
            return scanner.walk_elements(&mut |scanner| {
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
            // Those inside have been found already.
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
            if let Some(holder) = holder {
                self.definitions.push((holder == 0, key.name(), start..scanner.place()));
            }
            Ok(())
        })
    }

    /// What each reference names, if it is a schema; and whether some were not looked for. `searched`
    /// is how much may be searched.
    pub(super) fn find_targets(&self, searched: &mut usize) -> (Vec<Option<Target>>, bool) {
        let [new, old] = [true, false].map(|is_new| {
            let definitions = self.definitions.iter().zip(0u32..);
            let named = definitions.filter(|((new, ..), _)| *new == is_new);
            named.map(|((_, name, _), at)| (&**name, at)).collect::<HashMap<&str, u32>>()
        });
        let mut is_cut = false;
        let find = |reference: &Reference<'_>| {
            let pointer = unescaped(reference.to.strip_prefix('#')?);
            let mut steps = pointer.split('/');
            // What is named otherwise is found by few.
            steps.next().filter(|before| before.is_empty())?;
            let steps: Vec<_> =
                steps.map(|step| step.replace("~1", "/").replace("~0", "~")).collect();
            let place = match &*steps {
                [holder, name] if DEFINITIONS.contains(&&**holder) => {
                    let definitions = if holder == "$defs" { &new } else { &old };
                    let at = definitions.get(&**name)?;
                    self.definitions.get(*at as usize)?.2.clone()
                }
                steps => place_in(self.schema, self.walk(steps, searched, &mut is_cut)?)?,
            };
            let is_schema = self.subschemas.binary_search(&place.start).is_ok();
            is_schema.then_some((place, steps.len()))
        };
        let targets = self.references.iter().map(find).collect();
        (targets, is_cut)
    }

    /// What a pointer of these steps points to.
    fn walk(&self, steps: &[String], left: &mut usize, is_cut: &mut bool) -> Option<&'a str> {
        let mut value = self.schema;
        for step in steps {
            let Some(rest) = left.checked_sub(value.len()) else {
                *is_cut = true;
                return None;
            };
            *left = rest;
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
