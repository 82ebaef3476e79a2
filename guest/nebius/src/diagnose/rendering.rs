//! Details of a launch error as the SDKs render them, which is all that a person has where the call itself was refused.
//!
//! The Go SDK (the CLI, Terraform) prints a heading and a line for each violation, the Python and JavaScript SDKs one line for
//! all. Both are made from the detail by code, so they are read; text that people wrote is not.

use alloc::{format, string::String, vec::Vec};
use core::iter::Peekable;

use super::{Detail, QuotaViolation, ResourceViolation, Retry, ServiceError, kind_of_code};

/// The details that a text renders, in its order.
pub(super) fn in_text(text: &str) -> Vec<ServiceError> {
    let mut found = Vec::new();
    let mut lines = text.lines().map(without_margin).peekable();
    while let Some(line) = lines.next() {
        match of_go(line, &mut lines) {
            Some(error) => found.push(error),
            None => found.extend(of_python(line)),
        }
    }
    found
}

/// A line without its indent and without the frame that Terraform draws at its left.
fn without_margin(line: &str) -> &str {
    line.trim_start_matches(|letter: char| letter.is_whitespace() || "│|╷╵".contains(letter))
        .trim_end()
}

fn error(code: &str, kind: Detail) -> ServiceError {
    ServiceError {
        code: code.into(),
        kind: Some(kind),
        retry: Retry::Unspecified,
    }
}

/// A code such as `QuotaFailure`, which is one word.
fn is_code(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

/// What the Go SDK heads each kind of detail with; the code and the service follow.
const HEADINGS: &[&str] = &[
    "Quota failure",
    "Not enough resources",
    "Too many requests",
    "Permission denied",
    "Bad Request",
    "Out of range",
    "Resource not found",
    "Resource already exists",
    "Resource conflict",
    "Operation aborted",
    "Operation conflict",
    "Internal error",
];

/// `Quota failure QuotaFailure: service compute, violations:` and a line for each violation.
fn of_go<'a>(
    line: &str,
    lines: &mut Peekable<impl Iterator<Item = &'a str>>,
) -> Option<ServiceError> {
    let (heading, code, rest) = HEADINGS.iter().find_map(|heading| {
        let at = line.find(heading)?;
        let after = line.get(at + heading.len()..)?.strip_prefix(' ')?;
        let (code, rest) = after.split_once(": service ")?;
        is_code(code).then_some((*heading, code, rest))
    })?;
    let lists = rest.ends_with(", violations:");
    let resource = || rest.split_once("resource ID").map(|(_, id)| named(id));
    Some(error(
        code,
        match heading {
            "Quota failure" if lists => Detail::QuotaFailure(some(violations(lines, go_quota))?),
            "Not enough resources" if lists => {
                Detail::NotEnoughResources(some(violations(lines, go_resource))?)
            }
            "Bad Request" if lists => Detail::Invalid(violations(lines, go_field).join("; ")),
            "Too many requests" => Detail::TooManyRequests,
            "Permission denied" => Detail::PermissionDenied(resource().unwrap_or_default()),
            "Out of range" => {
                let told = rest.split_once(", ").map_or(rest, |(_, told)| told);
                Detail::Invalid(format!("out of range, {told}"))
            }
            "Resource not found" => {
                Detail::Invalid(format!("{} does not exist", resource().unwrap_or_default()))
            }
            "Resource already exists" => {
                Detail::Invalid(format!("{} exists already", resource().unwrap_or_default()))
            }
            "Resource conflict" | "Operation aborted" | "Operation conflict" => Detail::Conflict,
            "Internal error" => Detail::Internal,
            _ => return None,
        },
    ))
}

fn violations<'a, T>(
    lines: &mut Peekable<impl Iterator<Item = &'a str>>,
    read: impl Fn(&str) -> Option<T>,
) -> Vec<T> {
    let mut found = Vec::new();
    while let Some(violation) = lines.peek().and_then(|line| read(line)) {
        found.push(violation);
        lines.next();
    }
    found
}

/// `compute.instance.gpu.h200 (limit 32, requested 38): Exceeded limit for container tenant-...`
fn go_quota(line: &str) -> Option<QuotaViolation> {
    let (quota, rest) = line.split_once(" (limit ")?;
    let (limit, rest) = rest.split_once(", requested ")?;
    let (requested, message) = rest.split_once("):")?;
    is_word(quota).then(|| QuotaViolation {
        quota: quota.into(),
        message: message.trim().into(),
        limit: limit.into(),
        requested: requested.into(),
    })
}

/// `virtualMachine (requested 8gpu-128vcpu-1600gb): VM schedule timeout`
fn go_resource(line: &str) -> Option<ResourceViolation> {
    let (kind, rest) = line.split_once(" (requested ")?;
    let (requested, message) = rest.split_once("):")?;
    is_word(kind).then(|| ResourceViolation {
        message: message.trim().into(),
        requested: requested.into(),
    })
}

/// `spec.boot_disk: is required`
fn go_field(line: &str) -> Option<String> {
    let (field, _) = line.split_once(": ")?;
    is_word(field).then(|| line.into())
}

/// A rendering has violations; where there are none, it is none.
fn some<T>(violations: Vec<T>) -> Option<Vec<T>> {
    Some(violations).filter(|violations| !violations.is_empty())
}

fn is_word(text: &str) -> bool {
    !text.is_empty() && !text.contains(char::is_whitespace)
}

/// The name of a resource after `resource ID: `.
fn named(text: &str) -> String {
    let mut words = text.split(|letter: char| letter.is_whitespace() || ",;:".contains(letter));
    words
        .find(|word| !word.is_empty())
        .unwrap_or_default()
        .into()
}

/// What the Python SDK puts between the service and the detail, which may be in the middle of a line.
const MARKS: &[&str] = &[
    " quota failure, violations: ",
    " not enough resources: ",
    " too many requests: ",
    " permission denied for resource ",
    " bad request, violations:",
];

/// A rendering of the Python SDK: its code, its mark, and what follows.
struct Rendering<'a> {
    code: &'a str,
    mark: &'static str,
    rest: &'a str,
}

/// Finds `CODE in service SERVICE MARK`, several in one line. The same words within a message are none: there a code and a
/// mark do not stand around them.
fn renderings(line: &str) -> Vec<Rendering<'_>> {
    const LINK: &str = " in service ";
    let mut starts = Vec::new();
    for (at, _) in line.match_indices(LINK) {
        let (before, after) = (&line[..at], &line[at + LINK.len()..]);
        let code = before.rsplit(' ').next().unwrap_or_default();
        let marked = MARKS.iter().find_map(|mark| {
            let end = after.find(mark)?;
            // The name of a service may be several words.
            let is_name = !after[..end].contains([';', ':', ',']);
            is_name.then_some((*mark, at + LINK.len() + end + mark.len()))
        });
        if let Some((mark, rest)) = marked.filter(|_| is_code(code)) {
            starts.push((at - code.len(), code, mark, rest));
        }
    }
    let ends = starts.iter().skip(1).map(|(at, ..)| *at);
    let ends: Vec<usize> = ends.chain([line.len()]).collect();
    let found = starts.into_iter().zip(ends);
    found
        .map(|((_, code, mark, rest), end)| Rendering {
            code,
            mark,
            rest: line.get(rest..end).unwrap_or_default(),
        })
        .collect()
}

/// `QuotaFailure in service compute quota failure, violations:  compute.instance.gpu.h200 38 of 32: Exceeded limit ...;`,
/// several in one line.
fn of_python(line: &str) -> Vec<ServiceError> {
    let mut found = Vec::new();
    for Rendering { code, mark, rest } in renderings(line) {
        let kind = match mark {
            " quota failure, violations: " => {
                some(pieces(rest).filter_map(python_quota).collect()).map(Detail::QuotaFailure)
            }
            " not enough resources: " => some(pieces(rest).filter_map(python_resource).collect())
                .map(Detail::NotEnoughResources),
            // These have no form of their own that would tell them from what people write.
            _ if kind_of_code(code).is_none() => None,
            " too many requests: " => Some(Detail::TooManyRequests),
            " permission denied for resource " => Some(Detail::PermissionDenied(named(rest))),
            _ => {
                let fields: Vec<&str> =
                    pieces(rest).filter(|piece| piece.contains(" - ")).collect();
                Some(Detail::Invalid(fields.join("; ")))
            }
        };
        found.extend(kind.map(|kind| error(code, kind)));
    }
    found
}

/// Violations, each of which ends with a semicolon.
fn pieces(text: &str) -> impl Iterator<Item = &str> {
    text.split(';').map(str::trim)
}

/// `compute.instance.gpu.h200 38 of 32: Exceeded limit for container tenant-...`: what was requested comes first.
fn python_quota(piece: &str) -> Option<QuotaViolation> {
    let (quota, rest) = piece.split_once(' ')?;
    let (requested, rest) = rest.split_once(" of ")?;
    let (limit, message) = rest.split_once(':')?;
    (is_word(quota) && is_word(requested) && is_word(limit)).then(|| QuotaViolation {
        quota: quota.into(),
        message: message.trim().into(),
        limit: limit.into(),
        requested: requested.into(),
    })
}

/// `virtualMachine requested 8gpu-128vcpu-1600gb: VM schedule timeout`
fn python_resource(piece: &str) -> Option<ResourceViolation> {
    let (kind, rest) = piece.split_once(" requested ")?;
    let (requested, message) = rest.split_once(':')?;
    (is_word(kind) && is_word(requested)).then(|| ResourceViolation {
        message: message.trim().into(),
        requested: requested.into(),
    })
}
