//! The manners of the command line: what is typed, what is written where, in which colours and how wide, how it ends, and
//! which exit code says so.

use std::{
    fs,
    io::{BufRead as _, BufReader, Write as _},
    net::{TcpListener, TcpStream},
    process::{Child, Command, Stdio},
};

use nebius_api::{
    nebius::quotas::v1::quota_allowance_status::UsageState,
    world::{Recorded, World},
};
use nebius_emulator::{Control, Emulator, Faults, Running};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use unicode_width::UnicodeWidthStr as _;

use crate::{
    harness::{
        GPU_QUOTA, H200, PROJECT, REGION, Said, TENANT, WorldBuilder, acme, cache, must_end,
        quotagate, quotagate_with,
    },
    process::Process,
    terminal::{on_terminal, without_colours},
};

/// What of the shipped account every command can be tried on.
const COMMANDS: [&[&str]; 5] = [
    &["offers"],
    &["quotas", "--all"],
    &["check", H200, "--region", REGION, "--explain"],
    &["check", H200, "--region", "eu-west1"],
    &["doctor"],
];

fn in_acme(arguments: &[&str], variables: &[(&str, &str)]) -> Said {
    let world = acme();
    let world = ["--recorded", world.to_str().unwrap()];
    quotagate_with(&[arguments, &world].concat(), variables)
}

fn on_acme(arguments: &[&str], columns: usize, variables: &[(&str, &str)]) -> String {
    let world = acme();
    let world = ["--recorded", world.to_str().unwrap()];
    on_terminal(&[arguments, &world].concat(), columns, variables).stdout
}

/// A command line that runs, in an environment that holds nothing of the machine's own.
fn start(arguments: &[&str], variables: &[(&str, &str)], stdin: Stdio) -> Child {
    Command::new(env!("CARGO_BIN_EXE_quotagate"))
        .args(arguments)
        .env_clear()
        .env("XDG_CACHE_HOME", cache())
        .env("QUOTAGATE_PLUGIN__TIME", "10min")
        .envs(variables.iter().copied())
        .stdin(stdin)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

/// What it says of what it is given on stdin.
fn given(arguments: &[&str], text: &str) -> Said {
    let mut child = start(arguments, &[], Stdio::piped());
    child
        .stdin
        .take()
        .unwrap()
        .write_all(text.as_bytes())
        .unwrap();
    let ended = must_end("a command with stdin", || child.wait_with_output().unwrap());
    Said {
        code: ended.status.code().unwrap(),
        stdout: String::from_utf8(ended.stdout).unwrap(),
        stderr: String::from_utf8(ended.stderr).unwrap(),
    }
}

async fn cloud(world: &WorldBuilder) -> Running {
    Emulator::builder(World::read(world.build().path()).unwrap())
        .spawn()
        .await
        .unwrap()
}

async fn blocking<T: Send + 'static>(run: impl FnOnce() -> T + Send + 'static) -> T {
    tokio::task::spawn_blocking(run).await.unwrap()
}

#[test]
fn a_pipe_gets_the_table_that_a_terminal_gets() {
    for command in COMMANDS {
        let piped = in_acme(command, &[]);
        assert!(!piped.stdout.starts_with('{'), "{}", piped.stdout);
        assert!(!piped.stdout.contains('\u{1b}'), "{}", piped.stdout);
        let json = in_acme(&[command, &["--format", "json"]].concat(), &[]);
        assert!(json.json().is_object());
        // On a screen that has room for everything.
        let shown = without_colours(&on_acme(command, 1_000, &[]));
        for line in piped.stdout.lines() {
            assert!(shown.contains(line), "{line:?} in\n{shown}");
        }
    }
}

#[test]
fn nothing_is_wider_than_the_screen() {
    for columns in [60, 80, 120] {
        for command in COMMANDS {
            let shown = without_colours(&on_acme(&[command, &["--quiet"]].concat(), columns, &[]));
            assert!(shown.lines().count() > 2, "{shown}");
            for line in shown.lines() {
                // A command that is there to be copied stays whole, and so does a word.
                let is_whole =
                    line.trim_start().starts_with("nebius ") || !line.trim().contains(' ');
                assert!(
                    line.width() <= columns || is_whole,
                    "{command:?} on {columns} columns: {line:?}"
                );
            }
        }
    }
}

#[test]
fn colours_come_where_there_is_a_terminal_for_them_or_somebody_asks() {
    let check = ["check", H200, "--region", REGION];
    let piped = |more: &[&str], variables: &[(&str, &str)]| {
        in_acme(&[&check, more].concat(), variables)
            .stdout
            .contains('\u{1b}')
    };
    assert!(!piped(&[], &[]));
    assert!(piped(&["--color", "always"], &[]));
    assert!(piped(&[], &[("CLICOLOR_FORCE", "1")]));
    assert!(!piped(&["--color", "never"], &[("CLICOLOR_FORCE", "1")]));
    let shown = |more: &[&str], variables: &[(&str, &str)]| {
        on_acme(&[&check, more].concat(), 100, variables).contains("\u{1b}[")
    };
    assert!(shown(&[], &[]));
    assert!(!shown(&[], &[("NO_COLOR", "1")]));
    assert!(!shown(&[], &[("TERM", "dumb")]));
    assert!(!shown(&["--color", "never"], &[]));
    assert!(shown(&["--color", "always"], &[("NO_COLOR", "1")]));
    // A terminal that can do little is shown plain characters.
    let dumb = on_acme(&["quotas"], 100, &[("TERM", "dumb")]);
    assert!(dumb.is_ascii(), "{dumb}");
}

#[test]
fn quiet_is_data_and_errors_alone() {
    let loud = in_acme(&["offers"], &[]);
    let quiet = in_acme(&["offers", "--quiet"], &[]);
    assert!(!loud.stderr.is_empty());
    assert_eq!(quiet.stderr, "");
    assert_eq!(quiet.stdout, loud.stdout);
    let wrong = in_acme(&["check", H200, "--region", "nowhere", "--quiet"], &[]);
    assert_eq!(wrong.code, 2);
    assert!(wrong.stderr.contains("nowhere"), "{wrong:?}");
}

fn listed(options: &[&str]) -> Vec<Value> {
    let said = in_acme(&[&["offers", "--format", "json"], options].concat(), &[]);
    assert_eq!(said.code, 0, "{said:?}");
    said.json()["offers"].as_array().unwrap().clone()
}

#[test]
fn offers_come_in_the_order_that_was_asked_for() {
    let texts = |by: &str, key: &str| -> Vec<String> {
        let offers = listed(&["--sort", by]);
        let text = |offer: &Value| offer[key].as_str().unwrap().to_owned();
        offers.iter().map(text).collect()
    };
    // Numbers in a name count as numbers.
    let names = texts("name", "instance_type");
    let at = |wanted: &str| names.iter().position(|name| name == wanted).unwrap();
    assert!(at("cpu-d3 8vcpu-32gb") < at("cpu-d3 16vcpu-64gb"));
    assert!(at("cpu-d3 16vcpu-64gb") < at(H200));
    assert!(texts("region", "region").is_sorted());
    let fits: Vec<_> = listed(&["--sort", "fits"])
        .iter()
        .map(|offer| offer["fits_count"].as_u64())
        .collect();
    assert!(fits.is_sorted_by(|one, other| one >= other), "{fits:?}");
    let folder = tempfile::tempdir().unwrap();
    let catalog = folder.path().join("catalog.csv");
    let rows = "gpu-h200-sxm 8gpu-128vcpu-1600gb,eu-north1,30\ncpu-d3 4vcpu-16gb,eu-north1,0.1\ngpu-h200-sxm 1gpu-16vcpu-200gb,eu-north1,4\n";
    fs::write(&catalog, format!("instance_name,location,price\n{rows}")).unwrap();
    let prices: Vec<_> = listed(&["--catalog", catalog.to_str().unwrap(), "--sort", "price"])
        .iter()
        .map(|offer| offer["price"].as_f64().unwrap())
        .collect();
    assert_eq!(prices, [0.1, 4.0, 30.0]);
}

#[test]
fn strictness_leaves_out_what_it_says() {
    let kinds = |options: &[&str]| -> Vec<String> {
        let offers = listed(options);
        let kind = |offer: &Value| offer["availability"].as_str().unwrap().to_owned();
        let mut kinds: Vec<String> = offers.iter().map(kind).collect();
        kinds.sort_unstable();
        kinds.dedup();
        kinds
    };
    let all = kinds(&["--strictness", "advisory"]);
    assert!(all.contains(&"no_quota".to_owned()) && all.contains(&"available".to_owned()));
    assert_eq!(kinds(&["--all"]), all);
    assert!(!kinds(&["--strictness", "balanced"]).contains(&"no_quota".to_owned()));
    assert_eq!(kinds(&["--strictness", "strict"]), ["available"]);
    assert_eq!(kinds(&["--available"]), ["available"]);
}

#[test]
fn a_launch_without_disks_takes_none() {
    let world = WorldBuilder::new().tenant("compute.disk.count", 0, 0);
    assert_eq!(world.check(&[]).quota(), "blocked");
    assert_eq!(world.check(&["--no-disk"]).quota(), "fits");
}

#[test]
fn plugins_are_exported_to_files_and_to_stdout() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("nebius.wasm");
    let path = file.to_str().unwrap();
    let said = quotagate(&["plugin", "export", "nebius", "--output", path]);
    assert_eq!(said.code, 0, "{said:?}");
    let inspected = quotagate(&["plugin", "inspect", path, "--format", "json"]).json();
    let digest = inspected["sha256"].as_str().unwrap();
    assert!(said.stderr.contains(digest), "{said:?}");
    let to_stdout = ["plugin", "export", "nebius", "-o", "-"];
    let child = start(&to_stdout, &[], Stdio::null());
    let ended = must_end("an export", || child.wait_with_output().unwrap());
    assert!(ended.status.success(), "{ended:?}");
    assert_eq!(ended.stdout, fs::read(&file).unwrap());
    let nowhere = quotagate(&["plugin", "export", "nowhere", "-o", path]);
    assert_eq!(nowhere.code, 2, "{nowhere:?}");
}

#[test]
fn a_dash_is_stdin() {
    let world = acme();
    let world = ["--recorded", world.to_str().unwrap(), "--format", "json"];
    let plan = json!({"launches": [{"instance_type": H200, "region": REGION}]}).to_string();
    let said = given(&[&["check", "--plan", "-"], &world[..]].concat(), &plan);
    assert_eq!(said.quota(), "blocked");
    let catalog = "instance_name,location\ncpu-d3 4vcpu-16gb,eu-north1\n";
    let said = given(
        &[&["offers", "--catalog", "-"], &world[..]].concat(),
        catalog,
    );
    assert_eq!(
        said.json()["offers"].as_array().unwrap().len(),
        1,
        "{said:?}"
    );
    let error = json!({"code": 14, "message": "try later"}).to_string();
    let said = given(&["diagnose", "-", "--format", "json"], &error);
    assert_eq!(said.json()["kind"], "transient", "{said:?}");
}

#[test]
fn a_catalog_without_an_end_is_given_up() {
    let folder = tempfile::tempdir().unwrap();
    let endless = folder.path().join("endless.csv");
    fs::File::create(&endless)
        .unwrap()
        .set_len(100 << 20)
        .unwrap();
    let said = in_acme(&["offers", "--catalog", endless.to_str().unwrap()], &[]);
    assert_ne!(said.code, 0);
    assert!(said.stderr.contains("larger than 64 MiB"), "{said:?}");
}

#[test]
fn a_directory_of_something_else_is_written_to_only_when_forced() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("thesis.txt"), "precious").unwrap();
    let path = folder.path().to_str().unwrap();
    let nobody = ["--endpoint", "127.0.0.1:1", "--timeout", "1s"];
    let refused = quotagate(&[&["record", path], &nobody[..]].concat());
    assert_eq!(refused.code, 1);
    assert!(refused.stderr.contains("--force"), "{refused:?}");
    let forced = quotagate(&[&["record", path, "--force"], &nobody[..]].concat());
    assert!(!forced.stderr.contains("--force"), "{forced:?}");
    assert_eq!(fs::read_dir(&folder).unwrap().count(), 1);
}

#[test]
fn one_exit_code_for_each_kind_of_trouble() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("broken");
    fs::write(&file, "{ broken").unwrap();
    let broken = file.to_str().unwrap();
    let world = acme();
    let world = world.to_str().unwrap();
    // Nobody answers there.
    let closed = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .to_string();
    let silent = ["--endpoint", closed.as_str(), "--timeout", "2s"];
    let check = ["check", H200, "--region", REGION];
    let cases: [(&[&str], i32); 18] = [
        (&[&check[..], &["--recorded", world]].concat(), 3),
        (&["offers", "--recorded", world], 0),
        // What was typed or written makes no sense, or names what is not there.
        (&["offers", "--nonsense"], 2),
        (&["check", "--plan", broken, "--recorded", world], 2),
        (&["offers", "--catalog", broken, "--recorded", world], 2),
        (&["diagnose", broken], 2),
        (&["offers", "--config", broken, "--recorded", world], 2),
        (&["check", "--plan", "/nowhere", "--recorded", world], 2),
        (&["offers", "--catalog", "/nowhere", "--recorded", world], 2),
        (&["offers", "--recorded", "/nowhere"], 2),
        (&["watch", "--interval", "20"], 2),
        (&["offers", "--credentials", "/nowhere"], 2),
        (&["offers", "--credentials", broken], 2),
        // The demonstration has an account of its own, and is for people.
        (&["demo", "--recorded", world], 2),
        (&["demo", "--format", "json"], 2),
        // Nothing of the account could be asked.
        (&[&["offers"], &silent[..]].concat(), 1),
        (&[&check[..], &silent].concat(), 1),
        (&[&["doctor"], &silent[..]].concat(), 1),
    ];
    for (arguments, code) in cases {
        let said = quotagate_with(arguments, &[("NEBIUS_IAM_TOKEN", "token")]);
        assert_eq!(said.code, code, "{arguments:?}: {said:?}");
    }
}

#[test]
fn profiles_and_tenants_are_named() {
    let home = tempfile::tempdir().unwrap();
    fs::create_dir(home.path().join(".nebius")).unwrap();
    let config = "default: a\nprofiles:\n  a: {token-file: ~/a}\n  b: {token-file: ~/b}\n";
    fs::write(home.path().join(".nebius/config.yaml"), config).unwrap();
    let variables = [("HOME", home.path().to_str().unwrap())];
    let asked = |more: &[&str], variables: &[(&str, &str)]| {
        let arguments = ["doctor", "--endpoint", "127.0.0.1:1", "--timeout", "1s"];
        quotagate_with(&[&arguments, more].concat(), variables).stdout
    };
    assert!(
        asked(&[], &variables).contains("`a`"),
        "{}",
        asked(&[], &variables)
    );
    assert!(asked(&["--profile", "b"], &variables).contains("`b`"));
    let by_variable = [variables[0], ("NEBIUS_PROFILE", "b")];
    assert!(asked(&[], &by_variable).contains("`b`"));
    let unknown = asked(&["--profile", "nope"], &variables);
    assert!(unknown.contains("nope"), "{unknown}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_tenant_that_is_named_is_asked() {
    let cloud = cloud(&WorldBuilder::new()).await;
    let address = cloud.addr().to_string();
    let said = blocking(move || {
        [TENANT, "tenant-e00other"].map(|tenant| {
            quotagate_with(
                &["quotas", "--endpoint", &address, "--tenant", tenant],
                &[("NEBIUS_IAM_TOKEN", "token")],
            )
        })
    })
    .await;
    assert_eq!(said[0].code, 0, "{:?}", said[0]);
    assert!(said[0].stdout.contains(GPU_QUOTA));
    assert!(!said[1].stdout.contains(GPU_QUOTA), "{:?}", said[1]);
}

#[test]
fn a_token_file_that_blocks_is_not_waited_for_at_the_end() {
    let home = tempfile::tempdir().unwrap();
    let pipe = home.path().join("token");
    let made = Command::new("mkfifo").arg(&pipe).status().unwrap();
    assert!(made.success());
    fs::create_dir(home.path().join(".nebius")).unwrap();
    let config = format!("profiles: {{a: {{token-file: {}}}}}", pipe.display());
    fs::write(home.path().join(".nebius/config.yaml"), config).unwrap();
    let said = quotagate_with(
        &["offers", "--endpoint", "127.0.0.1:1", "--timeout", "1s"],
        &[("HOME", home.path().to_str().unwrap())],
    );
    assert_eq!(said.code, 1, "{said:?}");
}

/// A child that watches, and the first line that it says.
fn watch(address: &str, options: &[&str]) -> (Child, BufReader<std::process::ChildStdout>) {
    let arguments = ["watch", "--interval", "1s", "--endpoint", address];
    let token = [("NEBIUS_IAM_TOKEN", "token")];
    let mut child = start(&[&arguments, options].concat(), &token, Stdio::null());
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    stdout.read_line(&mut line).unwrap();
    assert!(line.contains("watching"), "{line}");
    (child, stdout)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_watch_ends_with_its_pipe_though_nothing_changes() {
    let cloud = cloud(&WorldBuilder::new()).await;
    let address = cloud.addr().to_string();
    let status = blocking(move || {
        let (mut child, stdout) = watch(&address, &[]);
        drop(stdout);
        must_end("a watch that nobody reads", move || child.wait().unwrap())
    });
    assert!(status.await.success());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_watch_ends_when_it_is_interrupted() {
    let cloud = cloud(&WorldBuilder::new()).await;
    for signal in [Signal::INT, Signal::TERM] {
        let address = cloud.addr().to_string();
        let status = blocking(move || {
            let (mut child, stdout) = watch(&address, &[]);
            let id = Pid::from_raw(i32::try_from(child.id()).unwrap()).unwrap();
            kill_process(id, signal).unwrap();
            let status = must_end("a watch that is interrupted", move || child.wait().unwrap());
            drop(stdout);
            status
        });
        assert!(status.await.success(), "{signal:?}");
    }
}

/// Lets nobody measure what the tenant uses.
fn unmeasure(world: &mut World) {
    let Recorded::Answer(list) = &mut world.allowances else {
        panic!("no list");
    };
    for status in list.items.iter_mut().filter_map(|row| row.status.as_mut()) {
        status.set_usage_state(UsageState::Unknown);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn usage_that_is_not_measured_is_never_told_as_zero() {
    let cloud = cloud(&WorldBuilder::new().tenant(GPU_QUOTA, 32, 30)).await;
    let address = cloud.addr().to_string();
    let control = Control::clone(&cloud);
    let told = blocking(move || {
        let (mut child, mut stdout) = watch(&address, &[]);
        control.with_world(unmeasure);
        let mut line = String::new();
        while !line.contains(&format!("usage   {GPU_QUOTA}")) {
            line.clear();
            assert_ne!(stdout.read_line(&mut line).unwrap(), 0, "it ended");
        }
        child.kill().unwrap();
        child.wait().unwrap();
        line
    });
    let told = told.await;
    assert!(told.contains("30 -> not measured of 32"), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn metrics_for_everybody_are_warned_of() {
    let cloud = cloud(&WorldBuilder::new()).await;
    for (listen, warns) in [("127.0.0.1:0", false), ("0.0.0.0:0", true)] {
        let address = cloud.addr().to_string();
        let arguments =
            ["watch", "--for", "100ms", "--metrics", listen, "--endpoint"].map(str::to_owned);
        let said = blocking(move || {
            let mut arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
            arguments.push(&address);
            quotagate_with(&arguments, &[("NEBIUS_IAM_TOKEN", "token")])
        })
        .await;
        assert_eq!(said.code, 0, "{said:?}");
        assert_eq!(
            said.stderr.contains("warning: whoever reaches"),
            warns,
            "{said:?}"
        );
    }
}

/// Every file below a folder, with what is in it.
fn files(folder: &std::path::Path) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            let name = path.display().to_string();
            found.push((name, fs::read_to_string(&path).unwrap()));
        }
    }
    found.sort_unstable();
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn a_recording_never_loses_what_it_had() {
    let cloud = cloud(&WorldBuilder::new()).await;
    let folder = tempfile::tempdir().unwrap();
    let record = |directory: &str| {
        let directory = folder.path().join(directory).to_str().unwrap().to_owned();
        let address = cloud.addr().to_string();
        blocking(move || {
            let arguments = [
                "record",
                &directory,
                "--endpoint",
                &address,
                "--timeout",
                "5s",
            ];
            quotagate_with(&arguments, &[("NEBIUS_IAM_TOKEN", "token")])
        })
    };
    let first = record("good").await;
    assert_eq!(first.code, 0, "{first:?}");
    let before = files(&folder.path().join("good"));
    assert!(before.iter().any(|(name, _)| name.contains(PROJECT)));
    for (method, file) in [
        ("ProjectService/List", "tenant/projects.json"),
        ("QuotaAllowanceService/List", "tenant/allowances.json"),
    ] {
        let faults = json!({"rules": [{"method": method, "status": {"code": "UNAVAILABLE", "message": "gone"}}]});
        cloud.set_faults(Faults::from_json(&faults.to_string()).unwrap());
        let again = record("good").await;
        assert_eq!(again.code, 1, "{again:?}");
        assert!(again.stderr.contains(file), "{again:?}");
        assert_eq!(files(&folder.path().join("good")), before, "{method}");
        // What is there of an account is still worth a new recording, which says that it is not all.
        let partial = record(&method.replace('/', "-")).await;
        assert_eq!(partial.code, 1, "{partial:?}");
        assert!(
            partial.stderr.contains("warning: the world lacks"),
            "{partial:?}"
        );
    }
    cloud.set_faults(Faults::from_json(r#"{"rules": []}"#).unwrap());
    assert_eq!(record("good").await.code, 0);
}

#[test]
fn the_file_of_a_working_directory_cannot_choose_the_judge() {
    let folder = tempfile::tempdir().unwrap();
    let toml = "holds.file = \"holds.lines\"\n[plugin]\npath = \"evil.wasm\"\ntime = \"1ms\"\n[refresh]\njitter = 0.25\n";
    fs::write(folder.path().join("quotagate.toml"), toml).unwrap();
    let show = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_quotagate"));
        command.args(arguments).env_clear().current_dir(&folder);
        Process::start(&mut command).end()
    };
    let shown = show(&["config", "show", "--format", "json"]);
    let settings: Value = serde_json::from_str(&shown.stdout).unwrap();
    let origin = |key: &str| {
        let settings = settings["settings"].as_array().unwrap();
        let setting = settings.iter().find(|setting| setting["key"] == key);
        setting.unwrap()["origin"]["from"].clone()
    };
    for key in ["plugin.path", "plugin.time", "holds.file"] {
        assert_eq!(origin(key), "default", "{key}");
        assert!(
            shown.stderr.contains(&format!("`{key}` is ignored")),
            "{}",
            shown.stderr
        );
    }
    assert_eq!(origin("refresh.jitter"), "file");
    // Whoever names the file means it.
    let named = show(&["config", "show", "--config", "quotagate.toml"]);
    assert!(named.stdout.contains("evil.wasm"), "{}", named.stdout);
    assert!(!named.stderr.contains("ignored"), "{}", named.stderr);
}

#[test]
fn doctor_says_which_plugin_judges_and_who_chose_it() {
    let built_in = in_acme(&["doctor"], &[]);
    assert!(
        built_in.stdout.contains("built in: nebius"),
        "{}",
        built_in.stdout
    );
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("judge.wasm");
    fs::write(&file, quotagate_plugins::NEBIUS.bytes).unwrap();
    let path = file.to_str().unwrap();
    let chosen = in_acme(&["doctor"], &[("QUOTAGATE_PLUGIN__PATH", path)]);
    let says = format!("`{path}` (QUOTAGATE_PLUGIN__PATH): nebius");
    assert!(chosen.stdout.contains(&says), "{}", chosen.stdout);
}

#[test]
fn variables_of_others_stop_nothing_and_near_misses_are_told() {
    let others = [
        ("QUOTAGATE_METRICS_SERVICE_HOST", "10.0.0.1"),
        ("QUOTAGATE_METRICS_SERVICE_PORT", "9464"),
        ("QUOTAGATE_METRICS_SERVICE_PORT_HTTP", "9464"),
        ("QUOTAGATE_METRICS_PORT", "tcp://10.0.0.1:9464"),
        ("QUOTAGATE_METRICS_PORT_9464_TCP_ADDR", "10.0.0.1"),
        ("QUOTAGATE_SOAK_SECONDS", "300"),
        ("QUOTAGATE_PLUGIN", "x.wasm"),
        ("QUOTAGATE_WORLD", "acme"),
    ];
    let said = in_acme(&["offers"], &others);
    assert_eq!(said.code, 0, "{said:?}");
    assert!(!said.stderr.contains("warning"), "{said:?}");
    let near = in_acme(&["offers"], &[("QUOTAGATE_REFRESH_JITTER", "0.2")]);
    assert_eq!(near.code, 0, "{near:?}");
    assert!(
        near.stderr
            .contains("did you mean QUOTAGATE_REFRESH__JITTER?"),
        "{near:?}"
    );
}

#[test]
fn a_scrape_that_says_nothing_leaves_room_for_others() {
    let world = acme();
    let arguments = [
        "watch",
        "--metrics",
        "127.0.0.1:0",
        "--recorded",
        world.to_str().unwrap(),
    ];
    let mut command = Command::new(env!("CARGO_BIN_EXE_quotagate"));
    command
        .args(arguments)
        .env_clear()
        .env("XDG_CACHE_HOME", cache());
    let mut watching = Process::start(&mut command);
    let address = loop {
        let line = watching.stderr.next().unwrap();
        if let Some((_, address)) = line.split_once("http://") {
            break address.trim_end_matches("/metrics").to_owned();
        }
    };
    let silent: Vec<_> = (0..40)
        .map(|_| TcpStream::connect(&address).unwrap())
        .collect();
    let answer = must_end("a scrape beside silent ones", move || {
        let mut stream = TcpStream::connect(&address).unwrap();
        stream
            .write_all(b"POST /metrics HTTP/1.1\r\nHost: here\r\n\r\n")
            .unwrap();
        let mut line = String::new();
        BufReader::new(stream).read_line(&mut line).unwrap();
        line
    });
    assert!(answer.contains("405"), "{answer}");
    drop(silent);
}

#[cfg(unix)]
#[test]
fn compiled_code_lies_where_nobody_else_gets() {
    use std::os::unix::fs::PermissionsExt as _;
    let home = tempfile::tempdir().unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_quotagate"));
    let world = acme();
    command
        .args(["offers", "--recorded", world.to_str().unwrap()])
        .env_clear()
        .env("HOME", home.path())
        .env("QUOTAGATE_PLUGIN__TIME", "10min");
    let said = Process::start(&mut command).end();
    assert!(said.status.success(), "{said:?}");
    let cache = home.path().join(".cache");
    let own = cache.join("quotagate/plugins");
    let mode = fs::metadata(&own).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o700);
    assert!(
        fs::read_dir(&own).unwrap().next().is_some(),
        "nothing was kept"
    );
    assert_eq!(fs::read_dir(&cache).unwrap().count(), 1);
}

#[test]
fn quotas_of_a_region_that_a_project_does_not_live_in_are_said_to_be_none() {
    let arguments = ["quotas", "--project", "project-e00euwest1"];
    let said = in_acme(&[&arguments[..], &["--region", REGION]].concat(), &[]);
    assert_eq!(said.code, 0, "{said:?}");
    assert!(said.stdout.trim().is_empty(), "{said:?}");
    assert!(said.stderr.contains("lives in eu-west1"), "{said:?}");
    let said = in_acme(&arguments, &[]);
    assert!(said.stdout.contains("eu-west1"), "{said:?}");
    assert!(!said.stderr.contains("no quotas"), "{said:?}");
}
