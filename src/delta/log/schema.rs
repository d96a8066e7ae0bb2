//! Whether readers can make anything of a table's schema.
//!
//! What no reader takes flags its table. The name of a type is another matter: one that this program has never heard of
//! may be a newer reader's, where a table feature could have brought it.

use super::nesting::nests_deeper;
use serde::de::{Deserialize, Deserializer, Error, IgnoredAny, MapAccess, Visitor};
use std::collections::HashSet;
use std::fmt;

/// Deeper schemas aren't judged: readers bear different depths.
const MOST_NESTED: usize = 100;
/// Types whose names say all of them, and beginnings of names that go on with parameters.
const PRIMITIVE: [&str; 19] = [
    "string",
    "long",
    "integer",
    "short",
    "byte",
    "float",
    "double",
    "boolean",
    "binary",
    "date",
    "timestamp",
    "timestamp_ntz",
    "timestamp_ltz",
    "decimal",
    "void",
    "null",
    "variant",
    "interval",
    "calendarinterval",
];
const WITH_PARAMETERS: [&str; 8] =
    ["interval ", "char(", "varchar(", "string collate ", "geometry(", "geography(", "time(", "variant("];

/// What is wrong with a schema, as the end of a sentence.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(in crate::delta) struct SchemaFlaw {
    /// For every reader.
    pub always: Option<String>,
    /// For readers of a table whose protocol names no features.
    pub without_features: Option<String>,
}

impl SchemaFlaw {
    /// Judges a `schemaString` and the `partitionColumns` beside it.
    pub fn find(schema: &str, partition_columns: &[String]) -> Self {
        if nests_deeper(schema.as_bytes(), MOST_NESTED) {
            return Self::default();
        }
        let always = |flaw| Self { always: Some(flaw), without_features: None };
        let schema: Struct = match serde_json::from_str(schema) {
            Ok(schema) => schema,
            Err(error) => return always(format!("its schemaString: {error}")),
        };
        for name in partition_columns {
            match schema.fields.iter().find(|field| field.name == *name) {
                None => return always(format!("it is partitioned by {name:?}, which is no column of its schema")),
                Some(field) if field.kind.has_parts => {
                    return always(format!("it is partitioned by {name:?}, which isn't a column of single values"));
                }
                Some(_) => {}
            }
        }
        let unknown = schema.fields.into_iter().find_map(|field| field.kind.unknown);
        Self { always: None, without_features: unknown.map(|name| format!("its schemaString has the type {name:?}")) }
    }
}

#[derive(serde::Deserialize)]
#[serde(expecting = "a struct of columns")]
struct Struct {
    #[serde(rename = "type")]
    _kind: IgnoredAny,
    #[serde(deserialize_with = "fields")]
    fields: Vec<Field>,
}

#[derive(serde::Deserialize)]
#[serde(expecting = "a column")]
struct Field {
    name: String,
    #[serde(rename = "type")]
    kind: Kind,
    #[serde(rename = "nullable")]
    _nullable: bool,
    // Not every reader misses it where it isn't there.
    #[serde(rename = "metadata", default)]
    _metadata: Metadata,
}

/// Reads columns, no two of which may have one name: readers don't tell capitals from small letters.
fn fields<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<Field>, D::Error> {
    let fields = Vec::<Field>::deserialize(from)?;
    let mut names = HashSet::with_capacity(fields.len());
    match fields.iter().find(|field| !names.insert(field.name.to_lowercase())) {
        Some(twice) => Err(D::Error::custom(format!("two columns are named {:?}", twice.name))),
        None => Ok(fields),
    }
}

/// An object of whatever.
#[derive(Default)]
struct Metadata;

impl<'de> Deserialize<'de> for Metadata {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Seen;
        impl<'de> Visitor<'de> for Seen {
            type Value = Metadata;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Metadata, A::Error> {
                while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                Ok(Metadata)
            }
        }
        from.deserialize_map(Seen)
    }
}

/// A column's type.
#[derive(Default)]
struct Kind {
    /// Whether it is a struct, an array or a map.
    has_parts: bool,
    /// The first name of a type in it that this program doesn't know.
    unknown: Option<String>,
}

impl<'de> Deserialize<'de> for Kind {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Seen;
        impl<'de> Visitor<'de> for Seen {
            type Value = Kind;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a type")
            }

            fn visit_str<E: Error>(self, name: &str) -> Result<Kind, E> {
                if let Some(parameters) = name.strip_prefix("decimal(") {
                    decimal(parameters).map_err(|()| E::custom(format!("{name:?} is no decimal")))?;
                    return Ok(Kind::default());
                }
                let known = PRIMITIVE.contains(&name) || WITH_PARAMETERS.iter().any(|known| name.starts_with(known));
                Ok(Kind { has_parts: false, unknown: (!known).then(|| name.to_owned()) })
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Kind, A::Error> {
                let (mut kind, mut contains_null, mut columns) = (None, None, None);
                let (mut element, mut key, mut value) = (None, None, None);
                while let Some(member) = map.next_key::<String>()? {
                    match member.as_str() {
                        "type" => kind = Some(map.next_value::<String>()?),
                        "containsNull" => contains_null = Some(map.next_value::<bool>()?),
                        "fields" => columns = Some(map.next_value::<Columns>()?.0),
                        "elementType" => element = Some(map.next_value::<Kind>()?),
                        "keyType" => key = Some(map.next_value::<Kind>()?),
                        "valueType" => value = Some(map.next_value::<Kind>()?),
                        _ => _ = map.next_value::<IgnoredAny>()?,
                    }
                }
                let mut unknown = [element.as_ref(), key.as_ref(), value.as_ref()].map(|kind| kind?.unknown.clone());
                let mut unknown = unknown.iter_mut().find_map(Option::take);
                let needed = |is_there, name| if is_there { Ok(()) } else { Err(A::Error::missing_field(name)) };
                match kind.as_deref() {
                    None => needed(false, "type")?,
                    Some("struct") => needed(columns.is_some(), "fields")?,
                    Some("array") => {
                        needed(element.is_some(), "elementType")?;
                        needed(contains_null.is_some(), "containsNull")?;
                    }
                    Some("map") => {
                        needed(key.is_some(), "keyType")?;
                        needed(value.is_some(), "valueType")?;
                    }
                    // A type of the user's own is some other type in the files.
                    Some("udt") => {}
                    Some(other) => unknown = unknown.or_else(|| Some(other.to_owned())),
                }
                let below = columns.into_iter().flatten().find_map(|field: Field| field.kind.unknown);
                Ok(Kind { has_parts: true, unknown: unknown.or(below) })
            }
        }
        from.deserialize_any(Seen)
    }
}

#[derive(serde::Deserialize)]
struct Columns(#[serde(deserialize_with = "fields")] Vec<Field>);

/// Reads what follows on `decimal(`.
fn decimal(parameters: &str) -> Result<(), ()> {
    let (precision, scale) = parameters.strip_suffix(')').and_then(|all| all.split_once(',')).ok_or(())?;
    let number = |text: &str| text.trim().parse::<i64>().map_err(|_| ());
    let (precision, scale) = (number(precision)?, number(scale)?);
    if (1..=38).contains(&precision) && scale <= precision { Ok(()) } else { Err(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn column(kind: &str) -> String {
        format!(r#"{{"type":"struct","fields":[{{"name":"x","type":{kind},"nullable":true,"metadata":{{}}}}]}}"#)
    }

    #[test]
    fn types_of_every_reader_are_fine() {
        let long = r#"{"type":"array","elementType":{"type":"map","keyType":"string","valueType":"long"},"containsNull":true}"#;
        for kind in [
            r#""long""#,
            r#""decimal( 10 , 2 )""#,
            r#""interval day to second""#,
            r#""string collate UNICODE""#,
            r#"{"type":"udt","class":"a.B","sqlType":"long"}"#,
            r#"{"type":"struct","fields":[]}"#,
            long,
        ] {
            assert_eq!(SchemaFlaw::find(&column(kind), &[]), SchemaFlaw::default(), "{kind}");
        }
        let deep = format!(
            "{}\"long\"{}",
            r#"{"type":"array","containsNull":true,"elementType":"#.repeat(200),
            "}".repeat(200)
        );
        assert_eq!(SchemaFlaw::find(&column(&deep), &[]), SchemaFlaw::default());
    }

    #[test]
    fn a_type_that_is_new_may_be_a_newer_readers() {
        let new = r#"{"type":"array","elementType":"hologram","containsNull":true}"#;
        let flaw = SchemaFlaw::find(&column(new), &[]);
        assert_eq!(flaw.always, None);
        assert_eq!(flaw.without_features.as_deref(), Some("its schemaString has the type \"hologram\""));
    }
}
