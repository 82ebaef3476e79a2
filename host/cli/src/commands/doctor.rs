//! `quotagate doctor`: what works, and what to do about the rest.

use std::collections::BTreeMap;

use quotagate::{
    CompileCache, Descriptor, Feed, Gate, Inventory, Owner, Plugin, SourceReport, SourceState,
};
use quotagate_config::{Config, keys};
use serde::Serialize;
use unicode_width::UnicodeWidthStr as _;

use crate::{
    account,
    args::{Format, Global},
    clouds::{self, Cloud},
    error::{CliError, Exit},
    output::{Output, Screen},
    progress,
    render::{sources, style, wrap},
    session::{configure, load_plugin, open_account, options, recorded, with_options},
};

/// How one thing is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum State {
    /// It works.
    Works,
    /// It does not, and some answers are `unknown` for it.
    Impaired,
    /// It does not, and nothing can be told without it.
    Fails,
}

/// One thing that was looked at.
#[derive(Debug, Serialize)]
struct Examined {
    what: String,
    state: State,
    detail: String,
}

/// Everything that was looked at, as programs read it.
#[derive(Serialize)]
struct ReportJson<'a> {
    healthy: bool,
    checks: &'a [Examined],
}

/// Looks at everything that an answer rests on.
pub(crate) async fn run(global: &Global, output: &mut Output) -> Result<Exit, CliError> {
    let mut report = Vec::new();
    let config = configuration(global, output, &mut report);
    let cloud = clouds::choose(global)?;
    let found = reach(cloud, global, &mut report);
    let plugin = load(&config, cloud, &mut report);
    cache(&mut report);
    if let (Some(found), Some(plugin)) = (found, plugin) {
        let descriptor = plugin.descriptor().clone();
        match Gate::builder(plugin, found.source)
            .options(options(&config))
            .build()
        {
            Ok(gate) => {
                let read = progress::wait(output, "reading the account", gate.inventory()).await;
                examine_account(&read, &descriptor, &mut report);
            }
            Err(error) => report.push(fails("plugin", error.to_string())),
        }
    }
    let healthy = report.iter().all(|examined| examined.state != State::Fails);
    match output.format {
        Format::Json => output.json(&ReportJson {
            healthy,
            checks: &report,
        })?,
        Format::Table => output.data(&text(&report, &output.screen))?,
    }
    Ok(if healthy { Exit::Done } else { Exit::Failure })
}

/// Reads the configuration. Where it makes no sense, the defaults show how the rest is.
fn configuration(global: &Global, output: &Output, report: &mut Vec<Examined>) -> Config {
    match configure(global, output) {
        Ok(config) => {
            let from = config.file().map_or_else(
                || String::from("no quotagate.toml"),
                |file| format!("`{}`", file.display()),
            );
            report.push(works("configuration", from));
            config
        }
        Err(error) => {
            let advice = error.hint().map(|hint| format!("; {hint}"));
            report.push(fails(
                "configuration",
                format!("{error}{}", advice.unwrap_or_default()),
            ));
            with_options(Config::default(), global)
        }
    }
}

/// Finds the account: where it is and who asks.
fn reach(cloud: &Cloud, global: &Global, report: &mut Vec<Examined>) -> Option<clouds::Account> {
    match open_account(cloud, global, None) {
        Ok(found) => {
            let age = found.recorded_at.map(|at| format!(", {}", recorded(at)));
            let age = age.unwrap_or_default();
            let lines = found.found.iter();
            report.extend(lines.map(|(what, how)| works(what, format!("{how}{age}"))));
            let what = found.found.first().map_or("account", |(what, _)| what);
            let warnings = found.warnings.iter();
            report.extend(warnings.map(|warning| impaired(what, warning.clone())));
            Some(found)
        }
        Err(error) => {
            let what = match global.recorded {
                Some(_) => "account",
                None => "credentials",
            };
            report.push(fails(what, error.to_string()));
            None
        }
    }
}

/// Loads the plugin. Where another one was named and cannot be loaded, the built-in one reads the account.
fn load(config: &Config, cloud: &Cloud, report: &mut Vec<Examined>) -> Option<Plugin> {
    match load_plugin(config, cloud) {
        Ok(plugin) => {
            let descriptor = plugin.descriptor();
            report.push(works(
                "plugin",
                format!(
                    "{}: {} {}, contract {}, sha256 {}",
                    judge(config),
                    descriptor.cloud,
                    descriptor.version,
                    quotagate_contract::VERSION,
                    plugin.sha256()
                ),
            ));
            Some(plugin)
        }
        Err(error) => {
            let cause = std::error::Error::source(&error).map(|cause| format!(": {cause}"));
            report.push(fails(
                "plugin",
                format!("{error}{}", cause.unwrap_or_default()),
            ));
            Plugin::load(cloud.plugin.bytes).ok()
        }
    }
}

/// Which plugin judges, and who chose it.
fn judge(config: &Config) -> String {
    match &config.settings().plugin.path {
        Some(path) => format!(
            "`{}` ({})",
            path.display(),
            config.origin(keys::PLUGIN_PATH)
        ),
        None => String::from("built in"),
    }
}

fn cache(report: &mut Vec<Examined>) {
    report.push(match CompileCache::Default.directory() {
        Ok(Some(directory)) => works("compile cache", format!("`{}`", directory.display())),
        Ok(None) => impaired(
            "compile cache",
            String::from("there is no directory for it, so the plugin is compiled at every start; set HOME or XDG_CACHE_HOME"),
        ),
        Err(error) => impaired("compile cache", error.to_string()),
    });
}

/// What the account lets be read.
fn examine_account(inventory: &Inventory, cloud: &Descriptor, report: &mut Vec<Examined>) {
    let found = account::Account::of(inventory);
    let chains = found.contract().owners.iter();
    let outer = chains.flat_map(|chain| chain.iter().rev().skip(1).rev());
    let outer: BTreeMap<&str, &Owner> = outer.map(|owner| (owner.id.as_str(), owner)).collect();
    report.extend(
        outer
            .values()
            .map(|owner| works(&owner.level, owner.id.clone())),
    );
    let (of_projects, others): (Vec<_>, Vec<_>) = found.sources().iter().partition(|source| {
        let owner = source.owner.as_deref();
        owner.is_some_and(|owner| found.project(owner).is_some())
    });
    report.extend(others.iter().map(|source| examine(source, cloud)));
    for project in found.projects() {
        let what = format!("{} {}", project.level, project.id);
        let own = of_projects
            .iter()
            .filter(|source| source.owner.as_ref() == Some(&project.id));
        let gaps: Vec<_> = own.filter(|source| account::is_gap(source)).collect();
        if gaps.is_empty() {
            report.push(works(&what, place_of(project)));
        }
        report.extend(gaps.into_iter().map(|source| examine(source, cloud)));
    }
    if found.projects().next().is_none() && others.iter().any(|source| is_read_account(source)) {
        report.push(fails(
            "projects",
            String::from(
                "the account has none, so there is nowhere to launch; create one in the console",
            ),
        ));
    }
}

/// A project's name, and where it lives.
fn place_of(project: &Owner) -> String {
    let name = project.name.as_deref().unwrap_or(&project.id);
    match &project.place.region {
        Some(region) => format!("{name}, in {region}"),
        None => name.to_owned(),
    }
}

fn is_read_account(source: &SourceReport) -> bool {
    source.feed == Feed::Account && source.state == SourceState::Complete
}

fn examine(source: &SourceReport, cloud: &Descriptor) -> Examined {
    let what = sources::name(source, cloud);
    let detail = match &source.detail {
        Some(detail) => format!("{}: {detail}", sources::state(source.state)),
        None => String::from(sources::state(source.state)),
    };
    match (source.state, source.feed) {
        (SourceState::Complete | SourceState::Unsupported, _) => works(&what, detail),
        // Without these, a launch in question is merely harder to tell.
        (_, Feed::Capacities | Feed::Reservations) => impaired(&what, detail),
        (SourceState::Incomplete, _) => impaired(&what, detail),
        (SourceState::Denied | SourceState::Unavailable, _) => fails(&what, detail),
    }
}

fn text(report: &[Examined], screen: &Screen) -> String {
    let width = report
        .iter()
        .map(|examined| examined.what.width())
        .max()
        .unwrap_or(0);
    let mut before = String::new();
    let mut text = String::new();
    for examined in report {
        let (style, mark) = match (examined.state, screen.ascii) {
            (State::Works, false) => (style::GOOD, "✓"),
            (State::Works, true) => (style::GOOD, "ok"),
            (State::Impaired, _) => (style::DOUBT, "!"),
            (State::Fails, false) => (style::ERROR, "✗"),
            (State::Fails, true) => (style::ERROR, "x"),
        };
        let mark = style::paint(style, &format!("{mark:<3}"));
        // One cause often shows in many places, and its story is long.
        let story = without_request_ids(&examined.detail);
        let again = examined.state != State::Works && story == before;
        let detail = if again {
            "for the same reason"
        } else {
            &examined.detail
        };
        let line = format!("{mark}{:width$}  {detail}", examined.what);
        wrap::push(&mut text, &line, 6, screen.width);
        before = story;
    }
    text
}

/// A story without the ids of its requests: one cause has another in every place.
fn without_request_ids(story: &str) -> String {
    const LABEL: &str = " (request id ";
    let mut parts = story.split(LABEL);
    let mut rest = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        rest.push_str(part.split_once(')').map_or("", |(_, after)| after));
    }
    rest
}

fn works(what: &str, detail: String) -> Examined {
    examined(what, State::Works, detail)
}

fn impaired(what: &str, detail: String) -> Examined {
    examined(what, State::Impaired, detail)
}

fn fails(what: &str, detail: String) -> Examined {
    examined(what, State::Fails, detail)
}

fn examined(what: &str, state: State, detail: String) -> Examined {
    Examined {
        what: what.to_owned(),
        state,
        detail,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_cause_is_told_once_although_every_request_has_another_id() {
        let expired = |id: &str| format!("the token has expired (request id {id}); get a new one");
        let report = [
            fails("quotas", expired("one")),
            fails("advice", expired("two")),
            fails("reservations", String::from("nobody answers")),
            works("shares", String::from("complete")),
            works("types", String::from("complete")),
        ];
        let screen = Screen {
            width: None,
            ascii: true,
        };
        let text = text(&report, &screen);
        let lines: Vec<&str> = text.lines().collect();
        assert!(
            lines[0].contains("(request id one); get a new one"),
            "{text}"
        );
        assert!(lines[1].ends_with("for the same reason"), "{text}");
        assert!(lines[2].ends_with("nobody answers"), "{text}");
        assert!(lines[4].ends_with("complete"), "{text}");
    }
}
