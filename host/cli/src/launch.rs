//! From options to what the gate is asked: the launch, with its type, project and profile.

use quotagate::{Descriptor, Launch, Offer, Profile};

use crate::{
    account::Account,
    args::{KindCount, LaunchOptions},
    error::CliError,
    known, names, needs,
};

/// A launch, and what speaks against it before the plugin has said anything.
pub(crate) struct Proposed {
    /// The launch.
    pub(crate) launch: Launch,
    /// That no list knows its type. Whether it is one all the same is the plugin's to say.
    pub(crate) doubt: Option<CliError>,
}

/// The type, place and lifecycle of a launch, as they were typed.
pub(crate) struct Typed<'a> {
    /// The instance type.
    pub(crate) instance_type: &'a str,
    /// Where.
    pub(crate) region: &'a str,
    /// How long the instance may stay; none for the cloud's usual lifecycle.
    pub(crate) lifecycle: Option<&'a str>,
    /// What is attached to each instance.
    pub(crate) accelerators: &'a [KindCount],
}

/// The launch that the options describe, in the project that they name, else in the usual one where that is in the region.
/// Refuses names that neither the account nor the plugin knows.
pub(crate) fn launch(
    typed: &Typed<'_>,
    options: &LaunchOptions,
    account: &Account,
    cloud: &Descriptor,
    usual_project: Option<&String>,
) -> Result<Proposed, CliError> {
    let offer = Offer {
        instance_type: type_name(typed.instance_type),
        region: typed.region.to_owned(),
        zone: options.zone.clone(),
        lifecycle: lifecycle(typed.lifecycle, cloud)?,
        needs: needs::accelerators(typed.accelerators, cloud)?,
    };
    let mut profile = profile(options, cloud)?;
    if let Some(project) = &options.project {
        known::project(account, project)?;
    }
    let homes = account.projects_in(&offer.region);
    if homes.is_empty() {
        known::region(account, &offer.region, cloud)?;
    }
    let doubt = known::instance_type(account, &offer.instance_type).err();
    if let Some(usual) = usual_project
        && profile.project.is_empty()
        && homes.contains(&usual.as_str())
    {
        profile.project.clone_from(usual);
    }
    let launch = Launch {
        offer,
        count: options.count,
        profile,
    };
    Ok(Proposed { launch, doubt })
}

/// The profile that the options describe. What they do not speak of is as the plugin says it usually is.
pub(crate) fn profile(options: &LaunchOptions, cloud: &Descriptor) -> Result<Profile, CliError> {
    Ok(Profile {
        project: options.project.clone().unwrap_or_default(),
        reservation: options.reservation,
        reservation_key: None,
        needs: needs::of_launch(options, cloud)?,
        restart: options.restart,
        together: options.new_cluster,
    })
}

/// The cloud's name of a lifecycle, by that name or another usual one; the usual lifecycle where none is named.
pub(crate) fn lifecycle(named: Option<&str>, cloud: &Descriptor) -> Result<String, CliError> {
    let Some(name) = named else {
        let usual = cloud.lifecycles.first();
        return Ok(usual.map(|kind| kind.name.clone()).unwrap_or_default());
    };
    if let Some(found) = cloud.lifecycle(name) {
        return Ok(found.to_owned());
    }
    let kinds = cloud.lifecycles.iter();
    let known = kinds.flat_map(|kind| kind.aliases.iter().chain([&kind.name]));
    Err(CliError::UnknownName {
        kind: "lifecycle",
        name: name.to_owned(),
        place: format!(" in {}", cloud.title),
        hint: names::hint(
            name,
            known.map(String::as_str),
            "`quotagate check --help` explains the options",
        ),
    })
}

/// The name of a type as it was typed: where it has two words, with white space, a slash or, as SkyPilot has it, an underscore
/// between.
pub(crate) fn type_name(typed: &str) -> String {
    let mut parts = typed
        .split(|character: char| character.is_whitespace() || matches!(character, '/' | '_'))
        .filter(|part| !part.is_empty());
    match (parts.next(), parts.next(), parts.next()) {
        (Some(family), Some(size), None) => format!("{family} {size}"),
        _ => typed.trim().to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use quotagate::LifecycleKind;

    use super::*;

    #[test]
    fn a_type_may_have_two_words() {
        for typed in [
            "gpu-x 1gpu",
            "gpu-x/1gpu",
            "gpu-x_1gpu",
            "  gpu-x   1gpu ",
            "gpu-x / 1gpu",
        ] {
            assert_eq!(type_name(typed), "gpu-x 1gpu");
        }
        assert_eq!(type_name("gpu-x"), "gpu-x");
        assert_eq!(type_name("a/b/c"), "a/b/c");
    }

    #[test]
    fn lifecycles_go_by_their_names_and_aliases() {
        let kind = |name: &str, alias: &str| LifecycleKind {
            name: name.to_owned(),
            aliases: vec![alias.to_owned()],
            preemptible: false,
        };
        let cloud = Descriptor {
            lifecycles: vec![kind("usual", "ordinary"), kind("cheap", "spot")],
            ..Descriptor::default()
        };
        let read = |name| lifecycle(name, &cloud);
        assert_eq!(read(None).unwrap(), "usual");
        assert_eq!(read(Some("spot")).unwrap(), "cheap");
        assert_eq!(read(Some("cheap")).unwrap(), "cheap");
        let unknown = read(Some("sopt")).unwrap_err();
        assert_eq!(unknown.exit() as u8, 2);
        assert!(unknown.hint().unwrap().contains("`spot`"));
    }
}
