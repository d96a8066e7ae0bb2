//! What an action's fields may be in JSON: stricter than serde where readers refuse, and milder where they don't care.

use crate::delta::bounds;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserialize, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;

/// A JSON object or null. By itself a struct would take a sequence of its fields too.
pub(super) fn object<'de, D: Deserializer<'de>, T: Deserialize<'de>>(from: D) -> Result<Option<T>, D::Error> {
    Ok(Option::<Object<T>>::deserialize(from)?.map(|object| object.0))
}

/// A JSON object.
pub(super) fn whole<'de, D: Deserializer<'de>, T: Deserialize<'de>>(from: D) -> Result<T, D::Error> {
    Object::deserialize(from).map(|object| object.0)
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
    Ok(Option::<Properties>::deserialize(from)?.map(|found| found.0).unwrap_or_default())
}

/// [`properties`] that must be there.
pub(super) fn all_properties<'de, D>(from: D) -> Result<BTreeMap<String, Option<String>>, D::Error>
where
    D: Deserializer<'de>,
{
    Properties::deserialize(from).map(|found| found.0)
}

struct Properties(BTreeMap<String, Option<String>>);

impl<'de> Deserialize<'de> for Properties {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Each;
        impl<'de> Visitor<'de> for Each {
            type Value = BTreeMap<String, Option<String>>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object of properties")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut found = BTreeMap::new();
                while let Some((key, Property(value))) = map.next_entry()? {
                    found.insert(key, value);
                    if found.len() > bounds::PROPERTIES {
                        return Err(A::Error::custom(format!("it has more than {} properties", bounds::PROPERTIES)));
                    }
                }
                Ok(found)
            }
        }
        from.deserialize_map(Each).map(Self)
    }
}

/// Text that is there and of no concern.
pub(super) struct Text;

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Seen;
        impl Visitor<'_> for Seen {
            type Value = Text;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("text")
            }

            fn visit_str<E: Error>(self, _text: &str) -> Result<Text, E> {
                Ok(Text)
            }
        }
        from.deserialize_str(Seen)
    }
}

/// An object of texts that is there and of no concern.
pub(super) struct Texts;

impl<'de> Deserialize<'de> for Texts {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Seen;
        impl<'de> Visitor<'de> for Seen {
            type Value = Texts;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object of texts")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Texts, A::Error> {
                while map.next_entry::<IgnoredAny, Property>()?.is_some() {}
                Ok(Texts)
            }
        }
        from.deserialize_map(Seen)
    }
}

/// Table features. No real table has more than a few dozen.
pub(super) fn features<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Vec<String>>, D::Error> {
    struct Some_(Vec<String>);
    impl<'de> Deserialize<'de> for Some_ {
        fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
            from.deserialize_seq(Names { most: bounds::FEATURES, what: "table features" }).map(Self)
        }
    }
    Ok(Option::<Some_>::deserialize(from)?.map(|found| found.0))
}

/// Partition columns.
pub(super) fn columns<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<String>, D::Error> {
    from.deserialize_seq(Names { most: bounds::PARTITION_COLUMNS, what: "partition columns" })
}

/// A list of names, up to a bound.
struct Names {
    most: usize,
    what: &'static str,
}

impl<'de> Visitor<'de> for Names {
    type Value = Vec<String>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a list of {}", self.what)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<Vec<String>, A::Error> {
        let mut found = Vec::new();
        while let Some(name) = sequence.next_element()? {
            if found.len() == self.most {
                return Err(A::Error::custom(format!("it names more than {} {}", self.most, self.what)));
            }
            found.push(name);
        }
        Ok(found)
    }
}

/// Parameters of an operation that matter here.
pub(super) const PARAMETERS: [&str; 3] = ["isShallow", "epoch", "group"];

/// The parameters of an operation that matter here, as text. A writer may put anything here, so the rest is passed over
/// whatever it is.
pub(super) fn parameters<'de, D>(from: D) -> Result<BTreeMap<&'static str, String>, D::Error>
where
    D: Deserializer<'de>,
{
    #[derive(Default)]
    struct Parameters(BTreeMap<&'static str, String>);
    impl<'de> Deserialize<'de> for Parameters {
        fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
            struct Known;
            impl<'de> Visitor<'de> for Known {
                type Value = Parameters;

                fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                    f.write_str("an object")
                }

                fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Parameters, A::Error> {
                    let mut found = BTreeMap::new();
                    while let Some(key) = map.next_key::<String>()? {
                        match PARAMETERS.into_iter().find(|known| *known == key) {
                            Some(known) => {
                                if let Property(Some(text)) = map.next_value::<Lax>()?.0 {
                                    found.insert(known, text);
                                }
                            }
                            None => _ = map.next_value::<IgnoredAny>()?,
                        }
                    }
                    Ok(Parameters(found))
                }
            }
            from.deserialize_map(Known)
        }
    }
    Ok(object_or_anything::<D, Parameters>(from)?.unwrap_or_default().0)
}

/// A value as text; None where it is neither text nor a number nor a boolean.
struct Lax(Property);

impl<'de> Deserialize<'de> for Lax {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let found = from.deserialize_any(Anything::<IgnoredAny>(PhantomData))?;
        Ok(Self(Property(found.into_text().ok().flatten())))
    }
}

struct Property(Option<String>);

impl<'de> Deserialize<'de> for Property {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let found = from.deserialize_any(Anything::<IgnoredAny>(PhantomData))?;
        found.into_text().map(Self).map_err(|()| D::Error::custom("a property's value isn't text"))
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

impl<T> Any<T> {
    /// The value as text, None for null; an error for what has no text of its own.
    fn into_text(self) -> Result<Option<String>, ()> {
        match self {
            Self::Null => Ok(None),
            Self::Text(text) => Ok(Some(text)),
            Self::Bool(value) => Ok(Some(value.to_string())),
            Self::Number(value) => Ok(Some(value.to_string())),
            Self::Float(value) => Ok(Some(value.to_string())),
            Self::Object(_) | Self::Other => Err(()),
        }
    }
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
