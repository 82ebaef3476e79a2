//! Contract records, as generated from the WIT, to the types of `quotagate-contract` and back. Total: every field and every
//! case is named, so that a change of either side does not compile until it is carried over.
//!
//! What comes in keeps its numbers where the engine goes by them. What goes out as text is given its numbers here.

use alloc::vec::Vec;

/// Maps the cases of one enum onto the cases of the same names of another.
macro_rules! cases {
    ($name:ident: $from:ty => $to:ty { $($case:ident),+ $(,)? }) => {
        const fn $name(value: $from) -> $to {
            match value { $(<$from>::$case => <$to>::$case),+ }
        }
    };
}

/// Maps a record onto the record with the same fields.
macro_rules! fields {
    ($value:expr => $to:path { $($field:ident $(: $convert:expr)?),+ $(,)? }) => {{
        let value = $value;
        $to { $($field: fields!(@ value.$field $(, $convert)?)),+ }
    }};
    (@ $value:expr) => { $value };
    (@ $value:expr, $convert:expr) => { $convert($value) };
}

mod answered;
mod asked;
mod shown;

pub(super) use self::{answered::*, asked::*, shown::*};

fn each<T, U>(items: Vec<T>, convert: impl FnMut(T) -> U) -> Vec<U> {
    items.into_iter().map(convert).collect()
}
