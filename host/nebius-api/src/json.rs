//! Messages to and from JSON as the official CLI prints it: snake_case names, enum names, 64-bit integers as strings,
//! zero-valued fields left out. Plain numbers and camelCase names are read too; unknown fields and unknown enum names are
//! passed over, since a newer CLI may print what this build does not know (an unknown enum name reads as unspecified).

use std::sync::LazyLock;

use prost_reflect::{
    DescriptorPool, DeserializeOptions, DynamicMessage, MessageDescriptor, SerializeOptions,
};

static POOL: LazyLock<Result<DescriptorPool, prost_reflect::DescriptorError>> =
    LazyLock::new(|| {
        DescriptorPool::decode(include_bytes!(concat!(env!("OUT_DIR"), "/nebius.fds")).as_slice())
    });

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
    let descriptor = descriptor::<M>().map_err(D::Error::custom)?;
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
    let mut dynamic = DynamicMessage::new(descriptor::<M>().map_err(serde_json::Error::custom)?);
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

fn descriptor<M: prost::Name>() -> Result<MessageDescriptor, String> {
    let pool = descriptors().map_err(ToString::to_string)?;
    let name = M::full_name();
    pool.get_message_by_name(&name)
        .ok_or_else(|| format!("no message `{name}` in the compiled definitions"))
}
