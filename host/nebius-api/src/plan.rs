//! The fields of each message as a reader of JSON needs them: by every name that they are written with.

use std::{
    collections::{BTreeMap, HashMap},
    sync::LazyLock,
};

use prost_reflect::{DescriptorError, EnumDescriptor, FieldDescriptor, Kind, MessageDescriptor};

use crate::json;

/// All messages that a JSON file may hold.
static PLANS: LazyLock<Result<Plans, &'static DescriptorError>> =
    LazyLock::new(|| json::descriptors().map(Plans::new));

/// The fields of every message.
#[derive(Debug)]
pub(crate) struct Plans {
    by_name: BTreeMap<String, usize>,
    messages: Vec<MessagePlan>,
}

/// The fields of one message.
#[derive(Debug, Default)]
pub(crate) struct MessagePlan {
    /// By their names in snake case and in camel case.
    pub(crate) fields: HashMap<String, FieldPlan>,
}

/// One field.
#[derive(Clone, Debug)]
pub(crate) struct FieldPlan {
    /// Its name in snake case.
    pub(crate) name: String,
    /// Its number on the wire.
    pub(crate) number: u32,
    /// What it holds.
    pub(crate) value: ValuePlan,
    /// Whether it is a list.
    pub(crate) repeated: bool,
    /// Which of the message's slots it fills: its own, or one that it shares with the others of its `oneof`.
    pub(crate) slot: u32,
}

/// What a field holds.
#[derive(Clone, Debug)]
pub(crate) enum ValuePlan {
    /// A message, by its place among the plans.
    Message(usize),
    /// One of these words, in capitals.
    Enum(HashMap<String, i32>),
    /// A whole number between these bounds, as a varint.
    Integer(i128, i128),
    /// Yes or no.
    Bool,
    /// A text.
    Text,
    /// A fraction that the API writes as text, such as `usage_percentage`.
    Fraction,
    /// An instant of RFC 3339.
    Timestamp,
    /// Texts by texts.
    Labels,
    /// Something that no file of an account holds.
    Foreign,
}

impl Plans {
    /// The plans of the messages of this crate.
    pub(crate) fn get() -> Result<&'static Self, String> {
        PLANS.as_ref().map_err(ToString::to_string)
    }

    /// The place of a message.
    pub(crate) fn find(&self, full_name: &str) -> Option<usize> {
        self.by_name.get(full_name).copied()
    }

    /// The message at a place.
    pub(crate) fn message(&self, place: usize) -> Option<&MessagePlan> {
        self.messages.get(place)
    }

    fn new(pool: &prost_reflect::DescriptorPool) -> Self {
        let descriptors: Vec<_> = pool.all_messages().collect();
        let by_name: BTreeMap<String, usize> = descriptors
            .iter()
            .map(|message| message.full_name().to_owned())
            .zip(0..)
            .collect();
        let messages = descriptors
            .iter()
            .map(|message| plan(message, &by_name))
            .collect();
        Self { by_name, messages }
    }
}

fn plan(message: &MessageDescriptor, places: &BTreeMap<String, usize>) -> MessagePlan {
    let mut fields = HashMap::new();
    let mut slots: BTreeMap<String, u32> = BTreeMap::new();
    for field in message.fields() {
        let group = field.containing_oneof();
        let group = group.map_or_else(|| field.name().to_owned(), |one| format!("{}/", one.name()));
        let next = u32::try_from(slots.len()).unwrap_or(u32::MAX);
        let field_plan = FieldPlan {
            name: field.name().to_owned(),
            number: field.number(),
            value: value(&field, places),
            repeated: field.is_list(),
            slot: *slots.entry(group).or_insert(next),
        };
        fields.insert(field.json_name().to_owned(), field_plan.clone());
        fields.insert(field.name().to_owned(), field_plan);
    }
    MessagePlan { fields }
}

fn value(field: &FieldDescriptor, places: &BTreeMap<String, usize>) -> ValuePlan {
    if field.is_map() {
        return match field.kind() {
            Kind::Message(entry)
                if entry.map_entry_key_field().kind() == Kind::String
                    && entry.map_entry_value_field().kind() == Kind::String =>
            {
                ValuePlan::Labels
            }
            _ => ValuePlan::Foreign,
        };
    }
    match field.kind() {
        Kind::Int32 => ValuePlan::Integer(i32::MIN.into(), i32::MAX.into()),
        Kind::Int64 => ValuePlan::Integer(i64::MIN.into(), i64::MAX.into()),
        Kind::Uint32 => ValuePlan::Integer(0, u32::MAX.into()),
        Kind::Uint64 => ValuePlan::Integer(0, u64::MAX.into()),
        Kind::Bool => ValuePlan::Bool,
        Kind::String if field.name().ends_with("_percentage") => ValuePlan::Fraction,
        Kind::String => ValuePlan::Text,
        Kind::Enum(enumeration) => ValuePlan::Enum(words(&enumeration)),
        Kind::Message(message) => match message.full_name() {
            "google.protobuf.Timestamp" => ValuePlan::Timestamp,
            name if name.starts_with("google.protobuf.") => ValuePlan::Foreign,
            name => places
                .get(name)
                .map_or(ValuePlan::Foreign, |place| ValuePlan::Message(*place)),
        },
        _ => ValuePlan::Foreign,
    }
}

/// The words of an enumeration: each as the API has it, and with and without the name of its type before it.
fn words(enumeration: &EnumDescriptor) -> HashMap<String, i32> {
    let mut prefix = String::new();
    for letter in enumeration.name().chars() {
        if letter.is_uppercase() && !prefix.is_empty() {
            prefix.push('_');
        }
        prefix.extend(letter.to_uppercase());
    }
    prefix.push('_');
    let mut words = HashMap::new();
    for value in enumeration.values() {
        let name = value.name();
        words.insert(name.to_owned(), value.number());
        match name.strip_prefix(&prefix) {
            Some(short) => words.insert(short.to_owned(), value.number()),
            None => words.insert(format!("{prefix}{name}"), value.number()),
        };
    }
    words
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn everything_in_the_files_of_an_account_can_be_read() {
        let plans = Plans::get().unwrap();
        let mut left: Vec<usize> = [
            "nebius.iam.v1.ListProjectsResponse",
            "nebius.iam.v2.ListProjectsResponse",
            "nebius.iam.v2.Tenant",
            "nebius.quotas.v1.ListQuotaAllowancesResponse",
            "nebius.capacity.v1.ListCapacityAllowancesResponse",
            "nebius.capacity.v1.ListCapacityBlockGroupsResponse",
            "nebius.capacity.v1.ListResourceAdviceResponse",
            "nebius.compute.v1.ListPlatformsResponse",
        ]
        .map(|name| plans.find(name).unwrap())
        .to_vec();
        let mut seen = 0;
        while let Some(place) = left.pop() {
            for field in plans.message(place).unwrap().fields.values() {
                assert!(!matches!(field.value, ValuePlan::Foreign), "{field:?}");
                // Whether a field was given before is kept in one bit of 64.
                assert!(field.slot < 64, "{field:?}");
                if let ValuePlan::Message(place) = field.value {
                    left.push(place);
                }
            }
            seen += 1;
            assert!(seen < 1_000, "a message that holds itself");
        }
    }
}
