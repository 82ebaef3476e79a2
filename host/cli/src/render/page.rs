//! A page of an answer: the answer in one line, then what decided it, then what to do, wrapped between words.

use quotagate::{Descriptor, Finding, QuotaOutcome, Reason, Remedy, SourceReport, Verdict, text};

use super::{sources, style, wrap};
use crate::{amount, output::Screen};

/// Where what comes after the first line of an item begins.
const INSET: usize = 6;

/// Text that grows from the top.
pub(crate) struct Page<'a> {
    cloud: &'a Descriptor,
    screen: &'a Screen,
    text: String,
    rules: Vec<&'a str>,
}

impl<'a> Page<'a> {
    /// A page that begins with the answer.
    pub(crate) fn new(answer: &str, cloud: &'a Descriptor, screen: &'a Screen) -> Self {
        let mut page = Self {
            cloud,
            screen,
            text: String::new(),
            rules: Vec::new(),
        };
        page.line(answer, 2);
        page
    }

    /// The whole text.
    pub(crate) fn finish(self) -> String {
        self.text
    }

    /// Adds a line, which continues `inset` characters from the left where it does not fit.
    pub(crate) fn line(&mut self, text: &str, inset: usize) {
        wrap::push(&mut self.text, text, inset, self.screen.width);
    }

    /// Adds a title, apart from what comes before.
    pub(crate) fn title(&mut self, text: &str) {
        self.text.push('\n');
        self.line(&style::paint(style::TITLE, text), 2);
    }

    /// Adds a list with its title; nothing where it is empty.
    pub(crate) fn section<'i>(&mut self, title: &str, items: impl IntoIterator<Item = &'i str>) {
        let mut items = items.into_iter().peekable();
        if items.peek().is_none() {
            return;
        }
        self.title(title);
        for item in items {
            self.line(&format!("  - {item}"), 4);
        }
    }

    /// Adds findings.
    pub(crate) fn findings(&mut self, findings: impl IntoIterator<Item = &'a Finding>) {
        let mut said_before = None;
        for finding in findings {
            self.finding(finding, said_before);
            said_before = finding.detail.as_deref();
        }
    }

    /// Adds what can be done about the findings that decided, and which sources were not read to their end.
    pub(crate) fn advice(&mut self, verdict: &Verdict) {
        let mut remedies: Vec<&Remedy> = Vec::new();
        for finding in &verdict.findings {
            // Where a quota blocks, what to do about hardware comes later.
            let decides = finding.outcome == verdict.quota;
            if let Some(remedy) = finding.remedy.as_ref().filter(|_| decides)
                && !remedies.contains(&remedy)
            {
                remedies.push(remedy);
            }
        }
        self.remedies(&remedies);
    }

    /// Adds what can be done; nothing where it is empty.
    pub(crate) fn remedies(&mut self, remedies: &[&Remedy]) {
        if !remedies.is_empty() {
            self.title("what to do");
        }
        for remedy in remedies {
            self.remedy(remedy);
        }
    }

    /// Adds a remedy. Its command stands on a line of its own that is not broken, quoted for a shell, so that it can be
    /// copied, and so does its link.
    fn remedy(&mut self, remedy: &Remedy) {
        let said = one_spaced(&remedy.text);
        let words = remedy.command.iter().map(String::as_str);
        let is_shown = words.clone().all(|word| !word.contains(text::is_hidden));
        match shlex::try_join(words) {
            _ if remedy.command.is_empty() => self.line(&format!("  - {said}"), 4),
            Ok(command) if is_shown => {
                self.line(&format!("  - {said}:"), 4);
                self.text.push_str(&format!("    {command}\n"));
            }
            // What is copied would not be what is meant.
            _ => self.line(
                &format!("  - {said}; the command is left out, since a name in it cannot be shown"),
                4,
            ),
        }
        if let Some(link) = remedy
            .link
            .as_deref()
            .filter(|link| !link.contains(text::is_hidden))
        {
            self.text.push_str(&format!("    {link}\n"));
        }
    }

    /// Adds the sources that were not read to their end.
    pub(crate) fn gaps(&mut self, sources: &[SourceReport]) {
        let gaps = sources::gaps(sources, self.cloud);
        self.section("not read to the end", gaps.iter().map(String::as_str));
    }

    /// Adds a finding. What decided gets its numbers; what is there for completeness, or for the same reason as the
    /// finding before, gets a line.
    fn finding(&mut self, finding: &'a Finding, said_before: Option<&str>) {
        let place = [&finding.level, &finding.region, &finding.zone].map(Option::as_deref);
        let place: Vec<&str> = place.into_iter().flatten().collect();
        let place = match &finding.level {
            Some(_) => format!(" ({})", place.join(", ")),
            None => String::new(),
        };
        let subject = style::paint(style::TITLE, subject(finding));
        let detail = finding.detail.as_deref();
        let outcome = mark(finding.outcome, self.screen);
        let (mark, brief) = match finding.reason {
            Reason::NotDecisive | Reason::NotChecked | Reason::CapacityUnknown => {
                (String::from("-"), true)
            }
            Reason::NoCapacity | Reason::LimitReached | Reason::ChangesSoon => {
                (style::paint(style::DOUBT, "!"), true)
            }
            Reason::Fits => (outcome, true),
            _ => (outcome, false),
        };
        let reason = words(finding.reason);
        if brief {
            let words = match (finding.reason, detail) {
                (Reason::Fits, _) => numbers(finding, self.cloud),
                (_, Some(detail)) => detail.to_owned(),
                (_, None) => String::from(reason),
            };
            self.line(&format!("  {mark} {subject}{place}: {words}"), INSET);
        } else if detail.is_some() && detail == said_before {
            let words = format!("  {mark} {subject}{place}: {reason}, as before");
            self.line(&words, INSET);
        } else {
            self.line(&format!("  {mark} {subject}{place}: {reason}"), INSET);
            let numbers = Some(numbers(finding, self.cloud)).filter(|numbers| !numbers.is_empty());
            let below = [
                numbers,
                shortage(finding, self.cloud),
                detail.map(str::to_owned),
            ];
            for words in below.into_iter().flatten() {
                self.line(&format!("      {words}"), INSET);
            }
        }
        // Many rows follow one rule: it is told at the first.
        if let Some(rule) = finding.rule.as_deref()
            && !self.rules.contains(&rule)
        {
            self.rules.push(rule);
            let words = style::paint(style::FAINT, &format!("rule: {rule}"));
            self.line(&format!("      {words}"), INSET);
        }
    }
}

/// A coloured mark for an outcome.
pub(crate) fn mark(outcome: QuotaOutcome, screen: &Screen) -> String {
    let mark = style::mark(outcome, screen.ascii);
    style::paint(style::outcome(outcome), mark)
}

/// What was found, in words.
const fn words(reason: Reason) -> &'static str {
    match reason {
        Reason::Fits => "has room",
        Reason::Shortage => "too little is free",
        Reason::ExceedsLimit => "more is needed than the whole limit",
        Reason::Frozen => "frozen",
        Reason::Deleted => "no longer allocated",
        Reason::Provisioning => "being allocated",
        Reason::StateUnknown => "in an unknown state",
        Reason::UsageUnmeasured => "the usage was not measured",
        Reason::LimitUnset => "no limit is set",
        Reason::RowMissing => "not in the list",
        Reason::ScopeUnreadable => "the list could not be read",
        Reason::Stale => "the list is too old",
        Reason::Contradictory => "the rows contradict each other",
        Reason::WrongUnit => "counts in an unexpected unit",
        Reason::ReservationExhausted => "too little is left",
        Reason::NotOffered => "not offered",
        Reason::NoCapacity => "no free hardware",
        Reason::CapacityUnknown => "whether any is free is not known",
        Reason::LimitReached => "the account's own limit is reached",
        Reason::NotDecisive => "does not decide",
        Reason::NotChecked => "nothing says how much is left",
        Reason::FailedBefore => "a launch like it failed a short while ago",
        Reason::MayBeHeld => "starts under way may take what is free",
        Reason::ChangesSoon => "changes soon",
        Reason::Unsupported => "the cloud has no list that would say",
        Reason::Restricted => "not offered to this account",
    }
}

/// What a finding speaks of.
fn subject(finding: &Finding) -> &str {
    match (&finding.quota, finding.reason) {
        (Some(quota), _) => quota,
        (
            None,
            Reason::NotOffered
            | Reason::Restricted
            | Reason::StateUnknown
            | Reason::ScopeUnreadable
            | Reason::Stale
            | Reason::Unsupported,
        ) => "offer",
        (None, Reason::NotChecked) => "not checked",
        (None, Reason::ReservationExhausted) => "reservations",
        // Besides rows, only reservations count anything.
        (None, _) if finding.limit.is_some() => "reservations",
        (None, _) => "hardware",
    }
}

/// What is needed, and what there is.
fn numbers(finding: &Finding, cloud: &Descriptor) -> String {
    if finding.limit.is_none() && finding.usage.is_none() && finding.quota.is_none() {
        return String::new();
    }
    let show = |amount: u64| amount::show(amount, &finding.unit, &cloud.units);
    let known = |name: &str, number: Option<u64>| {
        let number = number.map_or_else(|| String::from("not known"), show);
        format!("{name} {number}")
    };
    let needed = finding
        .required
        .map(|required| format!("needs {}", show(required)));
    let mut words = Vec::from_iter(needed);
    match (&finding.quota, finding.limit, finding.usage) {
        (_, None, None) => {}
        // Reservations report what is free of what there is, and neither usage nor holds.
        (None, limit, _) => words.extend([known("limit", limit), known("free", finding.headroom)]),
        (Some(_), limit, usage) => {
            words.push(known("limit", limit));
            words.push(match (usage, finding.usage_at_most) {
                (Some(least), Some(most)) if most > least => {
                    format!("used {} to {}", show(least), show(most))
                }
                (usage, _) => known("used", usage),
            });
            // What this host has promised to other launches, which the cloud does not show yet.
            if finding.held > 0 {
                words.push(format!("held {}", show(finding.held)));
            }
            words.push(known("free", finding.headroom));
        }
    }
    words.join(", ")
}

/// By how much a row is too small, and which limit would do.
fn shortage(finding: &Finding, cloud: &Descriptor) -> Option<String> {
    let show = |amount: u64| amount::show(amount, &finding.unit, &cloud.units);
    let short = show(finding.shortfall?);
    let enough = finding.minimum_limit.map(|limit| {
        let exact = if amount::counts_bytes(&finding.unit, &cloud.units) {
            format!(" ({limit} bytes)")
        } else {
            String::new()
        };
        format!(
            "; the smallest limit that would do is {}{exact}",
            show(limit)
        )
    });
    Some(format!("short by {short}{}", enough.unwrap_or_default()))
}

/// A text from outside, fit to be shown, with one space between words.
pub(super) fn one_spaced(text: &str) -> String {
    let text = text::line(text);
    let words: Vec<&str> = text.split_whitespace().collect();
    words.join(" ")
}
