//! Messages from JSON as the official CLI prints it: snake_case names, enum names, 64-bit integers as strings, zero-valued
//! fields left out. Also read are camelCase names, numbers as numbers, whole fractions (`8.0`), and enum names with and
//! without the name of their type (`PROJECT_STATE_ACTIVE` for the `ACTIVE` of `ProjectState`). Unknown fields are
//! passed over, since a newer CLI may print what this build does not know; an unknown enum name reads as unspecified and is
//! told to the caller.
//!
//! The JSON is turned into the bytes of the wire as it is parsed, and the message is decoded from those: nothing is built in
//! between.

use std::{cell::RefCell, collections::BTreeSet, fmt};

use prost::encoding::{WireType, encode_key, encode_varint};
use serde::de::{DeserializeSeed, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

use crate::plan::{FieldPlan, MessagePlan, Plans, ValuePlan};

/// A name of an enum that this build does not know.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct UnknownWord {
    /// The field that holds it.
    pub field: String,
    /// What it says.
    pub word: String,
}

/// What a whole file holds.
#[derive(Debug, Default)]
pub(crate) struct Top {
    /// The message, as the wire has it.
    pub(crate) wire: Vec<u8>,
    /// The error that the file holds instead.
    pub(crate) error: Option<crate::world::RecordedError>,
    /// The known fields that it has.
    pub(crate) known: Vec<String>,
    /// The other ones.
    pub(crate) unknown: Vec<String>,
}

/// Reads a whole file: an object of the message's fields, an object with an `error`, or the message's `items` alone.
pub(crate) struct TopSeed<'a> {
    pub(crate) context: Context<'a>,
    pub(crate) message: &'a MessagePlan,
}

/// What all readers of a file share.
#[derive(Clone, Copy)]
pub(crate) struct Context<'a> {
    pub(crate) plans: &'a Plans,
    pub(crate) unknown_words: &'a RefCell<BTreeSet<UnknownWord>>,
}

impl<'de> DeserializeSeed<'de> for TopSeed<'_> {
    type Value = Top;

    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<Top, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for TopSeed<'_> {
    type Value = Top;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self.message.fields.contains_key("items") {
            true => "a list, with or without `items` around it",
            false => "an object",
        })
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Top, A::Error> {
        let mut top = Top::default();
        let mut given = 0;
        while let Some(key) = map.next_key::<String>()? {
            if let Some(field) = self.message.fields.get(&key) {
                take_slot(&mut given, field)?;
                map.next_value_seed(FieldSeed {
                    context: self.context,
                    field,
                    wire: &mut top.wire,
                })?;
                top.known.push(key);
            } else if key == "error" {
                top.error = map.next_value()?;
            } else {
                map.next_value::<IgnoredAny>()?;
                top.unknown.push(key);
            }
        }
        Ok(top)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<Top, A::Error> {
        let Some(field) = self.message.fields.get("items") else {
            return Err(A::Error::invalid_type(serde::de::Unexpected::Seq, &self));
        };
        let mut top = Top {
            known: vec![field.name.clone()],
            ..Top::default()
        };
        let seed = FieldSeed {
            context: self.context,
            field,
            wire: &mut top.wire,
        };
        seed.visit_seq(seq)?;
        Ok(top)
    }
}

/// Refuses a field that is there twice, or beside one that excludes it: which of them holds, nobody can say.
fn take_slot<E: Error>(given: &mut u64, field: &FieldPlan) -> Result<(), E> {
    let bit = 1_u64.checked_shl(field.slot).unwrap_or(0);
    if *given & bit != 0 {
        return Err(E::custom(format_args!(
            "`{}` is given twice, or beside a field that excludes it",
            field.name
        )));
    }
    *given |= bit;
    Ok(())
}

/// Reads an object as a message and appends it to the wire, without its length.
struct MessageSeed<'a> {
    context: Context<'a>,
    message: &'a MessagePlan,
    wire: &'a mut Vec<u8>,
}

impl<'de> Visitor<'de> for MessageSeed<'_> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let mut given = 0;
        while let Some(field) = map.next_key_seed(NameSeed(self.message))? {
            let Some(field) = field else {
                map.next_value::<IgnoredAny>()?;
                continue;
            };
            take_slot(&mut given, field)?;
            map.next_value_seed(FieldSeed {
                context: self.context,
                field,
                wire: self.wire,
            })?;
        }
        Ok(())
    }
}

/// Reads the name of a field; an unknown one is none.
struct NameSeed<'a>(&'a MessagePlan);

impl<'de, 'a> DeserializeSeed<'de> for NameSeed<'a> {
    type Value = Option<&'a FieldPlan>;

    fn deserialize<D: serde::Deserializer<'de>>(
        self,
        deserializer: D,
    ) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_identifier(self)
    }
}

impl<'a> Visitor<'_> for NameSeed<'a> {
    type Value = Option<&'a FieldPlan>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("the name of a field")
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<Self::Value, E> {
        Ok(self.0.fields.get(name))
    }
}

/// Reads the value of a field and appends it to the wire with its key. `null` is a field that is not there.
struct FieldSeed<'a> {
    context: Context<'a>,
    field: &'a FieldPlan,
    wire: &'a mut Vec<u8>,
}

impl<'de> DeserializeSeed<'de> for FieldSeed<'_> {
    type Value = ();

    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl FieldSeed<'_> {
    fn value(&mut self) -> ValueSeed<'_> {
        ValueSeed {
            context: self.context,
            field: self.field,
            wire: self.wire,
        }
    }
}

impl<'de> Visitor<'de> for FieldSeed<'_> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.field.repeated, &self.field.value) {
            (true, _) => formatter.write_str("a list"),
            (false, value) => expected(value, formatter),
        }
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_bool<E: Error>(mut self, value: bool) -> Result<(), E> {
        self.one(serde::de::Unexpected::Bool(value), |seed| {
            seed.visit_bool(value)
        })
    }

    fn visit_i64<E: Error>(mut self, value: i64) -> Result<(), E> {
        self.one(serde::de::Unexpected::Signed(value), |seed| {
            seed.visit_i64(value)
        })
    }

    fn visit_u64<E: Error>(mut self, value: u64) -> Result<(), E> {
        self.one(serde::de::Unexpected::Unsigned(value), |seed| {
            seed.visit_u64(value)
        })
    }

    fn visit_f64<E: Error>(mut self, value: f64) -> Result<(), E> {
        self.one(serde::de::Unexpected::Float(value), |seed| {
            seed.visit_f64(value)
        })
    }

    fn visit_str<E: Error>(mut self, value: &str) -> Result<(), E> {
        self.one(serde::de::Unexpected::Str(value), |seed| {
            seed.visit_str(value)
        })
    }

    fn visit_map<A: MapAccess<'de>>(mut self, map: A) -> Result<(), A::Error> {
        if self.field.repeated {
            return Err(A::Error::invalid_type(serde::de::Unexpected::Map, &self));
        }
        self.value().visit_map(map)
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut seq: A) -> Result<(), A::Error> {
        if !self.field.repeated {
            return Err(A::Error::invalid_type(serde::de::Unexpected::Seq, &self));
        }
        while seq.next_element_seed(self.value())?.is_some() {}
        Ok(())
    }
}

impl FieldSeed<'_> {
    /// A value that is no list, where none is expected.
    fn one<E: Error>(
        &mut self,
        found: serde::de::Unexpected<'_>,
        read: impl FnOnce(ValueSeed<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        if self.field.repeated {
            return Err(E::invalid_type(found, &"a list"));
        }
        read(self.value())
    }
}

/// Reads one value: a field, or an element of a list.
struct ValueSeed<'a> {
    context: Context<'a>,
    field: &'a FieldPlan,
    wire: &'a mut Vec<u8>,
}

impl<'de> DeserializeSeed<'de> for ValueSeed<'_> {
    type Value = ();

    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

fn expected(value: &ValuePlan, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
    match value {
        ValuePlan::Message(_) => formatter.write_str("an object"),
        ValuePlan::Enum(_) => formatter.write_str("a word"),
        ValuePlan::Integer(least, most) => {
            write!(formatter, "a whole number from {least} to {most}")
        }
        ValuePlan::Bool => formatter.write_str("true or false"),
        ValuePlan::Text => formatter.write_str("a text"),
        ValuePlan::Fraction => formatter.write_str("a fraction"),
        ValuePlan::Timestamp => formatter.write_str("an instant such as \"2026-01-31T12:00:00Z\""),
        ValuePlan::Labels => formatter.write_str("an object of texts"),
        ValuePlan::Foreign => formatter.write_str("nothing that this build can read"),
    }
}

impl ValueSeed<'_> {
    fn integer(&mut self, number: i128) {
        encode_key(self.field.number, WireType::Varint, self.wire);
        // Negative numbers are sign-extended to 64 bits, which is what this cast does.
        #[allow(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "within the bounds of a field of at most 64 bits"
        )]
        encode_varint(number as u64, self.wire);
    }

    fn bytes(&mut self, bytes: &[u8]) {
        encode_key(self.field.number, WireType::LengthDelimited, self.wire);
        encode_varint(bytes.len() as u64, self.wire);
        self.wire.extend_from_slice(bytes);
    }

    fn number<E: Error>(mut self, number: i128, found: serde::de::Unexpected<'_>) -> Result<(), E> {
        match &self.field.value {
            ValuePlan::Integer(least, most) if (*least..=*most).contains(&number) => {
                self.integer(number);
                Ok(())
            }
            ValuePlan::Integer(..) => Err(E::invalid_value(found, &self)),
            ValuePlan::Enum(_) if i32::try_from(number).is_ok() => {
                self.integer(number);
                Ok(())
            }
            ValuePlan::Fraction => {
                self.bytes(number.to_string().as_bytes());
                Ok(())
            }
            _ => Err(E::invalid_type(found, &self)),
        }
    }
}

impl<'de> Visitor<'de> for ValueSeed<'_> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        expected(&self.field.value, formatter)
    }

    fn visit_bool<E: Error>(mut self, value: bool) -> Result<(), E> {
        match self.field.value {
            ValuePlan::Bool => {
                self.integer(value.into());
                Ok(())
            }
            _ => Err(E::invalid_type(serde::de::Unexpected::Bool(value), &self)),
        }
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<(), E> {
        self.number(value.into(), serde::de::Unexpected::Signed(value))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<(), E> {
        self.number(value.into(), serde::de::Unexpected::Unsigned(value))
    }

    fn visit_f64<E: Error>(mut self, value: f64) -> Result<(), E> {
        let found = serde::de::Unexpected::Float(value);
        match (&self.field.value, whole(value)) {
            (ValuePlan::Fraction, _) => {
                self.bytes(value.to_string().as_bytes());
                Ok(())
            }
            (_, Some(number)) => self.number(number, found),
            (_, None) => Err(E::invalid_type(found, &self)),
        }
    }

    fn visit_str<E: Error>(mut self, value: &str) -> Result<(), E> {
        let found = serde::de::Unexpected::Str(value);
        match &self.field.value {
            ValuePlan::Text | ValuePlan::Fraction => {
                self.bytes(value.as_bytes());
                Ok(())
            }
            ValuePlan::Integer(..) => match number_of(value) {
                Some(number) => self.number(number, found),
                None => Err(E::invalid_value(found, &self)),
            },
            ValuePlan::Enum(words) => {
                if let Some(number) = words.get(value).copied() {
                    self.integer(number.into());
                } else if let Ok(number) = value.parse::<i32>() {
                    self.integer(number.into());
                } else {
                    let mut unknown = self.context.unknown_words.borrow_mut();
                    unknown.insert(UnknownWord {
                        field: self.field.name.clone(),
                        word: value.to_owned(),
                    });
                }
                Ok(())
            }
            ValuePlan::Timestamp => {
                let instant: prost_types::Timestamp =
                    value.parse().map_err(|_| E::invalid_value(found, &self))?;
                self.bytes(&prost::Message::encode_to_vec(&instant));
                Ok(())
            }
            ValuePlan::Message(_) | ValuePlan::Bool | ValuePlan::Labels | ValuePlan::Foreign => {
                Err(E::invalid_type(found, &self))
            }
        }
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<(), A::Error> {
        match self.field.value {
            ValuePlan::Message(place) => {
                let message = self.context.plans.message(place);
                let message =
                    message.ok_or_else(|| A::Error::custom("a message without a definition"))?;
                let mut inner = Vec::with_capacity(128);
                let seed = MessageSeed {
                    context: self.context,
                    message,
                    wire: &mut inner,
                };
                seed.visit_map(map)?;
                self.bytes(&inner);
                Ok(())
            }
            ValuePlan::Labels => {
                let mut given = BTreeSet::new();
                while let Some((key, value)) = map.next_entry::<String, String>()? {
                    let mut entry = Vec::with_capacity(key.len() + value.len() + 8);
                    prost::encoding::string::encode(1, &key, &mut entry);
                    prost::encoding::string::encode(2, &value, &mut entry);
                    self.bytes(&entry);
                    if let Some(twice) = given.replace(key) {
                        return Err(A::Error::custom(format_args!("`{twice}` is given twice")));
                    }
                }
                Ok(())
            }
            _ => Err(A::Error::invalid_type(serde::de::Unexpected::Map, &self)),
        }
    }
}

/// A fraction that is whole. Those that are so large that the parser may have rounded them to the next whole number are none.
fn whole(value: f64) -> Option<i128> {
    const EXACT: f64 = 281_474_976_710_656.0;
    #[allow(
        clippy::cast_possible_truncation,
        reason = "it is whole and within bounds"
    )]
    (value.fract() == 0.0 && value.abs() <= EXACT).then_some(value as i128)
}

/// A number as text: `8`, and the whole fraction `8.0`.
fn number_of(text: &str) -> Option<i128> {
    let digits = match text.split_once('.') {
        Some((whole, fraction))
            if !fraction.is_empty() && fraction.bytes().all(|byte| byte == b'0') =>
        {
            whole
        }
        Some(_) => return None,
        None => text,
    };
    digits.parse().ok()
}
