//! Worlds that are written and read back, and what is refused.

#![allow(clippy::unwrap_used, reason = "tests")]

use super::*;

fn write(root: &Path, name: &str, text: &str) {
    let path = root.join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

#[test]
fn a_written_world_reads_back_equal() {
    let folder = tempfile::tempdir().unwrap();
    write(
        folder.path(),
        "tenant/allowances.json",
        r#"{"items": [{"metadata": {"name": "q"}, "spec": {"region": "r", "limit": "18446744073709551615"},
            "status": {"state": "STATE_ACTIVE", "usage": 7, "usage_state": "USAGE_STATE_USED"}}]}"#,
    );
    write(
        folder.path(),
        "tenant/projects.json",
        r#"{"error": {"code": "PERMISSION_DENIED", "message": "no viewer"}}"#,
    );
    let world = World::read(folder.path()).unwrap();
    let name = "tenant/allowances.json".to_owned();
    let text = fs::read_to_string(folder.path().join(&name)).unwrap();
    let in_memory = World::from_texts(&BTreeMap::from([(name, text)])).unwrap();
    assert_eq!(in_memory.allowances, world.allowances);

    let copy = tempfile::tempdir().unwrap();
    world.write(copy.path()).unwrap();
    let again = World::read(copy.path()).unwrap();

    assert_eq!(world, again);
    let rows = again.allowances.answer().unwrap();
    let row = rows.items.first().unwrap();
    assert_eq!(row.spec.as_ref().unwrap().limit, Some(u64::MAX));
    assert_eq!(row.status.as_ref().unwrap().usage, 7);
    assert!(matches!(again.projects, Recorded::Error(error) if error.message == "no viewer"));
    assert_eq!(again.tenant, Recorded::Missing);
}

#[test]
fn an_unset_limit_is_not_a_zero() {
    let folder = tempfile::tempdir().unwrap();
    let rows = r#"{"items": [{"spec": {"limit": "0"}}, {"spec": {}}]}"#;
    write(folder.path(), "tenant/allowances.json", rows);
    let world = World::read(folder.path()).unwrap();
    let limits: Vec<_> = world
        .allowances
        .answer()
        .unwrap()
        .items
        .iter()
        .map(|row| row.spec.as_ref().unwrap().limit)
        .collect();
    assert_eq!(limits, [Some(0), None]);
}

#[test]
fn what_a_newer_cli_prints_is_passed_over() {
    let folder = tempfile::tempdir().unwrap();
    let rows = r#"{"items": [{"brand_new": 1, "status": {"state": "STATE_BRAND_NEW"}}]}"#;
    write(folder.path(), "tenant/allowances.json", rows);
    let world = World::read(folder.path()).unwrap();
    let status = world
        .allowances
        .answer()
        .unwrap()
        .items
        .first()
        .unwrap()
        .status
        .clone()
        .unwrap();
    assert_eq!(status.state, 0);
}

#[test]
fn errors_name_the_file_and_the_line() {
    let folder = tempfile::tempdir().unwrap();
    write(
        folder.path(),
        "tenant/allowances.json",
        "{\"items\": [\n{\"spec\": {\"limit\": \"many\"}}\n]}",
    );
    let error = World::read(folder.path()).unwrap_err().to_string();
    assert!(error.contains("tenant/allowances.json"), "{error}");
    assert!(error.contains("line 2"), "{error}");

    write(folder.path(), "tenant/allowances.json", "{\"rows\": []}");
    let error = World::read(folder.path()).unwrap_err().to_string();
    assert!(error.contains("neither `items` nor an `error`"), "{error}");

    let error = World::read(&folder.path().join("nowhere")).unwrap_err();
    assert!(matches!(error, WorldError::NoWorld(_)));
}

#[test]
fn a_world_that_cannot_be_written_whole_is_not_written() {
    let folder = tempfile::tempdir().unwrap();
    let mut world = World {
        recorded_at: Some("2026-01-01T00:00:00Z".to_owned()),
        ..World::default()
    };
    world.allowances = Recorded::Answer(ListQuotaAllowancesResponse::default());
    world.write(folder.path()).unwrap();
    let before = files(folder.path());
    // What comes last of the lists has no room.
    fs::write(folder.path().join("projects/project-e00"), "no folder").unwrap();
    let mut newer = world.clone();
    newer.allowances = Recorded::Error(RecordedError {
        code: "UNAVAILABLE".to_owned(),
        message: String::new(),
    });
    let files_of_project = ProjectFiles {
        allowances: world.allowances.clone(),
        ..ProjectFiles::default()
    };
    newer
        .by_project
        .insert("project-e00".to_owned(), files_of_project);
    assert!(matches!(
        newer.write(folder.path()),
        Err(WorldError::Io { .. })
    ));
    fs::remove_file(folder.path().join("projects/project-e00")).unwrap();
    assert_eq!(files(folder.path()), before);
}

#[cfg(unix)]
#[test]
fn a_link_is_replaced_and_not_followed() {
    let folder = tempfile::tempdir().unwrap();
    let victim = folder.path().join("victim");
    fs::write(&victim, "precious").unwrap();
    let world = folder.path().join("world");
    fs::create_dir_all(world.join("tenant")).unwrap();
    std::os::unix::fs::symlink(&victim, world.join("tenant/allowances.json")).unwrap();
    let written = World {
        allowances: Recorded::Answer(ListQuotaAllowancesResponse::default()),
        ..World::default()
    };
    written.write(&world).unwrap();
    assert_eq!(fs::read_to_string(&victim).unwrap(), "precious");
    assert_eq!(World::read(&world).unwrap().allowances, written.allowances);
}

/// Every file with its text.
fn files(folder: &Path) -> BTreeMap<PathBuf, String> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.insert(path.clone(), fs::read_to_string(&path).unwrap());
        }
    }
    found
}

#[test]
fn a_project_id_from_outside_cannot_leave_the_folder() {
    let folder = tempfile::tempdir().unwrap();
    let mut world = World::default();
    world
        .by_project
        .insert("../evil".to_owned(), ProjectFiles::default());
    assert!(matches!(
        world.write(folder.path()),
        Err(WorldError::ProjectId(_))
    ));
}
