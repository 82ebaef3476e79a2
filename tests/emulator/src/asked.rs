//! What the log and the faults need to know of a request, read by the definition of its method and not by its type.

use nebius_api::json;
use prost_reflect::{DynamicMessage, Value};

use crate::paging::PageToken;

/// The fields that requests share; each is absent where the method's message has none such.
#[derive(Debug, Default)]
pub(crate) struct Asked {
    pub(crate) parent_id: Option<String>,
    pub(crate) page_token: Option<String>,
    pub(crate) page_size: Option<i64>,
}

impl Asked {
    /// Reads the body of a unary call. What cannot be read is absent: refusing it is the service's business.
    pub(crate) fn read(method: &str, body: &[u8]) -> Self {
        let Some(message) = decode(method, body) else {
            return Self::default();
        };
        let field = |name: &str| {
            message
                .get_field_by_name(name)
                .map(|value| value.into_owned())
        };
        let text = |name: &str| match field(name) {
            Some(Value::String(text)) => Some(text),
            _ => None,
        };
        Self {
            parent_id: text("parent_id"),
            page_token: text("page_token"),
            page_size: field("page_size").and_then(|value| value.as_i64()),
        }
    }

    /// The number of the page that a list request asks for.
    pub(crate) fn page(&self) -> Option<u32> {
        match self.page_token.as_deref()? {
            "" => Some(1),
            token => PageToken::read(token).map(|token| token.page),
        }
    }
}

fn decode(method: &str, body: &[u8]) -> Option<DynamicMessage> {
    let (service, name) = method.strip_prefix('/')?.split_once('/')?;
    let service = json::descriptors().ok()?.get_service_by_name(service)?;
    let input = service
        .methods()
        .find(|method| method.name() == name)?
        .input();
    // A message comes behind one byte that says whether it is compressed, which the emulator does not take, and four
    // with its length.
    let (prefix, message) = body.split_at_checked(5)?;
    if prefix.first() != Some(&0) {
        return None;
    }
    DynamicMessage::decode(input, message).ok()
}
