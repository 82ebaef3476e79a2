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
use quotagate::{CallError, Clock, Gate, Inventory};
use quotagate_nebius::RecordedWorld;
use quotagate_plugin_nebius::json::{Refusal, admit_json, assess_json, diagnose_json};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::{account::account, live::plugin};

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
            return Arc::new(Inventory::from_json(&text).unwrap());
        }
        let world = match &self.world {
            None => return Arc::new(Inventory::default()),
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

    fn shown(&self, inventory: &Inventory) -> Outcome {
        let project = self.request["project"].as_str().unwrap();
        Outcome::Answer(json!(inventory.shown_for(project)))
    }

    fn native(&self, inventory: &Arc<Inventory>) -> Outcome {
        let account = |project: &str| Arc::new(account(inventory, project));
        let request = self.request();
        let answer = match self.call {
            Call::Inventory => return self.shown(inventory),
            Call::Assess => assess_json(&request, self.now, account),
            Call::Admit => admit_json(&request, self.now, account),
            Call::Diagnose => diagnose_json(&request),
        };
        answer.map_or_else(
            |refusal| {
                let (code, message) = match refusal {
                    Refusal::InvalidJson(message) => ("invalid-json", message),
                    Refusal::InvalidLaunch(message) => ("invalid-launch", message),
                };
                Outcome::Error {
                    code: code.to_owned(),
                    message,
                }
            },
            |text| Outcome::Answer(serde_json::from_str(&text).unwrap()),
        )
    }

    fn component(&self, inventory: &Arc<Inventory>) -> Outcome {
        let (plugin, clock, request) = (plugin(), self.clock(), self.request());
        let answer = match self.call {
            Call::Inventory => return self.shown(inventory),
            Call::Assess => plugin.assess_json(inventory, &clock, &request),
            Call::Admit => plugin.admit_json(inventory, &clock, &request),
            Call::Diagnose => plugin.diagnose_json(&request),
        };
        match answer {
            Ok(text) => Outcome::Answer(serde_json::from_str(&text).unwrap()),
            Err(CallError::Refused(refusal)) => Outcome::Error {
                code: refusal.code.as_str().to_owned(),
                message: refusal.message,
            },
            Err(error) => panic!("{}: {error}", self.about),
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

/// Inventories did not always have bands, shares of holds, and states of projects.
#[test]
fn an_inventory_without_the_newer_fields_is_read() {
    let text = read(&root().join("inventories/may-be-held.json"));
    let mut value: Value = serde_json::from_str(&text).unwrap();
    let project = &mut value["projects"]["project-e00test"];
    let remove = |record: &mut Value, names: &[&str]| {
        for name in names {
            record.as_object_mut().unwrap().remove(*name).unwrap();
        }
    };
    for row in project["allowances"]["tenant"]["rows"]
        .as_array_mut()
        .unwrap()
    {
        remove(row, &["held_at_most"]);
    }
    let newer = ["held_at_most", "project_held", "project_held_at_most"];
    remove(&mut project["reservations"]["items"][0], &newer);
    remove(&mut project["instance_types"], &["project_state"]);
    let inventory = Inventory::from_json(&value.to_string()).unwrap();
    let shown = json!(inventory.shown_for("project-e00test"));
    let row = &shown["allowances"]["tenant"]["rows"][0];
    assert_eq!((&row["held"], &row["held_at_most"]), (&json!(8), &json!(8)));
    let item = &shown["reservations"]["items"][0];
    assert_eq!(
        (&item["held"], &item["held_at_most"]),
        (&json!(8), &json!(8))
    );
    assert_eq!(item["project_held"], 0);
    assert_eq!(item["project_held_at_most"], 0);
    assert_eq!(shown["instance_types"]["project_state"], Value::Null);
}

#[test]
fn the_page_for_embedders_shows_the_example_as_it_is_built() {
    let page = include_str!("../../host/gate/README.md");
    let example = include_str!("../../host/gate/example.rs");
    assert!(page.contains(&format!("```rust\n{example}```")));
}
