//! Pages: how many rows a list call gets, and the token that asks for the next ones.

use std::hash::{DefaultHasher, Hash, Hasher};

use crate::{account::Rows, refusal::Refusal};

/// What a list call asks for, as far as paging goes.
pub(crate) trait ListRequest {
    fn page_size(&self) -> i64;
    fn page_token(&self) -> &str;
    fn parent_id(&self) -> &str {
        ""
    }
    fn filter(&self) -> &str {
        ""
    }
}

/// The page sizes that a method takes.
#[derive(Clone, Copy)]
pub(crate) struct Bounds {
    /// Where the caller names no size.
    pub(crate) default: usize,
    /// Beyond this the request is invalid.
    pub(crate) most: Option<usize>,
}

/// What bends the paging of one call.
#[derive(Clone, Default)]
pub(crate) struct Bending {
    /// No page is longer, whatever the caller asks.
    pub(crate) at_most: Option<usize>,
    /// The answer carries the token that the call came with, or on the first page the next page's.
    pub(crate) repeat_token: bool,
}

/// Where a page starts. On the wire: hexadecimal digits that mean nothing to a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PageToken {
    /// Ties the token to one method and parent.
    list: u64,
    /// The number of the page it asks for; the first page has number 1 and no token.
    pub(crate) page: u32,
    start: u32,
}

impl PageToken {
    /// Reads a token that [`PageToken::text`] made.
    pub(crate) fn read(text: &str) -> Option<Self> {
        // The parser of integers would take a sign.
        if text.len() != 32 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return None;
        }
        Some(Self {
            list: u64::from_str_radix(text.get(..16)?, 16).ok()?,
            page: u32::from_str_radix(text.get(16..24)?, 16).ok()?,
            start: u32::from_str_radix(text.get(24..)?, 16).ok()?,
        })
    }

    fn text(self) -> String {
        format!("{:016x}{:08x}{:08x}", self.list, self.page, self.start)
    }
}

/// The page of `rows` that `request` to `method` asks for, and the token of the page after it.
pub(crate) fn page<T: Clone>(
    rows: &Rows<'_, T>,
    method: &str,
    request: &dyn ListRequest,
    bounds: Bounds,
    bending: &Bending,
) -> Result<(Vec<T>, String), Refusal> {
    let size = page_size(request.page_size(), bounds)?;
    let size = size.min(bending.at_most.unwrap_or(size)).max(1);
    let list = fingerprint(method, request.parent_id());
    let here = if request.page_token().is_empty() {
        PageToken {
            list,
            page: 1,
            start: 0,
        }
    } else {
        PageToken::read(request.page_token())
            .filter(|token| token.list == list)
            .ok_or_else(|| Refusal::Invalid {
                field: "page_token",
                message: "is not a token of this list".to_owned(),
            })?
    };
    let start = usize::try_from(here.start).unwrap_or(usize::MAX);
    let items: Vec<T> = rows.items.iter().skip(start).take(size).cloned().collect();
    if start > 0 && items.is_empty() && !rows.complete {
        return Err(Refusal::NotRecorded("the rest of this list"));
    }

    let end = start.saturating_add(items.len());
    let next = PageToken {
        list,
        page: here.page.saturating_add(1),
        start: u32::try_from(end).unwrap_or(u32::MAX),
    };
    let token = if bending.repeat_token && !request.page_token().is_empty() {
        request.page_token().to_owned()
    } else if bending.repeat_token || end < rows.items.len() || !rows.complete {
        next.text()
    } else {
        String::new()
    };
    Ok((items, token))
}

fn page_size(asked: i64, bounds: Bounds) -> Result<usize, Refusal> {
    let most = bounds.most.unwrap_or(usize::MAX);
    match usize::try_from(asked) {
        Ok(0) => Ok(bounds.default),
        Ok(size) if size <= most => Ok(size),
        _ => Err(Refusal::Invalid {
            field: "page_size",
            message: bounds.most.map_or_else(
                || "must not be negative".to_owned(),
                |most| format!("must be between 0 and {most}"),
            ),
        }),
    }
}

fn fingerprint(method: &str, parent_id: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    (method, parent_id).hash(&mut hasher);
    hasher.finish()
}
