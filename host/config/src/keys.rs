//! Every key: its name, its meaning, its unit and its place in the settings. Files, variables, `quotagate config` and the
//! default file all go by this table.

use crate::value::Field;

/// What `quotagate offers` leaves out.
pub const LIST_STRICTNESS: &str = "list.strictness";
/// How long the first question of all waits.
pub const FIRST_WAIT: &str = "refresh.first_wait";
/// How long the final check waits.
pub const VERIFY_WAIT: &str = "refresh.verify_wait";
/// The file of the plugin.
pub const PLUGIN_PATH: &str = "plugin.path";
/// The digest of the plugin.
pub const PLUGIN_SHA256: &str = "plugin.sha256";

/// Where holds are kept.
pub const HOLDS_FILE: &str = "holds.file";

/// What the names of all variables begin with.
pub(crate) const PREFIX: &str = "QUOTAGATE_";

/// One key.
#[derive(Debug)]
pub struct Key {
    /// Its name with the tables it is in, as in `refresh.rows.interval`.
    pub name: &'static str,
    /// What it means, in one line.
    pub meaning: &'static str,
    pub(crate) field: Field,
}

impl Key {
    const fn new(name: &'static str, meaning: &'static str, field: Field) -> Self {
        Self {
            name,
            meaning,
            field,
        }
    }

    /// What its values are written in.
    pub fn unit(&self) -> String {
        self.field.unit()
    }

    /// The environment variable that overrides it.
    pub fn variable(&self) -> String {
        format!("{PREFIX}{}", self.name.to_uppercase().replace('.', "__"))
    }

    /// Whether only somebody whose account it is may set it: what judges, its limits, and files that are written.
    pub(crate) fn is_trusted_to_its_owner(&self) -> bool {
        self.name.starts_with("plugin.") || self.name == HOLDS_FILE
    }

    /// The table it is in, and its name there.
    pub(crate) fn split(&self) -> (&'static str, &'static str) {
        self.name.rsplit_once('.').unwrap_or(("", self.name))
    }

    /// The key of a name.
    pub(crate) fn find(name: &str) -> Option<&'static Self> {
        ALL.iter().find(|key| key.name == name)
    }
}

/// Every key. Those of one table stand together, and those outside of any come first, as in a file.
#[rustfmt::skip] // A table: a row each.
pub static ALL: &[Key] = &[
    Key::new("shadow", "Judge and log, and change nothing: lists stay whole, no launch is refused", Field::Switch(|to| &mut to.gate.shadow)),
    Key::new("verify_detail", "Which findings the final check gives", Field::Detail(|to| &mut to.gate.verify_detail)),

    Key::new("refresh.jitter", "By which part each wait differs at random, so that many processes do not ask at once", Field::Part(|to| &mut to.gate.refresh.jitter)),
    Key::new("refresh.first_retry", "The wait after a failure; it doubles with each further one, up to the interval", Field::Time(|to| &mut to.gate.refresh.first_retry)),
    Key::new("refresh.failures_to_open", "After so many failures in a row a source is not asked before its wait is over", Field::Tries(|to| &mut to.gate.refresh.failures_to_open)),
    Key::new(FIRST_WAIT, "How long the first question of all waits for the sources", Field::Wait(|to| &mut to.gate.refresh.first_wait)),
    Key::new(VERIFY_WAIT, "How long the final check waits for what it reads again", Field::Wait(|to| &mut to.gate.refresh.verify_wait)),
    Key::new("refresh.give_up", "When a source that does not answer is given up", Field::Time(|to| &mut to.gate.refresh.give_up)),
    Key::new("refresh.concurrent", "How many sources are read at a time; the others wait for their turn", Field::Count { from: 1, at: |to| &mut to.gate.refresh.concurrent }),
    Key::new("refresh.account.interval", "How often owners, projects and places are read", Field::Time(|to| &mut to.gate.refresh.account.interval)),
    Key::new("refresh.account.max_age", "How long owners, projects and places are trusted after that", Field::Time(|to| &mut to.gate.refresh.account.max_age)),
    Key::new("refresh.rows.interval", "How often the quota rows are read", Field::Time(|to| &mut to.gate.refresh.rows.interval)),
    Key::new("refresh.rows.max_age", "How long the quota rows are trusted after that", Field::Time(|to| &mut to.gate.refresh.rows.max_age)),
    Key::new("refresh.holdings.interval", "How often what the account holds is read", Field::Time(|to| &mut to.gate.refresh.holdings.interval)),
    Key::new("refresh.holdings.max_age", "How long what the account holds is trusted after that", Field::Time(|to| &mut to.gate.refresh.holdings.max_age)),
    Key::new("refresh.types.interval", "How often the instance types are read", Field::Time(|to| &mut to.gate.refresh.types.interval)),
    Key::new("refresh.types.max_age", "How long the instance types are trusted after that", Field::Time(|to| &mut to.gate.refresh.types.max_age)),
    Key::new("refresh.capacities.interval", "How often the advice on free hardware is read", Field::Time(|to| &mut to.gate.refresh.capacities.interval)),
    Key::new("refresh.capacities.max_age", "How long the advice on free hardware is trusted after that", Field::Time(|to| &mut to.gate.refresh.capacities.max_age)),
    Key::new("refresh.reservations.interval", "How often the reservations are read", Field::Time(|to| &mut to.gate.refresh.reservations.interval)),
    Key::new("refresh.reservations.max_age", "How long the reservations are trusted after that", Field::Time(|to| &mut to.gate.refresh.reservations.max_age)),

    Key::new("holds.time_to_live", "When a hold ends that was neither committed nor released", Field::Time(|to| &mut to.gate.holds.time_to_live)),
    Key::new("holds.settle", "When a committed hold ends, even if no usage ever showed it", Field::Time(|to| &mut to.gate.holds.settle)),
    Key::new(HOLDS_FILE, "Where holds are kept, so that they outlive the process that makes them; empty for nowhere", Field::Path(|to| &mut to.gate.holds.file)),

    Key::new("feedback.quota", "How long a refused launch counts against a quota of which something is left", Field::Wait(|to| &mut to.gate.feedback.quota)),
    Key::new("feedback.limit", "How long it counts against a quota whose limit it exceeds as a whole", Field::Wait(|to| &mut to.gate.feedback.limit)),
    Key::new("feedback.capacity", "How long it counts against hardware that was not free", Field::Wait(|to| &mut to.gate.feedback.capacity)),
    Key::new("feedback.unclear", "How long it counts where the error does not say which of these it was", Field::Wait(|to| &mut to.gate.feedback.unclear)),
    Key::new("feedback.longest", "The longest of these times, which double whenever the same happens again", Field::Wait(|to| &mut to.gate.feedback.longest)),

    Key::new(LIST_STRICTNESS, "What lists leave out: nothing, what a quota blocks, or all that is not available", Field::Strictness(|to| &mut to.gate.list.strictness)),

    Key::new("plan.blocked", "What a plan does about a proven shortage", Field::Action(|to| &mut to.gate.plan.blocked)),
    Key::new("plan.unknown", "What a plan does where the quotas are not known", Field::Action(|to| &mut to.gate.plan.unknown)),
    Key::new("plan.no_capacity", "What a plan does where only hardware is unlikely to be free", Field::Action(|to| &mut to.gate.plan.no_capacity)),

    Key::new("deploy.blocked", "What is done before a launch about a proven shortage", Field::Action(|to| &mut to.gate.deploy.blocked)),
    Key::new("deploy.unknown", "What is done before a launch where the quotas are not known", Field::Action(|to| &mut to.gate.deploy.unknown)),
    Key::new("deploy.no_capacity", "What is done before a launch where only hardware is unlikely to be free", Field::Action(|to| &mut to.gate.deploy.no_capacity)),

    Key::new(PLUGIN_PATH, "The component that judges; empty for the built-in one", Field::Path(|to| &mut to.plugin.path)),
    Key::new(PLUGIN_SHA256, "The SHA-256 that it must have; empty for any", Field::Digest(|to| &mut to.plugin.sha256)),
    Key::new("plugin.memory", "Memory of one instance", Field::Size(|to| &mut to.plugin.limits.memory)),
    Key::new("plugin.table_elements", "Elements of its function tables", Field::Count { from: 1, at: |to| &mut to.plugin.limits.table_elements }),
    Key::new("plugin.host_call_bytes", "What one call across the boundary may copy in", Field::Size(|to| &mut to.plugin.limits.host_call_bytes)),
    Key::new("plugin.handles", "Handles to resources; the contract has none", Field::Count { from: 0, at: |to| &mut to.plugin.limits.handles }),
    Key::new("plugin.time", "Time for a call", Field::Time(|to| &mut to.plugin.limits.time)),
    Key::new("plugin.fuel", "Steps of the machine for a call, which are slow to count; 0 does not", Field::Steps(|to| &mut to.plugin.limits.fuel)),
    Key::new("plugin.concurrent_calls", "Calls under way at once; more wait, as long as a call may take", Field::Count { from: 1, at: |to| &mut to.plugin.limits.concurrent_calls }),
    Key::new("plugin.warm_instances", "Idle instances kept for the calls to come; 0 makes every call fresh", Field::Count { from: 0, at: |to| &mut to.plugin.limits.warm_instances }),
];

/// Whether keys are in a table of this name.
pub(crate) fn is_table(name: &str) -> bool {
    ALL.iter().any(|key| {
        let rest = key.name.strip_prefix(name);
        rest.is_some_and(|rest| rest.starts_with('.'))
    })
}
