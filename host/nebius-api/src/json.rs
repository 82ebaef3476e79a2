//! Messages to and from JSON as the official CLI prints it: snake_case names, enum names, 64-bit integers as strings,
//! zero-valued fields left out. Plain numbers, camelCase names and enum names behind the name of their type
//! (`PROJECT_STATE_ACTIVE` for the `ACTIVE` of `ProjectState`) are read too; unknown fields and unknown enum names are passed
//! over, since a newer CLI may print what this build does not know (an unknown enum name reads as unspecified).

use std::sync::LazyLock;

use prost::Message as _;
use prost_reflect::{
    DescriptorError, DescriptorPool, DeserializeOptions, DynamicMessage, MessageDescriptor,
    SerializeOptions,
};
use prost_types::{DescriptorProto, EnumDescriptorProto, EnumOptions, FileDescriptorSet};

const COMPILED: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/nebius.fds"));

static POOL: LazyLock<Result<DescriptorPool, DescriptorError>> =
    LazyLock::new(|| DescriptorPool::decode(COMPILED));

/// The same messages, with further names of their enum values: what is read may be spelled in more ways than what is
/// written.
static READING: LazyLock<Result<DescriptorPool, String>> = LazyLock::new(|| {
    let mut set = FileDescriptorSet::decode(COMPILED).map_err(|error| error.to_string())?;
    for file in &mut set.file {
        file.enum_type.iter_mut().for_each(add_long_names);
        file.message_type.iter_mut().for_each(in_message);
    }
    DescriptorPool::from_file_descriptor_set(set).map_err(|error| error.to_string())
});

fn in_message(message: &mut DescriptorProto) {
    message.enum_type.iter_mut().for_each(add_long_names);
    message.nested_type.iter_mut().for_each(in_message);
}

/// Names each value a second time, behind the name of its type, where it does not stand there already.
fn add_long_names(enumeration: &mut EnumDescriptorProto) {
    let mut prefix = String::new();
    for letter in enumeration.name().chars() {
        if letter.is_uppercase() && !prefix.is_empty() {
            prefix.push('_');
        }
        prefix.extend(letter.to_uppercase());
    }
    prefix.push('_');
    let short = enumeration.value.iter();
    let short = short.filter(|value| !value.name().starts_with(&prefix));
    let mut long: Vec<_> = short.cloned().collect();
    for value in &mut long {
        value.name = Some(format!("{prefix}{}", value.name()));
    }
    if !long.is_empty() {
        let options = enumeration.options.get_or_insert_with(EnumOptions::default);
        options.allow_alias = Some(true);
        enumeration.value.extend(long);
    }
}

/// Reads a message from JSON.
///
/// # Errors
/// What [`serde_json`] says of text that is not JSON or not of the message's shape, with line and column.
pub fn from_deserializer<'de, M, D>(deserializer: D) -> Result<M, D::Error>
where
    M: prost::Message + prost::Name + Default,
    D: serde::Deserializer<'de>,
{
    use serde::de::Error;
    let options = DeserializeOptions::new().deny_unknown_fields(false);
    let pool = READING.as_ref().map_err(D::Error::custom)?;
    let descriptor = descriptor::<M>(pool).map_err(D::Error::custom)?;
    let message = DynamicMessage::deserialize_with_options(descriptor, deserializer, &options)?;
    message.transcode_to().map_err(D::Error::custom)
}

/// Turns a message into JSON.
///
/// # Errors
/// Only for values that JSON has no form for, such as a timestamp out of range.
pub fn to_value<M: prost::Message + prost::Name>(
    message: &M,
) -> Result<serde_json::Value, serde_json::Error> {
    use serde::ser::Error;
    let options = SerializeOptions::new()
        .use_proto_field_name(true)
        .skip_default_fields(true);
    let pool = descriptors().map_err(serde_json::Error::custom)?;
    let descriptor = descriptor::<M>(pool).map_err(serde_json::Error::custom)?;
    let mut dynamic = DynamicMessage::new(descriptor);
    dynamic
        .transcode_from(message)
        .map_err(serde_json::Error::custom)?;
    dynamic.serialize_with_options(serde_json::value::Serializer, &options)
}

/// Every message and service of this crate, for code that must read a message knowing only its name or its method.
///
/// # Errors
/// When the descriptors built into this crate are damaged.
pub fn descriptors() -> Result<&'static DescriptorPool, &'static prost_reflect::DescriptorError> {
    POOL.as_ref()
}

fn descriptor<M: prost::Name>(pool: &DescriptorPool) -> Result<MessageDescriptor, String> {
    let name = M::full_name();
    pool.get_message_by_name(&name)
        .ok_or_else(|| format!("no message `{name}` in the compiled definitions"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;
    use crate::nebius::{iam::v2::ProjectStatus, quotas::v1::QuotaAllowanceStatus};

    fn read<M: prost::Message + prost::Name + Default>(text: &str) -> M {
        from_deserializer(&mut serde_json::Deserializer::from_str(text)).unwrap()
    }

    #[test]
    fn enum_names_are_read_with_and_without_the_name_of_their_type() {
        for word in ["PURGING", "PROJECT_STATE_PURGING"] {
            let status: ProjectStatus = read(&format!(r#"{{"project_state": "{word}"}}"#));
            assert_eq!(status.project_state, 3);
            // What is written has the official spelling.
            let written = to_value(&status).unwrap();
            assert_eq!(written["project_state"], "PURGING");
        }
        let status: QuotaAllowanceStatus = read(r#"{"usage_state": "USAGE_STATE_NOT_USED"}"#);
        assert_eq!(
            to_value(&status).unwrap()["usage_state"],
            "USAGE_STATE_NOT_USED"
        );
        let unknown: ProjectStatus = read(r#"{"project_state": "DREAMING"}"#);
        assert_eq!(unknown.project_state, 0);
    }
}
