//! Every service is asked under the name of its own host.

use std::{path::Path, sync::Arc};

use nebius_api::world::World;
use nebius_emulator::{Emulator, Running, ServiceAccountKey, Settings};
use quotagate::{Gate, Launch, Policy, Profile, QuotaOutcome, Source, SourceState};
use quotagate_nebius::{ConnectOptions, CredentialsChoice, Environment, NebiusClient};

use crate::{
    harness::WorldBuilder,
    live::{Hands, address, h200, options, plugin},
};

const DOMAIN: &str = "api.nebius.test";
const ACCOUNT: &str = "serviceaccount-e00test";
const KEY: &str = "publickey-e00test";

fn key(name: &str) -> std::path::PathBuf {
    let keys = "../../tests/emulator/tests/served/keys";
    Path::new(env!("CARGO_MANIFEST_DIR")).join(keys).join(name)
}

async fn cloud() -> Running {
    let public = std::fs::read(key("service-account.public.pem")).unwrap();
    let folder = WorldBuilder::new().block("b", "fabric-7", 8, 0).build();
    Emulator::builder(World::read(folder.path()).unwrap())
        .settings(Settings {
            domain: Some(DOMAIN.to_owned()),
            ..Settings::default()
        })
        .service_account_key(ServiceAccountKey::from_pem(ACCOUNT, KEY, &public).unwrap())
        .spawn()
        .await
        .unwrap()
}

async fn check(cloud: &Running, domain: Option<&str>) -> (QuotaOutcome, Vec<String>) {
    let client = NebiusClient::new(&ConnectOptions {
        endpoint: Some(cloud.addr().to_string()),
        domain: domain.map(str::to_owned),
        credentials: CredentialsChoice::ServiceAccountKey {
            service_account: ACCOUNT.to_owned(),
            public_key: KEY.to_owned(),
            private_key_file: key("service-account.pem"),
        },
        ..ConnectOptions::new(Environment::new(Vec::<(String, String)>::new(), None))
    });
    let source: Arc<dyn Source> = Arc::new(client.unwrap());
    let gate = Gate::builder(plugin(), source)
        .options(options())
        .clock(Hands::new().clock())
        .build()
        .unwrap();
    gate.refresh().await;
    let launch = Launch {
        profile: Profile {
            needs: vec![address()],
            ..h200(1).profile
        },
        ..h200(1)
    };
    let check = gate.check(&launch, &Policy::default()).await;
    let unread = gate.inventory().await.sources();
    let unread = unread
        .iter()
        .filter(|source| source.state != SourceState::Complete);
    let unread = unread.map(|source| source.key.clone()).collect();
    (
        check.map_or(QuotaOutcome::Unknown, |check| check.verdict.quota),
        unread,
    )
}

#[tokio::test]
async fn each_service_is_asked_under_the_name_of_its_own_host() {
    let cloud = cloud().await;
    let (quota, unread) = check(&cloud, Some(DOMAIN)).await;
    assert_eq!(unread, Vec::<String>::new());
    assert_eq!(quota, QuotaOutcome::Fits);
    // Under another name none of them answers.
    for domain in [None, Some("api.other.test")] {
        let (quota, _) = check(&cloud, domain).await;
        assert_eq!(quota, QuotaOutcome::Unknown, "{domain:?}");
    }
}
