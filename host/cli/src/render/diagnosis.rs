//! What a failed launch failed for: first the kind, then what the cloud said, then what to do.

use quotagate::{Descriptor, Diagnosis, FailureKind, Finding, Remedy};
use serde::Serialize;

use super::{
    page::{Page, one_spaced},
    style,
};
use crate::{amount, output::Screen};

/// A diagnosis as programs read it.
#[derive(Serialize)]
pub(crate) struct DiagnosisJson<'a> {
    kind: FailureKind,
    retry: bool,
    findings: &'a [Finding],
    remedy: Option<&'a Remedy>,
}

/// A diagnosis as JSON.
pub(crate) fn json(diagnosis: &Diagnosis) -> DiagnosisJson<'_> {
    DiagnosisJson {
        kind: diagnosis.kind,
        retry: diagnosis.retry,
        findings: &diagnosis.findings,
        remedy: diagnosis.remedy.as_ref(),
    }
}

/// A diagnosis in words; `message` is the cloud's own.
pub(crate) fn text(
    diagnosis: &Diagnosis,
    message: &str,
    cloud: &Descriptor,
    screen: &Screen,
) -> String {
    let mut page = Page::new(&answer(diagnosis, cloud), cloud, screen);
    page.line("", 0);
    for finding in &diagnosis.findings {
        let (mark, subject) = match &finding.quota {
            Some(quota) => (
                style::paint(style::ERROR, if screen.ascii { "x" } else { "✗" }),
                quota.as_str(),
            ),
            None => (style::paint(style::DOUBT, "!"), "hardware"),
        };
        let subject = style::paint(style::TITLE, &one_spaced(subject));
        let detail = one_spaced(finding.detail.as_deref().unwrap_or("no details"));
        page.line(&format!("  {mark} {subject}: {detail}"), 6);
    }
    if diagnosis.findings.is_empty() {
        let words = match message {
            "" => String::from("it says nothing more"),
            message => format!("the cloud said: {}", one_spaced(message)),
        };
        page.line(&format!("  - {words}"), 4);
    }
    let general = diagnosis.remedy.iter();
    let particular = diagnosis.findings.iter();
    let remedies: Vec<&Remedy> = general
        .chain(particular.filter_map(|finding| finding.remedy.as_ref()))
        .collect();
    page.remedies(&remedies);
    page.finish()
}

/// The diagnosis in one line.
fn answer(diagnosis: &Diagnosis, cloud: &Descriptor) -> String {
    let kind = diagnosis.kind;
    let what = match kind {
        FailureKind::Quota => {
            let quotas = quotas(&diagnosis.findings, cloud);
            format!("the launch would exceed {quotas}")
        }
        FailureKind::Capacity => String::from("there was no free hardware for the launch"),
        FailureKind::RateLimit => String::from("there were too many calls"),
        FailureKind::Access => String::from("the credentials do not allow it"),
        FailureKind::Invalid => String::from("the request itself is wrong"),
        FailureKind::Transient => String::from("the cloud failed"),
        FailureKind::Ambiguous => String::from("the error does not say what stood in the way"),
    };
    let again = match (kind, diagnosis.retry) {
        (_, true) => "the same launch may succeed later",
        (FailureKind::Ambiguous, false) => "whether trying again helps is not known",
        (_, false) => "trying again changes nothing",
    };
    let word = style::paint(
        if diagnosis.retry || kind == FailureKind::Ambiguous {
            style::DOUBT
        } else {
            style::ERROR
        },
        &kind.as_str().replace('-', " "),
    );
    format!("{word}: {what}; {again}")
}

/// The quotas that were exceeded, with their numbers where it is one.
fn quotas(findings: &[Finding], cloud: &Descriptor) -> String {
    let named: Vec<(&Finding, &str)> = findings
        .iter()
        .filter_map(|finding| Some((finding, finding.quota.as_deref()?)))
        .collect();
    match named.as_slice() {
        [] => String::from("a quota that the error does not name"),
        [(finding, quota)] => {
            let show = |amount| amount::show(amount, &finding.unit, &cloud.units);
            let numbers = match (finding.limit, finding.minimum_limit) {
                (_, None) => String::new(),
                (Some(limit), Some(total)) => {
                    format!(
                        " (limit {}, requested {} in total)",
                        show(limit),
                        show(total)
                    )
                }
                (None, Some(total)) => format!(" (requested {} in total)", show(total)),
            };
            format!("{}{numbers}", one_spaced(quota))
        }
        several => format!("{} quotas", several.len()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_cloud_says_cannot_command_the_terminal() {
        let diagnosis = Diagnosis {
            kind: FailureKind::Transient,
            retry: true,
            findings: Vec::new(),
            remedy: None,
            lessons: Vec::new(),
            contradicts: Vec::new(),
        };
        let screen = Screen {
            width: None,
            ascii: true,
        };
        let said = "a\u{1b}]0;b\u{7}\n\tc";
        let text = text(&diagnosis, said, &Descriptor::default(), &screen);
        assert!(
            text.contains("the cloud said: a\u{fffd}]0;b\u{fffd} c\n"),
            "{text:?}"
        );
    }
}
