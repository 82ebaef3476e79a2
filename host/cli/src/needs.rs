//! What a launch creates besides its instances: from options to the kinds that the plugin describes.
//!
//! Plugins name their kinds alike, so that one option means the same in every cloud: `disk.KIND`, `filesystem.KIND`,
//! `address.public.KIND`, `accelerator.KIND`, `cluster`, `node-group`.

use quotagate::{Descriptor, Need, NeedKind, Per};

use crate::{
    args::{KindCount, KindSize, LaunchOptions},
    error::CliError,
    names,
};

/// Kinds of needs with a name of their own, and what to call one.
struct Group {
    prefix: &'static str,
    noun: &'static str,
}

const DISK: Group = Group {
    prefix: "disk.",
    noun: "kind of disk",
};
const FILESYSTEM: Group = Group {
    prefix: "filesystem.",
    noun: "kind of file system",
};
const PUBLIC_ADDRESS: Group = Group {
    prefix: "address.public.",
    noun: "kind of public address",
};
const ACCELERATOR: Group = Group {
    prefix: "accelerator.",
    noun: "kind of accelerator",
};
const CLUSTER: &str = "cluster";
const NODE_GROUP: &str = "node-group";
/// The public address that is none.
const NO_ADDRESS: &str = "none";

/// The needs of a launch: those that the options name, and the plugin's defaults for what they do not speak of.
pub(crate) fn of_launch(
    options: &LaunchOptions,
    cloud: &Descriptor,
) -> Result<Vec<Need>, CliError> {
    let mut needs: Vec<Need> = cloud
        .kinds
        .iter()
        .filter(|kind| kind.default_pieces > 0 && !is_spoken_of(kind, options))
        .map(by_default)
        .collect();
    for disk in &options.disk {
        needs.push(sized(&DISK, disk, cloud)?);
    }
    for filesystem in &options.filesystem {
        needs.push(sized(&FILESYSTEM, filesystem, cloud)?.once());
    }
    if let Some(address) = options
        .public_ip
        .as_deref()
        .filter(|kind| *kind != NO_ADDRESS)
    {
        let kind = kind(&PUBLIC_ADDRESS, address, cloud)?;
        needs.push(Need::pieces(&kind.kind, 1));
    }
    if options.new_cluster && has(CLUSTER, cloud) {
        needs.push(Need::pieces(CLUSTER, 1).once());
    }
    if options.node_group {
        if !has(NODE_GROUP, cloud) {
            return Err(CliError::Usage {
                message: format!("--node-group means nothing in {}", cloud.title),
                hint: String::from("leave it out: a node draws on what every instance does"),
            });
        }
        needs.push(Need::pieces(NODE_GROUP, 1).once());
    }
    Ok(needs)
}

/// What is attached to each instance of an offer.
pub(crate) fn accelerators(
    wanted: &[KindCount],
    cloud: &Descriptor,
) -> Result<Vec<Need>, CliError> {
    let needs = wanted.iter().map(|wanted| {
        let kind = kind(&ACCELERATOR, &wanted.kind, cloud)?;
        Ok(Need::pieces(&kind.kind, wanted.count))
    });
    needs.collect()
}

/// Whether the options say how much there is of a kind.
fn is_spoken_of(kind: &NeedKind, options: &LaunchOptions) -> bool {
    let of = |group: &Group| kind.kind.starts_with(group.prefix);
    (of(&DISK) && (options.no_disk || !options.disk.is_empty()))
        || (of(&FILESYSTEM) && !options.filesystem.is_empty())
        || (of(&PUBLIC_ADDRESS) && options.public_ip.is_some())
}

/// What a launch that says nothing has of a kind.
fn by_default(kind: &NeedKind) -> Need {
    let need = Need {
        bytes: kind.default_bytes,
        ..Need::pieces(&kind.kind, kind.default_pieces)
    };
    Need {
        per: if kind.kind.starts_with(FILESYSTEM.prefix) {
            Per::Launch
        } else {
            Per::Instance
        },
        ..need
    }
}

/// One piece of a size.
fn sized(group: &Group, wanted: &KindSize, cloud: &Descriptor) -> Result<Need, CliError> {
    let kind = kind(group, &wanted.kind, cloud)?;
    Ok(Need::sized(&kind.kind, wanted.bytes))
}

fn has(name: &str, cloud: &Descriptor) -> bool {
    cloud.kinds.iter().any(|kind| kind.kind == name)
}

/// The kind of a group by its name, or an error with the nearest ones.
fn kind<'a>(group: &Group, name: &str, cloud: &'a Descriptor) -> Result<&'a NeedKind, CliError> {
    let of_group = |kind: &'a NeedKind| Some((kind.kind.strip_prefix(group.prefix)?, kind));
    let known = || cloud.kinds.iter().filter_map(of_group);
    if let Some((_, found)) = known().find(|(known, _)| is_called(known, name)) {
        return Ok(found);
    }
    let all: Vec<&str> = known().map(|(known, _)| known).collect();
    let list = format!("{} has {}", cloud.title, all.join(", "));
    let hint = names::hint(name, all, &list);
    Err(CliError::UnknownName {
        kind: group.noun,
        name: name.to_owned(),
        place: format!(" in {}", cloud.title),
        hint,
    })
}

/// Whether somebody means a kind: tools spell one name `fast-disk`, `fast_disk` or `FAST_DISK`.
fn is_called(kind: &str, name: &str) -> bool {
    let plain = |text: &str| text.to_lowercase().replace('_', "-");
    plain(kind) == plain(name)
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;
    use crate::args::{Cli, Command};

    fn cloud() -> Descriptor {
        let kind = |name: &str, default_pieces, default_bytes| NeedKind {
            kind: name.to_owned(),
            default_pieces,
            default_bytes,
            ..NeedKind::default()
        };
        Descriptor {
            title: String::from("Cumulus"),
            kinds: vec![
                kind("disk.fast", 1, 100 << 30),
                kind("disk.slow", 0, 0),
                kind("filesystem.fast", 0, 0),
                kind("address.private", 1, 0),
                kind("address.public.static", 0, 0),
                kind("accelerator.a100", 0, 0),
                kind("cluster", 0, 0),
            ],
            ..Descriptor::default()
        }
    }

    fn options(words: &[&str]) -> (LaunchOptions, Vec<KindCount>) {
        let line = ["quotagate", "check", "a", "--region", "r"];
        let cli = Cli::try_parse_from(line.iter().chain(words)).unwrap();
        let Command::Check(check) = cli.command else {
            panic!("not a check");
        };
        (check.launch, check.accelerator)
    }

    fn needs(words: &[&str]) -> Result<Vec<Need>, CliError> {
        of_launch(&options(words).0, &cloud())
    }

    #[test]
    fn what_options_do_not_speak_of_is_as_usual() {
        let disk = Need::sized("disk.fast", 100 << 30);
        let address = Need::pieces("address.private", 1);
        assert_eq!(needs(&[]).unwrap(), [disk.clone(), address.clone()]);
        assert_eq!(needs(&["--no-disk"]).unwrap(), vec![address.clone()]);
        let slow = ["--disk", "slow:1GiB", "--filesystem", "fast:2GiB"];
        assert_eq!(
            needs(&slow).unwrap(),
            [
                address.clone(),
                Need::sized("disk.slow", 1 << 30),
                Need::sized("filesystem.fast", 2 << 30).once()
            ]
        );
        let public = ["--no-disk", "--public-ip", "static", "--new-cluster"];
        assert_eq!(
            needs(&public).unwrap(),
            [
                address,
                Need::pieces("address.public.static", 1),
                Need::pieces("cluster", 1).once()
            ]
        );
    }

    #[test]
    fn kinds_that_there_are_not_are_named_with_the_nearest() {
        for (words, near) in [
            (["--disk", "fsat:1GiB"], "`fast`"),
            (["--filesystem", "slow:1GiB"], "`fast`"),
            (["--public-ip", "statik"], "`static`"),
        ] {
            let unknown = needs(&words).unwrap_err();
            assert_eq!(unknown.exit() as u8, 2);
            assert!(unknown.to_string().contains(" in Cumulus"), "{unknown}");
            assert!(unknown.hint().unwrap().contains(near), "{unknown}");
        }
        assert_eq!(needs(&["--node-group"]).unwrap_err().exit() as u8, 2);
    }

    #[test]
    fn accelerators_belong_to_the_offer() {
        let (_, wanted) = options(&["--accelerator", "a100:2"]);
        let attached = accelerators(&wanted, &cloud()).unwrap();
        assert_eq!(attached, [Need::pieces("accelerator.a100", 2)]);
        let (_, wanted) = options(&["--accelerator", "a10:2"]);
        assert!(accelerators(&wanted, &cloud()).is_err());
        assert!(accelerators(&wanted, &Descriptor::default()).is_err());
    }
}
