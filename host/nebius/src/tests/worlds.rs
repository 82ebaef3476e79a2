//! Recorded accounts: they answer as the live one did, gaps included.

use std::time::{Duration, SystemTime};

use nebius_api::world::{ProjectFiles, Recorded, RecordedError, World};
use quotagate::{
    Place,
    source::{Source, SourceErrorKind},
};
use tonic::Status;

use super::{Cloud, Misdeed, Questions, acme, connect, refuse};
use crate::{Clock, CloudRefusal, ConnectOptions, NebiusClient, RecordedWorld};

const PROJECT: &str = "project-e00eunorth1";

fn recorded(world: World) -> RecordedWorld {
    RecordedWorld::new(world).unwrap()
}

#[tokio::test]
async fn a_live_account_and_its_world_answer_the_same() {
    let cloud = Cloud::of(acme(), 6, |_| None).await;
    let live = cloud.client();
    let world = recorded(acme());
    assert_eq!(live.cloud(), world.cloud());
    assert_eq!(live.account().await, world.account().await);
    assert_eq!(
        live.tenant_allowances().await,
        world.tenant_allowances().await
    );
    assert_eq!(live.capacities().await, world.capacities().await);
    assert_eq!(live.reservations().await, world.reservations().await);
    for project in acme().by_project.keys() {
        assert_eq!(
            live.project_allowances(project).await,
            world.project_allowances(project).await
        );
        assert_eq!(
            live.instance_types(project).await,
            world.instance_types(project).await
        );
        assert_eq!(
            live.reservation_shares(project).await,
            world.reservation_shares(project).await
        );
    }
    let account = world.account().await.unwrap().value;
    assert_eq!(account.outermost().unwrap().id, "tenant-e00acme");
    assert_eq!(account.projects.len(), 5);
    assert_eq!(live.sources(Some(&account)), world.sources(Some(&account)));
    assert!(!world.capacities().await.unwrap().value.is_empty());
    assert!(
        !world
            .instance_types(PROJECT)
            .await
            .unwrap()
            .value
            .is_empty()
    );
}

#[tokio::test]
async fn what_is_recorded_reads_back_as_it_was() {
    let cloud = Cloud::of(acme(), 6, |_| None).await;
    let clock = Clock::new(|| SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000));
    let client = connect(&ConnectOptions {
        clock,
        ..cloud.options()
    })
    .unwrap();
    let world = client.record().await;
    assert_eq!(world.recorded_at.as_deref(), Some("2023-11-14T22:13:20Z"));
    let without_date = World {
        recorded_at: None,
        ..world.clone()
    };
    assert_eq!(without_date, acme());

    let folder = tempfile::tempdir().unwrap();
    world.write(folder.path()).unwrap();
    let source = RecordedWorld::read(folder.path()).unwrap();
    assert_eq!(source.recorded_at(), Some(1_700_000_000_000));
    let read = source.tenant_allowances().await.unwrap();
    assert_eq!(read.recorded_at, Some(1_700_000_000_000));
    assert_eq!(read.interrupted_by, None);
}

#[tokio::test]
async fn refused_and_interrupted_sources_are_recorded_as_such() {
    let cloud = Cloud::of(acme(), 6, |seen| {
        match (seen.method, seen.page_token.as_str()) {
            ("advice.List", _) => refuse(Status::unavailable("asleep")),
            ("projects.List", _) => refuse(Status::permission_denied("no role")),
            ("quotas.List", "6") => refuse(Status::internal("broken")),
            ("blocks.List", _) => Some(Misdeed::NextPage("0".to_owned())),
            _ => None,
        }
    })
    .await;
    let options = ConnectOptions {
        project: Some(PROJECT.to_owned()),
        ..cloud.options()
    };
    let world = connect(&options).unwrap().record().await;
    let expected = RecordedError {
        code: "UNAVAILABLE".to_owned(),
        message: "asleep".to_owned(),
    };
    assert_eq!(world.resource_advice, Recorded::Error(expected));
    assert_eq!(world.allowances.answer().unwrap().next_page_token, "6");
    assert_eq!(world.by_project.keys().collect::<Vec<_>>(), [PROJECT]);

    let source = recorded(world);
    let account = source.account().await.unwrap();
    assert_eq!(account.value.projects.len(), 1);
    assert_eq!(
        account.interrupted_by.unwrap().kind,
        SourceErrorKind::Unavailable
    );
    let rows = source.tenant_allowances().await.unwrap();
    assert_eq!(rows.value.len(), 6);
    let stop = rows.interrupted_by.unwrap();
    assert!(
        stop.message.contains("`tenant/allowances.json`"),
        "{}",
        stop.message
    );
    assert!(
        source
            .reservations()
            .await
            .unwrap()
            .interrupted_by
            .is_some()
    );
    let error = source.capacities().await.unwrap_err();
    assert_eq!(error.kind, SourceErrorKind::Unavailable);
    let words =
        "`tenant/resource-advice.json` holds an error instead of an answer, UNAVAILABLE: asleep";
    assert_eq!(error.message, words);
}

#[tokio::test]
async fn an_account_without_a_tenant_is_recorded_with_the_reason() {
    let cloud = Cloud::of(acme(), 6, |seen| {
        let is_tenant = seen.method.starts_with("tenants");
        is_tenant.then(|| Misdeed::Refuse(Box::new(Status::unavailable("asleep"))))
    })
    .await;
    let options = ConnectOptions {
        project: Some(PROJECT.to_owned()),
        ..cloud.options()
    };
    let world = connect(&options).unwrap().record().await;
    for kept in [
        matches!(world.tenant, Recorded::Error(_)),
        matches!(world.allowances, Recorded::Error(_)),
        matches!(world.projects, Recorded::Error(_)),
        matches!(world.resource_advice, Recorded::Error(_)),
        matches!(world.capacity_block_groups, Recorded::Error(_)),
    ] {
        assert!(kept);
    }
    let files = world.by_project.get(PROJECT).unwrap();
    assert!(files.platforms.answer().is_some());
}

#[tokio::test]
async fn missing_files_are_named() {
    let world = recorded(World {
        by_project: [(PROJECT.to_owned(), ProjectFiles::default())].into(),
        ..World::default()
    });
    let files = [
        (world.account().await.err(), "tenant/tenant.json"),
        (world.tenant_allowances().await.err(), "tenant/tenant.json"),
        (
            world.capacities().await.err(),
            "tenant/resource-advice.json",
        ),
        (
            world.reservations().await.err(),
            "tenant/capacity-block-groups.json",
        ),
        (
            world.project_allowances(PROJECT).await.err(),
            "projects/project-e00eunorth1/allowances.json",
        ),
        (
            world.instance_types(PROJECT).await.err(),
            "projects/project-e00eunorth1/platforms.json",
        ),
        (
            world.reservation_shares(PROJECT).await.err(),
            "projects/project-e00eunorth1/capacity-allowances.json",
        ),
    ];
    for (error, file) in files {
        let error = error.unwrap();
        assert_eq!(error.kind, SourceErrorKind::Unavailable);
        assert!(error.message.contains(file), "{}", error.message);
    }
    let only_tenant = recorded(World {
        tenant: acme().tenant,
        ..World::default()
    });
    let error = only_tenant.tenant_allowances().await.unwrap_err();
    assert!(
        error.message.contains("tenant/allowances.json"),
        "{}",
        error.message
    );
    let error = only_tenant.account().await.unwrap_err();
    assert!(
        error.message.contains("tenant/projects.json"),
        "{}",
        error.message
    );
}

#[tokio::test]
async fn an_unknown_project_is_not_found_and_a_listed_one_has_missing_files() {
    let world = recorded(World {
        by_project: [("project-e00euwest1".to_owned(), ProjectFiles::default())].into(),
        ..acme()
    });
    let error = world
        .instance_types("project-e00nowhere")
        .await
        .unwrap_err();
    assert_eq!(error.kind, SourceErrorKind::NotFound);
    assert!(
        error.message.contains("it holds project-e00euwest1"),
        "{}",
        error.message
    );
    let error = world.instance_types(PROJECT).await.unwrap_err();
    assert_eq!(error.kind, SourceErrorKind::Unavailable);
}

#[tokio::test]
async fn recorded_errors_keep_their_kind() {
    let cases = [
        ("PERMISSION_DENIED", SourceErrorKind::Denied),
        ("UNAUTHENTICATED", SourceErrorKind::Unauthenticated),
        ("RESOURCE_EXHAUSTED", SourceErrorKind::RateLimited),
        ("NOT_FOUND", SourceErrorKind::NotFound),
        ("INVALID_ARGUMENT", SourceErrorKind::Invalid),
        ("DEADLINE_EXCEEDED", SourceErrorKind::Unavailable),
        ("BRAND_NEW", SourceErrorKind::Unavailable),
    ];
    for (code, kind) in cases {
        let world = recorded(World {
            resource_advice: Recorded::Error(RecordedError {
                code: code.to_owned(),
                message: "reason".to_owned(),
            }),
            ..acme()
        });
        let error = world.capacities().await.unwrap_err();
        assert_eq!(error.kind, kind, "{code}");
        assert!(error.message.contains(code) && error.message.contains("reason"));
        let cause = error.cause.unwrap();
        let refusal = cause.downcast_ref::<CloudRefusal>().unwrap();
        assert_eq!(
            (refusal.code.as_str(), refusal.text.as_str()),
            (code, "reason")
        );
    }
}

#[tokio::test]
async fn the_projects_tell_the_tenant_where_its_file_is_denied() {
    let world = recorded(World {
        tenant: Recorded::Error(RecordedError {
            code: "PERMISSION_DENIED".to_owned(),
            message: String::new(),
        }),
        ..acme()
    });
    let account = world.account().await.unwrap().value;
    assert_eq!(account.outermost().unwrap().id, "tenant-e00acme");
}

#[tokio::test]
async fn what_a_project_launches_it_launches_where_it_lives() {
    let cloud = Cloud::kind().await;
    let fresh = NebiusClient::new(&cloud.options()).unwrap();
    let types = fresh.instance_types(PROJECT).await.unwrap();
    assert_eq!(cloud.methods(), ["projects.Get", "platforms.List"]);
    let world = recorded(acme());
    assert_eq!(types, world.instance_types(PROJECT).await.unwrap());
    let mut offered = types.value.iter().flat_map(|known| &known.offered);
    assert!(offered.all(|offered| offered.place == Place::region("eu-north1")));

    let knowing = NebiusClient::new(&cloud.options()).unwrap();
    knowing.account().await.unwrap();
    knowing.instance_types(PROJECT).await.unwrap();
    let asked = cloud.methods().split_off(2);
    assert_eq!(asked, ["tenants.List", "projects.List", "platforms.List"]);
}

#[test]
fn a_world_is_known_by_its_files() {
    let folder = tempfile::tempdir().unwrap();
    assert!(!RecordedWorld::is_at(folder.path()));
    assert!(!RecordedWorld::is_at(&folder.path().join("nowhere")));
    std::fs::create_dir(folder.path().join("account")).unwrap();
    assert!(!RecordedWorld::is_at(folder.path()));
    acme().write(folder.path()).unwrap();
    assert!(RecordedWorld::is_at(folder.path()));
}

#[test]
fn a_date_that_is_none_is_an_error() {
    for date in [
        "yesterday",
        "",
        "1969-12-31T23:59:59Z",
        "2026-13-01T00:00:00Z",
    ] {
        let error = RecordedWorld::new(World {
            recorded_at: Some(date.to_owned()),
            ..World::default()
        })
        .unwrap_err();
        assert!(error.to_string().contains("recorded.json"), "{error}");
    }
    let folder = tempfile::tempdir().unwrap();
    assert!(RecordedWorld::read(folder.path()).is_err());
}
