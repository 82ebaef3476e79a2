//! The cases of `tests/conformance`, by the rules as native code and by the component: the answers that every host must
//! give.
//!
//! `QUOTAGATE_CONFORMANCE_BLESS=1` writes the native answers into the cases, to be read before they are believed.
//! `QUOTAGATE_CONFORMANCE_RESULTS=DIR` writes down what each of the two answered.

use std::{
    collections::BTreeMap,
    env, fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use nebius_api::world::World;
use quotagate::{CallError, Clock, ContractInventory, Gate, Inventory, Refusal};
use quotagate_guest::{
    Engine, NativeReader,
    json::{admit_json, assess_json, diagnose_json},
};
use quotagate_nebius::RecordedWorld;
use quotagate_plugin_nebius::Nebius;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::live::plugin;

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Case {
    about: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    world: Option<CaseWorld>,
    #[serde(skip_serializing_if = "Option::is_none")]
    inventory: Option<String>,
    now: u64,
    call: Call,
    #[serde(default, skip_serializing_if = "Value::is_null")]
    request: Value,
    #[serde(flatten)]
    outcome: Option<Outcome>,
}

#[derive(Deserialize, Serialize)]
#[serde(untagged)]
enum CaseWorld {
    Named(String),
    Changed {
        like: String,
        files: BTreeMap<String, Value>,
    },
}

#[derive(Clone, Copy, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
enum Call {
    Assess,
    Admit,
    Diagnose,
    Inventory,
}

/// What a host answered.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
enum Outcome {
    Answer(Value),
    Error { code: String, message: String },
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/conformance")
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Every case by name, with its file.
fn cases() -> BTreeMap<String, (PathBuf, Case)> {
    let files = fs::read_dir(root().join("cases")).unwrap();
    let cases: BTreeMap<_, _> = files
        .map(|file| {
            let path = file.unwrap().path();
            let case = serde_json::from_str(&read(&path))
                .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
            (name, (path, case))
        })
        .collect();
    assert!(!cases.is_empty(), "no cases");
    cases
}

/// The files of a world, by path below it.
fn texts_below(root: &Path, below: &Path, texts: &mut BTreeMap<String, String>) {
    for entry in fs::read_dir(below).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            texts_below(root, &path, texts);
        } else {
            let name = path.strip_prefix(root).unwrap().to_str().unwrap();
            texts.insert(name.to_owned(), read(&path));
        }
    }
}

impl Case {
    /// What a gate knows of the case's account.
    async fn inventory(&self) -> Arc<Inventory> {
        if let Some(name) = &self.inventory {
            let text = read(&root().join("inventories").join(format!("{name}.json")));
            return Arc::new(Inventory::from(
                serde_json::from_str::<ContractInventory>(&text).unwrap(),
            ));
        }
        let world = match &self.world {
            None => return Arc::new(Inventory::from(ContractInventory::default())),
            Some(CaseWorld::Named(name)) => World::read(&root().join("worlds").join(name)),
            Some(CaseWorld::Changed { like, files }) => {
                let like = root().join("worlds").join(like);
                let mut held = BTreeMap::new();
                texts_below(&like, &like, &mut held);
                for (name, value) in files {
                    match value {
                        Value::Null => held.remove(name),
                        value => held.insert(name.clone(), value.to_string()),
                    };
                }
                World::from_texts(&held)
            }
        };
        let source = Arc::new(RecordedWorld::new(world.unwrap()).unwrap());
        let gate = Gate::builder(plugin(), source).clock(self.clock());
        gate.build().unwrap().inventory().await
    }

    fn clock(&self) -> Clock {
        let now = self.now;
        Clock::from_fn(move || now)
    }

    fn request(&self) -> String {
        match &self.request {
            Value::String(text) => text.clone(),
            value => value.to_string(),
        }
    }

    fn native(&self, inventory: &Arc<Inventory>) -> Outcome {
        let shown = inventory.contract();
        let mut engine = Engine::new(Nebius);
        let reader = NativeReader::new(shown.clone(), self.now);
        let request = self.request();
        Outcome::of(match self.call {
            Call::Inventory => return Outcome::Answer(json!(shown)),
            Call::Assess => assess_json(&mut engine, &reader, &request),
            Call::Admit => admit_json(&mut engine, &reader, &request),
            Call::Diagnose => diagnose_json(&mut engine, &reader, &request),
        })
    }

    fn component(&self, inventory: &Arc<Inventory>) -> Outcome {
        let (plugin, clock, request) = (plugin(), self.clock(), self.request());
        let answer = match self.call {
            Call::Inventory => return Outcome::Answer(json!(inventory.contract())),
            Call::Assess => plugin.on(inventory, &clock).assess_json(&request),
            Call::Admit => plugin.on(inventory, &clock).admit_json(&request),
            Call::Diagnose => plugin.on(inventory, &clock).diagnose_json(&request),
        };
        Outcome::of(answer.map_err(|error| match error {
            CallError::Refused(refusal) => refusal,
            error => panic!("{}: {error}", self.about),
        }))
    }
}

impl Outcome {
    fn of(answer: Result<String, Refusal>) -> Self {
        match answer {
            Ok(text) => Self::Answer(serde_json::from_str(&text).unwrap()),
            Err(Refusal { code, message }) => Self::Error {
                code: code.as_str().to_owned(),
                message,
            },
        }
    }
}

async fn run(host: &str, answer: impl Fn(&Case, &Arc<Inventory>) -> Outcome) {
    let mut answers = BTreeMap::new();
    let mut different = Vec::new();
    for (name, (_, case)) in cases() {
        let answered = answer(&case, &case.inventory().await);
        if case.outcome.as_ref() != Some(&answered) {
            different.push(format!(
                "{name}\n  expected {:?}\n  answered {answered:?}",
                case.outcome
            ));
        }
        answers.insert(name, answered);
    }
    if let Some(folder) = env::var_os("QUOTAGATE_CONFORMANCE_RESULTS") {
        let file = Path::new(&folder).join(format!("{host}.json"));
        fs::write(file, serde_json::to_string(&answers).unwrap()).unwrap();
    }
    assert!(different.is_empty(), "{}", different.join("\n"));
}

#[tokio::test]
async fn the_rules_as_native_code() {
    if env::var_os("QUOTAGATE_CONFORMANCE_BLESS").is_some() {
        for (_, (path, mut case)) in cases() {
            case.outcome = Some(case.native(&case.inventory().await));
            let mut text = serde_json::to_string_pretty(&case).unwrap();
            text.push('\n');
            fs::write(path, text).unwrap();
        }
    }
    run("rust-native", Case::native).await;
}

#[tokio::test]
async fn the_component() {
    run("rust-component", Case::component).await;
}

#[test]
fn the_page_for_embedders_shows_the_example_as_it_is_built() {
    let page = include_str!("../../host/gate/README.md");
    let example = include_str!("../../host/gate/example.rs");
    assert!(page.contains(&format!("```rust\n{example}```")));
}
