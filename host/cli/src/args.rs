//! The command line as it is typed: commands, options and their help. Nothing here is looked up or opened.

mod help;
mod parse;

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use clap::{ArgAction, Args, Parser, Subcommand, ValueEnum, builder::NonEmptyStringValueParser};
use quotagate::{ReservationUse, Strictness};

use crate::{clouds, gpu::GpuFilter};

/// Which offers can this cloud account really launch now, and if not, what stands in the way?
#[derive(Debug, Parser)]
#[command(name = "quotagate", version, after_help = help::QUOTAGATE, max_term_width = 100)]
#[command(propagate_version = false, disable_help_subcommand = true)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Options of every command.
#[derive(Debug, Args)]
#[command(next_help_heading = "Options of every command")]
pub(crate) struct Global {
    /// The cloud, where neither a world nor a type says which [default: the first built in]
    #[arg(long, global = true, value_name = "CLOUD")]
    pub(crate) cloud: Option<String>,
    /// Ask a recorded account instead of the cloud
    #[arg(long, global = true, value_name = "WORLD")]
    #[arg(conflicts_with_all = ["endpoint", "profile", "tenant", "credentials"])]
    pub(crate) recorded: Option<PathBuf>,
    /// Ask one server for everything; plain text where it is on this machine, else TLS
    #[arg(long, global = true, value_name = "HOST:PORT")]
    pub(crate) endpoint: Option<String>,
    /// The profile of ~/.nebius/config.yaml to use [env: NEBIUS_PROFILE]
    #[arg(long, global = true, value_name = "NAME")]
    pub(crate) profile: Option<String>,
    /// The tenant, where the credentials see several
    #[arg(long, global = true, value_name = "ID")]
    pub(crate) tenant: Option<String>,
    /// A service-account credentials file
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) credentials: Option<PathBuf>,
    /// The configuration to use [env: QUOTAGATE_CONFIG] [default: ./quotagate.toml, else the user's own]
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Judge with this plugin instead of the built-in one
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) plugin: Option<PathBuf>,
    /// The SHA-256 that the plugin must have
    #[arg(long, global = true, value_name = "HEX", value_parser = parse::sha256)]
    pub(crate) plugin_sha256: Option<String>,
    /// What to print: a table for people, or JSON for programs
    #[arg(long, global = true, value_name = "FORMAT", default_value = "table")]
    pub(crate) format: Format,
    /// Print data and errors alone
    #[arg(long, short, global = true)]
    pub(crate) quiet: bool,
    /// Tell what is done, on stderr; twice for more
    #[arg(long, short, global = true, action = ArgAction::Count)]
    pub(crate) verbose: u8,
    /// When to colour
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto")]
    pub(crate) color: ColorWhen,
    /// How long to wait for one list of the cloud with all its pages
    #[arg(long, global = true, value_name = "DURATION", default_value = "60s", value_parser = parse::duration)]
    pub(crate) timeout: Duration,
}

/// How data is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people
    Table,
    /// For programs
    Json,
}

/// When text is coloured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ColorWhen {
    /// On a terminal, unless NO_COLOR is set
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Look around in a made-up account: no credentials, no network
    Demo,
    /// List offers: what can be launched now, and what stands in the way of the rest
    Offers(Offers),
    /// Judge one launch, or several together, and say what to do where they do not fit
    Check(Check),
    /// Say what a failed launch failed for: a quota, free hardware, or something else
    Diagnose(Diagnose),
    /// List quotas: what is used of each, for the tenant and its projects
    Quotas(Quotas),
    /// Follow the account: what changes of limits, usage and verdicts, as it happens
    Watch(Watch),
    /// Write the account down, to be asked again later with --recorded
    Record(Record),
    /// Say what works and what to do about the rest: credentials, permissions, plugin
    Doctor,
    /// Look at the configuration
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Look at plugins
    #[command(subcommand)]
    Plugin(PluginCommand),
}

/// What to do with the configuration.
#[derive(Clone, Copy, Debug, Subcommand)]
pub(crate) enum ConfigCommand {
    /// Print every key in force, and where its value comes from
    Show,
    /// Print a quotagate.toml with every key at its default
    Default,
}

/// What to do with a plugin.
#[derive(Debug, Subcommand)]
pub(crate) enum PluginCommand {
    /// Say what a plugin is and what it asks for
    Inspect {
        /// A WebAssembly component
        file: PathBuf,
    },
    /// Write a built-in plugin to a file, for hosts of other languages
    Export {
        /// The cloud it judges
        cloud: String,
        /// The file to write (- for stdout)
        #[arg(long, short, value_name = "FILE")]
        output: PathBuf,
    },
}

/// `quotagate offers`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  quotagate offers --available --gpu H200:8
  quotagate offers --region eu-north1 --region eu-west1 --lifecycle preemptible
  quotagate offers --gpu 8 --count 4 --public-ip dynamic --format json
  quotagate offers --catalog nebius.csv --sort price    offers and prices of a gpuhunt catalog

Offers are judged alone, each as if nothing else were launched.")]
pub(crate) struct Offers {
    /// Only this region; may be repeated
    #[arg(long, value_name = "REGION")]
    pub(crate) region: Vec<String>,
    /// Only these GPUs: H100, H100:8 or 8
    #[arg(long, value_name = "NAME[:COUNT]")]
    pub(crate) gpu: Option<GpuFilter>,
    /// Only this lifecycle, by the cloud's name or another usual one (spot)
    #[arg(long, value_name = "LIFECYCLE")]
    pub(crate) lifecycle: Option<String>,
    /// Only what can be launched now; the same as --strictness strict
    #[arg(long, conflicts_with_all = ["strictness", "all"])]
    pub(crate) available: bool,
    /// Everything, the default unless the configuration sets list.strictness; the same as --strictness advisory
    #[arg(long, conflicts_with = "strictness")]
    pub(crate) all: bool,
    /// What to leave out: nothing (advisory), what a quota blocks (balanced), all that is not available (strict)
    #[arg(long, value_name = "HOW", value_parser = parse::strictness())]
    pub(crate) strictness: Option<Strictness>,
    /// What comes first
    #[arg(long, value_name = "BY", default_value = "availability")]
    pub(crate) sort: SortBy,
    /// Take offers and prices from a CSV of gpuhunt or SkyPilot, or JSON lines (- for stdin), not from the account
    #[arg(long, value_name = "FILE")]
    pub(crate) catalog: Option<PathBuf>,
    /// List every row that was looked at (in JSON)
    #[arg(long)]
    pub(crate) explain: bool,
    #[command(flatten)]
    pub(crate) launch: LaunchOptions,
}

/// What a list of offers is sorted by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum SortBy {
    /// What can be launched first
    Availability,
    /// The cheapest first
    Price,
    /// The most GPUs first
    Gpus,
    /// What fits most often first
    Fits,
    /// By instance type
    Name,
    /// By region
    Region,
}

/// `quotagate check`
#[derive(Debug, Args)]
#[command(
    override_usage = "quotagate check [OPTIONS] <TYPE> --region <REGION>\n       quotagate check [OPTIONS] --plan <FILE>",
    after_help = help::CHECK
)]
pub(crate) struct Check {
    /// The instance type: platform and preset, as one argument, as two, or with a slash between
    #[arg(value_name = "TYPE", required_unless_present = "plan", num_args = 1..=2)]
    pub(crate) instance_type: Vec<String>,
    /// Where
    #[arg(long, value_name = "REGION", required_unless_present = "plan")]
    pub(crate) region: Option<String>,
    /// Judge the launches of this JSON file together (- for stdin); its form is described below
    #[arg(long, value_name = "FILE", conflicts_with_all = [
        "instance_type", "region", "lifecycle", "count", "project", "reservation", "disk", "no_disk", "filesystem",
        "public_ip", "restart", "new_cluster", "node_group", "zone", "accelerator",
    ])]
    pub(crate) plan: Option<PathBuf>,
    /// How long the instance may stay, by the cloud's name or another usual one (spot) [default: the cloud's usual one]
    #[arg(long, value_name = "LIFECYCLE")]
    pub(crate) lifecycle: Option<String>,
    /// Accelerators to attach to each instance, in clouds that attach them; may be repeated
    #[arg(long, value_name = "KIND:COUNT")]
    pub(crate) accelerator: Vec<KindCount>,
    /// List every row that was looked at
    #[arg(long)]
    pub(crate) explain: bool,
    #[command(flatten)]
    pub(crate) launch: LaunchOptions,
}

/// What is launched besides the type: shared by `offers`, `check` and `watch`.
#[derive(Debug, Args)]
#[command(next_help_heading = "The launch")]
pub(crate) struct LaunchOptions {
    /// How many instances, all alike
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) count: u32,
    /// The project to launch in
    #[arg(long, value_name = "ID")]
    pub(crate) project: Option<String>,
    /// Whether to draw on reserved capacity
    #[arg(long, value_name = "USE", default_value = "auto", value_parser = parse::reservation())]
    pub(crate) reservation: ReservationUse,
    /// A disk of each instance; may be repeated [default: the cloud's usual boot disk]
    #[arg(long, value_name = "KIND:SIZE")]
    pub(crate) disk: Vec<KindSize>,
    /// No new disk
    #[arg(long, conflicts_with = "disk")]
    pub(crate) no_disk: bool,
    /// A shared file system of the whole launch; may be repeated
    #[arg(long, value_name = "KIND:SIZE")]
    pub(crate) filesystem: Vec<KindSize>,
    /// A public address of each instance: none, or a kind such as dynamic or static [default: none]
    #[arg(long, value_name = "KIND")]
    pub(crate) public_ip: Option<String>,
    /// Start stopped instances, which keep their disks and static addresses
    #[arg(long)]
    pub(crate) restart: bool,
    /// Make a cluster of the instances: all of them close together
    #[arg(long)]
    pub(crate) new_cluster: bool,
    /// The instances are nodes of managed Kubernetes
    #[arg(long)]
    pub(crate) node_group: bool,
    /// The finest place to launch in
    #[arg(long, value_name = "ZONE", visible_aliases = clouds::ZONE_WORDS)]
    pub(crate) zone: Option<String>,
}

/// A kind of accelerator with its number, as in `nvidia-l4:2`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct KindCount {
    /// The cloud's name of the kind.
    pub(crate) kind: String,
    /// How many.
    pub(crate) count: u32,
}

/// A kind of disk with its size, as in `network-ssd:100GiB`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct KindSize {
    /// The cloud's name of the kind.
    pub(crate) kind: String,
    /// The size.
    pub(crate) bytes: u64,
}

/// `quotagate diagnose`
#[derive(Debug, Args)]
#[command(after_help = help::DIAGNOSE)]
pub(crate) struct Diagnose {
    /// The error: what the cloud's tools print, or the bytes of an encoded google.rpc.Status (- for stdin)
    #[arg(value_name = "FILE", default_value = "-")]
    #[arg(conflicts_with_all = ["code", "message", "details"])]
    pub(crate) file: PathBuf,
    /// The cloud's own code, as it spells it, for an error that a program has at hand
    #[arg(long, value_name = "CODE", group = "parts", value_parser = NonEmptyStringValueParser::new())]
    pub(crate) code: Option<String>,
    /// The message that came with it
    #[arg(long, value_name = "TEXT", requires = "parts")]
    pub(crate) message: Option<String>,
    /// The detail that came with it: what the trailer `grpc-status-details-bin` holds, unless --details-type says what else
    #[arg(long, value_name = "BASE64", alias = "details-base64", value_parser = parse::base64, group = "parts")]
    pub(crate) details: Option<Encoded>,
    /// The type of the detail: a type URL or a media type
    #[arg(long, value_name = "TYPE", requires = "details")]
    pub(crate) details_type: Option<String>,
}

/// Bytes that were given as text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Encoded(pub(crate) Vec<u8>);

/// `quotagate quotas`
#[derive(Debug, Args)]
pub(crate) struct Quotas {
    /// Only this region; may be repeated
    #[arg(long, value_name = "REGION")]
    pub(crate) region: Vec<String>,
    /// Only this project beside the tenant
    #[arg(long, value_name = "ID")]
    pub(crate) project: Option<String>,
    /// In tables also rows that nothing is used of (JSON always has them)
    #[arg(long)]
    pub(crate) all: bool,
}

/// `quotagate watch`
#[derive(Debug, Args)]
#[command(after_help = help::WATCH)]
pub(crate) struct Watch {
    /// Serve metrics for Prometheus there, under /metrics; port 0 takes a free one
    #[arg(long, value_name = "ADDR")]
    pub(crate) metrics: Option<SocketAddr>,
    /// How often quotas, advice and reservations are read; 1s or more
    #[arg(long, value_name = "DURATION", default_value = "30s", value_parser = parse::interval)]
    pub(crate) interval: Duration,
    /// End after this time
    #[arg(long = "for", value_name = "DURATION", value_parser = parse::duration)]
    pub(crate) lasting: Option<Duration>,
    /// Only this region; may be repeated
    #[arg(long, value_name = "REGION")]
    pub(crate) region: Vec<String>,
    #[command(flatten)]
    pub(crate) launch: LaunchOptions,
}

/// `quotagate record`
#[derive(Debug, Args)]
pub(crate) struct Record {
    /// Where to write a world: a new or empty directory, or a world to replace
    #[arg(value_name = "DIR", required_unless_present = "inventory")]
    pub(crate) directory: Option<PathBuf>,
    /// Write the inventory as JSON, for hosts that have no reader of this cloud (- for stdout)
    #[arg(long, value_name = "FILE")]
    pub(crate) inventory: Option<PathBuf>,
    /// Write also where other files are
    #[arg(long)]
    pub(crate) force: bool,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_definitions_are_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn a_check_takes_its_type_in_one_or_two_words() {
        for words in [vec!["gpu-x 1gpu"], vec!["gpu-x", "1gpu"]] {
            let mut line = vec!["quotagate", "check"];
            line.extend(&words);
            line.extend(["--region", "r"]);
            let Command::Check(check) = Cli::try_parse_from(line).unwrap().command else {
                panic!("not a check");
            };
            assert_eq!(check.instance_type.join(" "), "gpu-x 1gpu");
            assert!(check.launch.disk.is_empty());
        }
    }
}
