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
    assert!(matches!(json.form, Form::Text(_)));
    assert_eq!(json.message, "no");
    // These are text as well, by their letters.
    for (code, message) in [(8, "refused"), (8, "{}"), (8, "verk\u{e4}uft")] {
        let given = input(&status(code, message)).unwrap();
        assert!(matches!(given.form, Form::Status(_)), "{message}");
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
            let _ = Given::of_parts(None, None, Some(&Encoded(seed[..at].to_vec())));
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

#[test]
fn the_parts_of_a_status_complete_each_other() {
    let details = Encoded(status(8, "refused"));
    let given = Given::of_parts(None, None, Some(&details)).unwrap();
    let Form::Status(failure) = given.form else {
        panic!("not a status");
    };
    assert_eq!((failure.code, failure.message.as_str()), (8, "refused"));
    let given = Given::of_parts(Some(14), Some("away"), Some(&Encoded(vec![0x08]))).unwrap();
    assert_eq!(given.message, "away");
    assert!(Given::of_parts(None, None, Some(&Encoded(vec![0x08]))).is_err());
    assert!(Given::of_parts(None, None, Some(&Encoded(Vec::new()))).is_err());
}
