//! Who gets in: bearer tokens, and signed assertions traded for them.

use std::time::{Duration, SystemTime};

use jsonwebtoken::{Algorithm, EncodingKey, Header};
use nebius_api::nebius::iam::v1::{
    CreateTokenResponse, ExchangeTokenRequest,
    token_exchange_service_client::TokenExchangeServiceClient,
};
use nebius_api::nebius::quotas::v1::{
    ListQuotaAllowancesRequest, quota_allowance_service_client::QuotaAllowanceServiceClient,
};
use nebius_emulator::{Clock, ServiceAccountKey};
use tonic::{Code, Status, transport::Channel};

use crate::harness::{TENANT, acme, request_id, set_faults, start, with_token};

const ACCOUNT: &str = "serviceaccount-e00demo";
const KEY_ID: &str = "publickey-e00demo";
const PRIVATE: &[u8] = include_bytes!("keys/service-account.pem");
const OTHER: &[u8] = include_bytes!("keys/other.pem");
const PUBLIC: &[u8] = include_bytes!("keys/service-account.public.pem");
const NOW: Duration = Duration::from_secs(1_800_000_000);
const LIFE: Duration = Duration::from_secs(600);

struct Assertion {
    private: &'static [u8],
    key_id: &'static str,
    issuer: &'static str,
    subject: &'static str,
    expires_in: i64,
}

const GOOD: Assertion = Assertion {
    private: PRIVATE,
    key_id: KEY_ID,
    issuer: ACCOUNT,
    subject: ACCOUNT,
    expires_in: 60,
};

fn sign(assertion: &Assertion) -> String {
    let header = Header {
        kid: Some(assertion.key_id.to_owned()),
        ..Header::new(Algorithm::RS256)
    };
    let claims = serde_json::json!({
        "iss": assertion.issuer,
        "sub": assertion.subject,
        "exp": i64::try_from(NOW.as_secs()).unwrap() + assertion.expires_in,
    });
    let key = EncodingKey::from_rsa_pem(assertion.private).unwrap();
    jsonwebtoken::encode(&header, &claims, &key).unwrap()
}

fn request(subject_token: String) -> ExchangeTokenRequest {
    ExchangeTokenRequest {
        grant_type: "urn:ietf:params:oauth:grant-type:token-exchange".to_owned(),
        requested_token_type: "urn:ietf:params:oauth:token-type:access_token".to_owned(),
        subject_token_type: "urn:ietf:params:oauth:token-type:jwt".to_owned(),
        subject_token,
        ..Default::default()
    }
}

async fn exchange(
    channel: &Channel,
    request: ExchangeTokenRequest,
) -> Result<CreateTokenResponse, Status> {
    let mut client = TokenExchangeServiceClient::new(channel.clone());
    Ok(client.exchange(request).await?.into_inner())
}

async fn list(channel: &Channel, token: &str) -> Result<(), Status> {
    let request = ListQuotaAllowancesRequest {
        parent_id: TENANT.to_owned(),
        ..Default::default()
    };
    let mut client = QuotaAllowanceServiceClient::new(with_token(channel, token));
    client.list(request).await.map(|_| ())
}

fn with_key(clock: &Clock) -> nebius_emulator::Builder {
    acme()
        .service_account_key(ServiceAccountKey::from_pem(ACCOUNT, KEY_ID, PUBLIC).unwrap())
        .token_life(LIFE)
        .clock(clock.clone())
}

fn stopped_clock() -> Clock {
    Clock::stopped_at(SystemTime::UNIX_EPOCH + NOW)
}

#[tokio::test]
async fn a_call_without_a_token_is_refused() {
    let (running, channel) = start(acme()).await;
    let mut client = QuotaAllowanceServiceClient::new(channel.clone());
    let refused = client
        .list(ListQuotaAllowancesRequest::default())
        .await
        .unwrap_err();
    assert_eq!(refused.code(), Code::Unauthenticated);
    let logged = running.calls();
    assert_eq!(request_id(refused.metadata()), logged[0].request_id);
    assert_eq!(
        list(&channel, "").await.unwrap_err().code(),
        Code::Unauthenticated
    );
    assert!(list(&channel, "any").await.is_ok());
    let headers = &running.calls()[2].headers;
    assert_eq!(headers["authorization"], "", "the log keeps no secrets");
}

#[tokio::test]
async fn named_tokens_shut_all_others_out() {
    let clock = stopped_clock();
    let (_running, channel) = start(with_key(&clock).static_token("named")).await;
    assert!(list(&channel, "named").await.is_ok());
    assert_eq!(
        list(&channel, "any").await.unwrap_err().code(),
        Code::Unauthenticated
    );
    let traded = exchange(&channel, request(sign(&GOOD))).await.unwrap();
    assert!(list(&channel, &traded.access_token).await.is_ok());
}

#[tokio::test]
async fn a_good_assertion_buys_a_token_for_its_life() {
    let clock = stopped_clock();
    let (_running, channel) = start(with_key(&clock)).await;
    let traded = exchange(&channel, request(sign(&GOOD))).await.unwrap();
    assert_eq!(
        (traded.token_type.as_str(), traded.expires_in),
        ("Bearer", 600)
    );
    clock.advance(LIFE - Duration::from_secs(1));
    assert!(list(&channel, &traded.access_token).await.is_ok());
    clock.advance(Duration::from_secs(1));
    let expired = list(&channel, &traded.access_token).await.unwrap_err();
    assert_eq!(expired.code(), Code::Unauthenticated);
}

#[tokio::test]
async fn a_bad_assertion_buys_nothing() {
    let (_running, channel) = start(with_key(&stopped_clock())).await;
    let forged = sign(&Assertion {
        private: OTHER,
        ..GOOD
    });
    let unsigned = {
        let good = sign(&GOOD);
        format!("{}.", good.rsplit_once('.').unwrap().0)
    };
    for (name, assertion) in [
        ("forged", forged),
        ("unsigned", unsigned),
        ("nonsense", "nonsense".to_owned()),
        (
            "expired",
            sign(&Assertion {
                expires_in: 0,
                ..GOOD
            }),
        ),
        (
            "key",
            sign(&Assertion {
                key_id: "publickey-e00other",
                ..GOOD
            }),
        ),
        (
            "issuer",
            sign(&Assertion {
                issuer: "serviceaccount-e00other",
                ..GOOD
            }),
        ),
        (
            "subject",
            sign(&Assertion {
                subject: "serviceaccount-e00other",
                ..GOOD
            }),
        ),
    ] {
        let refused = exchange(&channel, request(assertion)).await.unwrap_err();
        assert_eq!(refused.code(), Code::Unauthenticated, "{name}");
    }
    let odd = ExchangeTokenRequest {
        grant_type: "password".to_owned(),
        ..request(sign(&GOOD))
    };
    let refused = exchange(&channel, odd).await.unwrap_err();
    assert_eq!(refused.code(), Code::InvalidArgument);
}

#[tokio::test]
async fn a_fault_expires_every_token() {
    let (running, channel) = start(with_key(&stopped_clock())).await;
    let traded = exchange(&channel, request(sign(&GOOD))).await.unwrap();
    set_faults(
        &running,
        r#"{"rules": [{"method": "*", "times": 1, "expire_tokens": true}]}"#,
    );
    for _ in 0..2 {
        let expired = list(&channel, &traded.access_token).await.unwrap_err();
        assert_eq!(expired.code(), Code::Unauthenticated);
    }
    let traded = exchange(&channel, request(sign(&GOOD))).await.unwrap();
    assert!(list(&channel, &traded.access_token).await.is_ok());
}
