//! The JSON twins of the contract: the same judgements with text in and text out, for hosts to which records are dear.
//!
//! Records are in snake_case, cases as the contract spells them, numbers of names are the names.

use alloc::{collections::BTreeMap, format, string::String, vec::Vec};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use quotagate_contract::{
    ErrorCode, Failure, FailureDetail, FailureParts, Launch, Need, Offer, Policy, Profile, Refusal,
    Verdict,
};
use quotagate_engine::{Cloud, Engine, Number, NumberedOffer, Reader};
use serde::{Deserialize, Serialize};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AssessRequest {
    offers: Vec<Offer>,
    #[serde(default = "one")]
    count: u32,
    #[serde(default)]
    profile: Profile,
    #[serde(default)]
    policy: Policy,
}

#[derive(Serialize)]
struct AssessResponse {
    verdicts: Vec<Verdict>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AdmitRequest {
    plan: Vec<Launch>,
    #[serde(default)]
    policy: Policy,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DiagnoseRequest {
    failure: FailureRequest,
    #[serde(default)]
    launch: Option<Launch>,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum FailureRequest {
    Parts(PartsRequest),
    Text(String),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PartsRequest {
    #[serde(default)]
    code: String,
    #[serde(default)]
    http_status: Option<u16>,
    #[serde(default)]
    message: String,
    #[serde(default)]
    details: Vec<DetailRequest>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DetailRequest {
    type_name: String,
    /// In base64.
    value: String,
}

const fn one() -> u32 {
    1
}

/// Judges the offers of a request, each alone, and tells the verdicts in words.
///
/// # Errors
/// When the request is not of the documented form, or asks for a launch that makes no sense.
pub fn assess_json<C: Cloud>(
    engine: &mut Engine<C>,
    reader: &dyn Reader,
    request: &str,
) -> Result<String, Refusal> {
    let request: AssessRequest = read(request)?;
    let mut numbers = Numbers::new(reader);
    let mut needs = Vec::new();
    let mut offers = Vec::with_capacity(request.offers.len());
    for (place, offer) in (0..).zip(request.offers) {
        offers.push(numbers.of_offer(&offer));
        needs.extend(offer.needs.into_iter().map(|need: Need| (place, need)));
    }
    let verdicts = engine.explain(
        reader,
        &offers,
        &needs,
        request.count,
        &request.profile,
        &request.policy,
    )?;
    write(&AssessResponse { verdicts })
}

/// Judges the plan of a request.
///
/// # Errors
/// When the request is not of the documented form, or its plan makes no sense.
pub fn admit_json<C: Cloud>(
    engine: &mut Engine<C>,
    reader: &dyn Reader,
    request: &str,
) -> Result<String, Refusal> {
    let request: AdmitRequest = read(request)?;
    let admission = engine.admit(reader, &request.plan, &request.policy)?;
    write(&admission)
}

/// Says what the failure of a request means.
///
/// # Errors
/// When the request is not of the documented form, or holds no failure.
pub fn diagnose_json<C: Cloud>(
    engine: &mut Engine<C>,
    reader: &dyn Reader,
    request: &str,
) -> Result<String, Refusal> {
    let request: DiagnoseRequest = read(request)?;
    let failure = request.failure.decoded()?;
    let diagnosis = engine.diagnose(reader, &failure, request.launch.as_ref())?;
    write(&diagnosis)
}

impl FailureRequest {
    fn decoded(self) -> Result<Failure, Refusal> {
        let parts = match self {
            Self::Text(text) => return Ok(Failure::Text(text)),
            Self::Parts(parts) => parts,
        };
        let details = parts.details.into_iter().map(DetailRequest::decoded);
        Ok(Failure::Parts(FailureParts {
            code: parts.code,
            http_status: parts.http_status,
            message: parts.message,
            details: details.collect::<Result<_, _>>()?,
        }))
    }
}

impl DetailRequest {
    fn decoded(self) -> Result<FailureDetail, Refusal> {
        match STANDARD.decode(self.value) {
            Ok(value) => Ok(FailureDetail {
                type_name: self.type_name,
                value,
            }),
            Err(error) => Err(invalid(format!(
                "the value of the detail `{}` is not base64: {error}",
                self.type_name
            ))),
        }
    }
}

/// Numbers of names, each asked for once.
struct Numbers<'a> {
    reader: &'a dyn Reader,
    known: BTreeMap<String, Number>,
}

impl<'a> Numbers<'a> {
    fn new(reader: &'a dyn Reader) -> Self {
        Self {
            reader,
            known: BTreeMap::new(),
        }
    }

    fn of_offer(&mut self, offer: &Offer) -> NumberedOffer {
        NumberedOffer {
            instance_type: self.of(&offer.instance_type),
            region: self.of(&offer.region),
            zone: offer.zone.as_deref().map_or(0, |zone| self.of(zone)),
            lifecycle: self.of(&offer.lifecycle),
        }
    }

    fn of(&mut self, name: &str) -> Number {
        if let Some(number) = self.known.get(name) {
            return *number;
        }
        let number = self.reader.number_of(name);
        self.known.insert(name.into(), number);
        number
    }
}

fn read<'a, T: Deserialize<'a>>(request: &'a str) -> Result<T, Refusal> {
    serde_json::from_str(request)
        .map_err(|error| invalid(format!("the request is not understood: {error}")))
}

fn write<T: Serialize>(response: &T) -> Result<String, Refusal> {
    serde_json::to_string(response)
        .map_err(|error| invalid(format!("the answer cannot be written: {error}")))
}

const fn invalid(message: String) -> Refusal {
    Refusal {
        code: ErrorCode::InvalidText,
        message,
    }
}
