//! Forms of launch errors: which is which, and what is none.

use super::*;

fn input(bytes: &[u8]) -> Result<Given, CliError> {
    Given::of_input(Input {
        name: String::from("stdin"),
        bytes: bytes.to_vec(),
    })
}

fn status(code: i32, message: &str) -> Vec<u8> {
    let status = Status {
        code,
        message: message.to_owned(),
        ..Status::default()
    };
    status.encode_to_vec()
}

#[test]
fn json_and_bytes_are_told_apart() {
    let json = input(b"\xef\xbb\xbf {\"status\": {\"code\": 8, \"message\": \"no\"}}\n").unwrap();
    assert!(matches!(json.failure, Failure::Text(_)));
    assert_eq!(json.message, "no");
    // These are text as well, by their letters.
    for (code, message) in [(8, "refused"), (8, "{}"), (8, "verk\u{e4}uft")] {
        let given = input(&status(code, message)).unwrap();
        assert!(matches!(given.failure, Failure::Parts(_)), "{message}");
        assert_eq!(given.message, message);
    }
}

#[test]
fn what_is_no_error_is_refused() {
    for (bytes, word) in [
        (&b""[..], "empty"),
        (b" \n", "empty"),
        (b"\xff\xfe{\0", "UTF-16"),
        (b"\xfe\xff\0{", "UTF-16"),
        (b"{\0\"\0a\0\"\0", "UTF-16"),
        (b"<!DOCTYPE html><title>Sign in</title>", "HTML"),
        (b"\n<html>", "HTML"),
        (b"<?xml version='1.0'?>", "XML"),
        (b"\x1f\x8b\x08", "gzip"),
        (b"\xffELF", "neither text"),
        (b"\x08", "neither text"),
        (&status(0, "fine"), "success"),
    ] {
        let error = input(bytes).unwrap_err().to_string();
        assert!(error.contains(word), "{bytes:?}: {error}");
    }
}

/// The seeds of the fuzzer, each cut off everywhere, and with each of its bytes in the place of another.
#[test]
fn whatever_is_given_is_an_error_or_is_named_for_what_it_is() {
    let folder = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../tests/fuzz/seeds/diagnose"
    );
    for entry in std::fs::read_dir(folder).unwrap() {
        let seed = std::fs::read(entry.unwrap().path()).unwrap();
        for at in 0..seed.len() {
            let _ = input(&seed[..at]);
            let _ = Given::of_parts(Parts {
                details: Some(&Encoded(seed[..at].to_vec())),
                ..Parts::default()
            });
            for byte in [0, b'"', b'\n', b'{', b'<', 0xff] {
                let mut damaged = seed.clone();
                damaged[at] = byte;
                let told = match input(&damaged) {
                    Ok(given) => given.file,
                    Err(error) => error.to_string(),
                };
                assert!(told.contains("stdin"), "{told}");
            }
        }
    }
}

fn parts(given: &Given) -> &FailureParts {
    match &given.failure {
        Failure::Parts(parts) => parts,
        Failure::Text(text) => panic!("not parts: {text}"),
    }
}

#[test]
fn the_parts_of_a_status_complete_each_other() {
    let of = |code, message, details| {
        Given::of_parts(Parts {
            code,
            message,
            details: Some(&Encoded(details)),
            details_type: None,
        })
    };
    let given = of(None, None, status(8, "refused")).unwrap();
    assert_eq!(parts(&given).code, "8");
    assert_eq!(parts(&given).message, "refused");
    let given = of(Some("UNAVAILABLE"), Some("away"), vec![0x08]).unwrap();
    assert_eq!(parts(&given).code, "UNAVAILABLE");
    assert_eq!(given.message, "away");
    assert!(of(None, None, vec![0x08]).is_err());
    assert!(of(None, None, Vec::new()).is_err());
}

#[test]
fn details_keep_their_types() {
    let mut told = Status {
        code: 8,
        ..Status::default()
    };
    told.details.push(prost_types::Any {
        type_url: String::from("type.example/x"),
        value: vec![1, 2],
    });
    let given = input(&told.encode_to_vec()).unwrap();
    let detail = FailureDetail {
        type_name: String::from("type.example/x"),
        value: vec![1, 2],
    };
    assert_eq!(parts(&given).details, [detail]);
    let given = Given::of_parts(Parts {
        details: Some(&Encoded(b"{}".to_vec())),
        details_type: Some("application/json"),
        ..Parts::default()
    })
    .unwrap();
    assert_eq!(parts(&given).details[0].type_name, "application/json");
}
