//! `quotagate doctor`: what works, and what to do about the rest.

use std::sync::Arc;

use quotagate::{
    CompileCache, Gate, Inventory, NamedSource, Plugin, Source, SourceState,
    plugin::CONTRACT_VERSION,
};
use quotagate_config::{Config, keys};
use quotagate_nebius::RecordedWorld;
use serde::Serialize;
use unicode_width::UnicodeWidthStr as _;

use crate::{
    args::{Format, Global},
    error::{CliError, Exit},
    output::{Output, Screen},
    progress,
    render::{sources, style, wrap},
    session::{configure, connect, load_plugin, options, recorded, with_options},
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
    let source = reach(global, &mut report);
    let plugin = load(&config, &mut report);
    cache(&mut report);
    if let (Some(source), Some(plugin)) = (source, plugin) {
        match Gate::builder(plugin, source)
            .options(options(&config))
            .build()
        {
            Ok(gate) => {
                let read = progress::wait(output, "reading the account", gate.inventory()).await;
                account(&read, &mut report);
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
fn reach(global: &Global, report: &mut Vec<Examined>) -> Option<Arc<dyn Source>> {
    if let Some(directory) = &global.recorded {
        return match RecordedWorld::read(directory) {
            Ok(world) => {
                let age = world.recorded_at().map(|at| format!(", {}", recorded(at)));
                report.push(works(
                    "account",
                    format!("in `{}`{}", directory.display(), age.unwrap_or_default()),
                ));
                Some(Arc::new(world))
            }
            Err(error) => {
                report.push(fails("account", error.to_string()));
                None
            }
        };
    }
    match connect(global, None) {
        Ok(client) => {
            let connection = client.connection();
            report.push(works("credentials", connection.credentials.to_string()));
            let how = if connection.is_encrypted {
                "over TLS"
            } else {
                "in plain text, on this machine"
            };
            report.push(works("endpoint", format!("{}, {how}", connection.endpoint)));
            Some(Arc::new(client))
        }
        Err(error) => {
            report.push(fails("credentials", error.to_string()));
            None
        }
    }
}

/// Loads the plugin. Where another one was named and cannot be loaded, the built-in one reads the account.
fn load(config: &Config, report: &mut Vec<Examined>) -> Option<Plugin> {
    match load_plugin(config) {
        Ok(plugin) => {
            let descriptor = plugin.descriptor();
            report.push(works(
                "plugin",
                format!(
                    "{}: {} {}, contract {CONTRACT_VERSION}, sha256 {}",
                    judge(config),
                    descriptor.cloud,
                    descriptor.version,
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
            Plugin::load(quotagate_plugins::NEBIUS.bytes).ok()
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
    report.push(match CompileCache::User.directory() {
        Ok(Some(directory)) => works("compile cache", format!("`{}`", directory.display())),
        Ok(None) => impaired(
            "compile cache",
            String::from("there is no directory for it, so the plugin is compiled at every start; set HOME or XDG_CACHE_HOME"),
        ),
        Err(error) => impaired("compile cache", error.to_string()),
    });
}

/// What the account lets be read.
fn account(inventory: &Inventory, report: &mut Vec<Examined>) {
    let found = inventory.account();
    if !found.tenant.is_empty() {
        report.push(works("tenant", found.tenant.clone()));
    }
    let (of_projects, of_tenant): (Vec<_>, Vec<_>) = inventory
        .sources()
        .into_iter()
        .partition(|source| source.project.is_some());
    for source in &of_tenant {
        report.push(examine(source));
    }
    for project in &found.projects {
        let what = format!("project {}", project.id);
        let place = format!("{}, in {}", project.name, project.region);
        let own = of_projects
            .iter()
            .filter(|source| source.project.as_ref() == Some(&project.id));
        let gaps: Vec<_> = own
            .filter(|source| source.report.state != SourceState::Complete)
            .collect();
        if gaps.is_empty() {
            report.push(works(&what, place));
        }
        report.extend(gaps.into_iter().map(examine));
    }
    if found.projects.is_empty() && of_tenant.iter().any(is_read_account) {
        report.push(fails(
            "projects",
            String::from(
                "the tenant has none, so there is nowhere to launch; create one in the console",
            ),
        ));
    }
}

fn is_read_account(source: &NamedSource) -> bool {
    source.name == "account" && source.report.state == SourceState::Complete
}

fn examine(source: &NamedSource) -> Examined {
    let what = sources::name(source);
    let detail = match &source.report.detail {
        Some(detail) => format!("{}: {detail}", sources::state(source.report.state)),
        None => String::from(sources::state(source.report.state)),
    };
    match (source.report.state, source.name) {
        (SourceState::Complete, _) => works(&what, detail),
        // Without these, a launch in question is merely harder to tell.
        (_, "capacities" | "reservations" | "reservation_shares") => impaired(&what, detail),
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
