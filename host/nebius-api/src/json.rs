//! Messages to JSON as the official CLI prints it: snake_case names, enum names, 64-bit integers as strings, zero-valued
//! fields left out.

use std::sync::LazyLock;

use prost_reflect::{
    DescriptorError, DescriptorPool, DynamicMessage, MessageDescriptor, SerializeOptions,
};

const COMPILED: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/nebius.fds"));

static POOL: LazyLock<Result<DescriptorPool, DescriptorError>> =
    LazyLock::new(|| DescriptorPool::decode(COMPILED));

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
