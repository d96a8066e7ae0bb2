//! What an action's fields may be in JSON: stricter than serde where readers refuse, and milder where they don't care.

use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserialize, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;

/// A JSON object or null. By itself a struct would take a sequence of its fields too.
pub(super) fn object<'de, D: Deserializer<'de>, T: Deserialize<'de>>(from: D) -> Result<Option<T>, D::Error> {
    Ok(Option::<Object<T>>::deserialize(from)?.map(|object| object.0))
}

/// A JSON object or null; for anything else what the type is by default.
pub(super) fn object_or_anything<'de, D, T>(from: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de> + Default,
{
    Ok(match from.deserialize_any(Anything::<T>(PhantomData))? {
        Any::Object(object) => Some(object),
        Any::Null => None,
        Any::Bool(_) | Any::Number(_) | Any::Float(_) | Any::Text(_) | Any::Other => Some(T::default()),
    })
}

/// A whole number; None for anything else.
pub(super) fn number<'de, D: Deserializer<'de>>(from: D) -> Result<Option<i64>, D::Error> {
    let found = from.deserialize_any(Anything::<IgnoredAny>(PhantomData))?;
    Ok(if let Any::Number(number) = found { Some(number) } else { None })
}

/// Text; None for anything else.
pub(super) fn text<'de, D: Deserializer<'de>>(from: D) -> Result<Option<String>, D::Error> {
    let found = from.deserialize_any(Anything::<IgnoredAny>(PhantomData))?;
    Ok(if let Any::Text(text) = found { Some(text) } else { None })
}

/// Properties. Their values are text, and some writers put bare numbers and booleans, which readers take for text.
pub(super) fn properties<'de, D>(from: D) -> Result<BTreeMap<String, Option<String>>, D::Error>
where
    D: Deserializer<'de>,
{
    let found = Option::<BTreeMap<String, Property>>::deserialize(from)?.unwrap_or_default();
    Ok(found.into_iter().map(|(key, Property(value))| (key, value)).collect())
}

struct Property(Option<String>);

impl<'de> Deserialize<'de> for Property {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Ok(Self(match from.deserialize_any(Anything::<IgnoredAny>(PhantomData))? {
            Any::Null => None,
            Any::Text(text) => Some(text),
            Any::Bool(value) => Some(value.to_string()),
            Any::Number(value) => Some(value.to_string()),
            Any::Float(value) => Some(value.to_string()),
            Any::Object(_) | Any::Other => return Err(D::Error::custom("a property's value is no text")),
        }))
    }
}

struct Object<T>(T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Map<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for Map<T> {
            type Value = T;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<T, A::Error> {
                T::deserialize(MapAccessDeserializer::new(map))
            }
        }
        from.deserialize_map(Map(PhantomData)).map(Self)
    }
}

enum Any<T> {
    Null,
    Bool(bool),
    Number(i64),
    Float(f64),
    Text(String),
    Object(T),
    /// A sequence, or a number beyond all that is of use.
    Other,
}

/// Takes whatever stands there; an object as a `T`.
struct Anything<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for Anything<T> {
    type Value = Any<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_unit<E: Error>(self) -> Result<Any<T>, E> {
        Ok(Any::Null)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Any<T>, E> {
        Ok(Any::Bool(value))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Any<T>, E> {
        Ok(Any::Number(value))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Any<T>, E> {
        Ok(i64::try_from(value).map_or(Any::Other, Any::Number))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Any<T>, E> {
        Ok(Any::Float(value))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Any<T>, E> {
        Ok(Any::Text(value.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<Any<T>, A::Error> {
        while sequence.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Any::Other)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Any<T>, A::Error> {
        T::deserialize(MapAccessDeserializer::new(map)).map(Any::Object)
    }
}
