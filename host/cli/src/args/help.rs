//! The longer help texts: examples, and the forms of the files that commands read.

/// After the help of `quotagate`.
pub(super) const QUOTAGATE: &str = "\
Examples:
  quotagate demo                                  look around without an account
  quotagate offers --gpu H200:8                   what can be launched, and why not the rest
  quotagate check gpu-h200-sxm/8gpu-128vcpu-1600gb --region eu-north1
  quotagate check --plan plan.json                several launches that draw on the same quotas
  quotagate diagnose operation.json               what a failed launch failed for
  quotagate quotas --region eu-north1             limits and usage
  quotagate record world                          write the account down
  quotagate offers --recorded world               and ask what was written down
  quotagate config show                           what is configured, and where

Exit codes:
  0  it fits, or is done    1  failure    2  wrong usage    3  blocked    4  unknown

Environment:
  QUOTAGATE_CONFIG             the configuration to use
  QUOTAGATE_TABLE__KEY         a key of the configuration; `config show` names all
  NEBIUS_IAM_TOKEN             an access token; comes before any profile
  NEBIUS_PROFILE               the profile of ~/.nebius/config.yaml to use
  NEBIUS_ENDPOINT              the domain of the API, if not api.nebius.cloud
  SSL_CERT_FILE, SSL_CERT_DIR  the certificates to trust, if not the system's
  NO_COLOR, CLICOLOR_FORCE     no colour, or colour even without a terminal
  COLUMNS                      the width of tables, if not the terminal's
  TERM                         `dumb` means plain ASCII
  HOME, XDG_CACHE_HOME         where ~/.nebius and the cache of compiled plugins are
  XDG_CONFIG_HOME              where quotagate/quotagate.toml is, if not in ~/.config

Data goes to stdout, everything else to stderr.";

/// After the help of `quotagate check`.
pub(super) const CHECK: &str = "\
Examples:
  quotagate check 'gpu-h200-sxm 8gpu-128vcpu-1600gb' --region eu-north1
  quotagate check gpu-h100-sxm/8gpu-128vcpu-1600gb --region eu-north1 --count 4
  quotagate check cpu-d3/4vcpu-16gb --region eu-west1 --disk network-ssd:200GiB
  quotagate check ... && launch               launch only what fits
  quotagate check --plan plan.json            several launches together

A plan is a JSON object with a list of launches. They draw on the same quotas
and are judged in their order:
  {\"launches\": [
    {\"instance_type\": \"gpu-h200-sxm/8gpu-128vcpu-1600gb\",
     \"region\": \"eu-north1\", \"count\": 4, \"new_cluster\": true},
    {\"instance_type\": \"cpu-d3/4vcpu-16gb\",
     \"region\": \"eu-west1\", \"disks\": [\"network-ssd:1TiB\"]}
  ]}
A launch has an `instance_type` and a `region`. What else it may have means what
the options mean:
  lifecycle    \"preemptible\", \"spot\", ...; if left out, the cloud's usual one
  count        1 (if left out) or more
  project      an id; if left out, the one project of the region
  reservation  \"auto\" (if left out), \"forbid\" or \"strict\"
  disks        [\"KIND:SIZE\", ...] of each instance; if left out, the
               cloud's usual boot disk; [] for none
  filesystems  [\"KIND:SIZE\", ...] of the whole launch; if left out, none
  public_ip    \"none\" (if left out), or a kind: \"dynamic\", \"static\"
  restart      false (if left out) or true
  new_cluster  false (if left out) or true
  node_group   false (if left out) or true
  zone         the finest place to launch in (on Nebius also `fabric`); if
               left out, any
  accelerators [\"KIND:COUNT\", ...] to attach to each instance, in clouds that
               attach them; if left out, none

The exit code follows the quotas: 0 it fits, 3 a quota blocks it, 4 unknown.
Advice on free hardware is printed and never changes it.";

/// After the help of `quotagate diagnose`.
pub(super) const DIAGNOSE: &str = "\
Examples:
  nebius compute instance operation get ID --format json | quotagate diagnose
  quotagate diagnose operation.json
  quotagate diagnose --code 8 --message refused --details CAgSB3JlZnVzZWQ

It reads JSON, also amid other output of the cloud's CLI: an operation that
failed, a list of operations, its `status`, {\"error\": {...}}, {\"code\": ...,
\"message\": ...}, a bare ServiceError, a node group with its events, a job with
its state; the error as the SDKs for Go (the CLI, Terraform), Python and
JavaScript print it; or the bytes of an encoded google.rpc.Status. The detail of
an error decides, and text that people wrote never does. Several failures give
the most specific kind and all findings. No credentials are needed, and the
cloud is not asked.

Exit codes: 0 it was diagnosed, 1 the plugin failed, 2 there is no error in it.";

pub(crate) const WATCH: &str = "\
One line a change: limits, usage, sources that come and go, offers that become available or stop being so, and what failed
launches block. With --format json each line is an object: `at` (RFC 3339), `change`, and what changed.

Ends on Ctrl-C, or after --for.

Examples:
  quotagate watch --region eu-north1
  quotagate watch --metrics 127.0.0.1:9464 --interval 1m --format json";
