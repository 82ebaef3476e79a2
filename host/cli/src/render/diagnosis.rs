//! What a failed launch failed for: first the kind, then what the cloud said, then what to do.

use serde::Deserialize;
use serde_json::Value;

use super::{page::Page, style};
use crate::{amount, output::Screen};

/// A diagnosis, as far as people are shown it.
#[derive(Deserialize)]
struct Diagnosis {
    kind: String,
    findings: Vec<Told>,
    retry: bool,
    remedy: Option<String>,
}

/// A finding, as far as people are shown it.
#[derive(Deserialize)]
struct Told {
    quota: Option<String>,
    unit: String,
    limit: Option<u64>,
    minimum_limit: Option<u64>,
    detail: Option<String>,
    remedy: Option<String>,
}

/// A diagnosis in words; `message` is the cloud's own.
pub(crate) fn text(
    diagnosis: Value,
    message: &str,
    screen: &Screen,
) -> Result<String, serde_json::Error> {
    let diagnosis: Diagnosis = serde_json::from_value(diagnosis)?;
    let mut page = Page::new(&answer(&diagnosis), screen);
    page.line("", 0);
    for finding in &diagnosis.findings {
        let (mark, subject) = match &finding.quota {
            Some(quota) => (
                style::paint(style::ERROR, if screen.ascii { "x" } else { "✗" }),
                quota.as_str(),
            ),
            None => (style::paint(style::DOUBT, "!"), "hardware"),
        };
        let subject = style::paint(style::TITLE, &plain(subject));
        let detail = plain(finding.detail.as_deref().unwrap_or("no details"));
        page.line(&format!("  {mark} {subject}: {detail}"), 6);
    }
    if diagnosis.findings.is_empty() {
        let words = match message {
            "" => String::from("it says nothing more"),
            message => format!("the cloud said: {}", plain(message)),
        };
        page.line(&format!("  - {words}"), 4);
    }
    let general = diagnosis.remedy.iter();
    let particular = diagnosis.findings.iter();
    let remedies: Vec<String> = general
        .chain(particular.filter_map(|finding| finding.remedy.as_ref()))
        .map(|remedy| plain(remedy))
        .collect();
    page.section("what to do", remedies.iter().map(String::as_str));
    Ok(page.finish())
}

/// The diagnosis in one line.
fn answer(diagnosis: &Diagnosis) -> String {
    let kind = diagnosis.kind.as_str();
    let what = match kind {
        "quota" => format!("the launch would exceed {}", quotas(&diagnosis.findings)),
        "capacity" => String::from("there was no free hardware for the launch"),
        "rate-limit" => String::from("there were too many calls"),
        "access" => String::from("the credentials do not allow it"),
        "invalid" => String::from("the request itself is wrong"),
        "transient" => String::from("the cloud failed"),
        "ambiguous" => String::from("the error does not say what stood in the way"),
        _ => String::from("a kind of failure that this version does not know"),
    };
    let again = match (kind, diagnosis.retry) {
        (_, true) => "the same launch may succeed later",
        ("ambiguous", false) => "whether trying again helps is not known",
        (_, false) => "trying again changes nothing",
    };
    let word = style::paint(
        if diagnosis.retry || kind == "ambiguous" {
            style::DOUBT
        } else {
            style::ERROR
        },
        &plain(kind).replace('-', " "),
    );
    format!("{word}: {what}; {again}")
}

/// The quotas that were exceeded, with their numbers where it is one.
fn quotas(findings: &[Told]) -> String {
    let named: Vec<(&Told, &str)> = findings
        .iter()
        .filter_map(|finding| Some((finding, finding.quota.as_deref()?)))
        .collect();
    match named.as_slice() {
        [] => String::from("a quota that the error does not name"),
        [(finding, quota)] => {
            let show = |amount| amount::show(amount, &finding.unit);
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
            format!("{}{numbers}", plain(quota))
        }
        several => format!("{} quotas", several.len()),
    }
}

/// A text from outside, fit to be shown, with one space between words.
fn plain(text: &str) -> String {
    let text = quotagate::text::line(text);
    let words: Vec<&str> = text.split_whitespace().collect();
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_the_cloud_says_cannot_command_the_terminal() {
        let diagnosis = json!({"kind": "transient", "findings": [], "retry": true, "remedy": null});
        let screen = Screen {
            width: None,
            ascii: true,
        };
        let text = text(diagnosis, "a\u{1b}]0;b\u{7}\n\tc", &screen).unwrap();
        assert!(
            text.contains("the cloud said: a\u{fffd}]0;b\u{fffd} c\n"),
            "{text:?}"
        );
    }
}
