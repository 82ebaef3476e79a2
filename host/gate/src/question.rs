//! What a list is asked for.

use quotagate_contract::{Detail, Offer, Policy, Profile};

use crate::options::Strictness;

/// Offers, and how they are to be judged: one instance of each with nothing besides, unless it says otherwise.
///
/// ```
/// use quotagate::{Detail, Need, Offer, Profile, Question};
///
/// let offers = [Offer { instance_type: "big".into(), region: "here".into(), lifecycle: "on-demand".into(), ..Offer::default() }];
/// let profile = Profile { needs: vec![Need::sized("disk.fast", 100 << 30)], ..Profile::default() };
/// let question = Question::new(&offers).count(2).profile(profile).detail(Detail::None);
/// assert_eq!(question.offers().len(), 1);
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Question<'a> {
    offers: &'a [Offer],
    pub(crate) count: u32,
    pub(crate) profile: Profile,
    pub(crate) policy: Policy,
    pub(crate) strictness: Option<Strictness>,
}

impl<'a> Question<'a> {
    /// Whether one instance of each could be launched.
    pub fn new(offers: &'a [Offer]) -> Self {
        Self {
            offers,
            count: 1,
            profile: Profile::default(),
            policy: Policy::default(),
            strictness: None,
        }
    }

    /// Whether so many instances of each could be.
    #[must_use]
    pub const fn count(mut self, count: u32) -> Self {
        self.count = count;
        self
    }

    /// With this besides each instance, in this project. Without a project, each offer is judged in every project that can
    /// launch in its region.
    #[must_use]
    pub fn profile(mut self, profile: Profile) -> Self {
        self.profile = profile;
        self
    }

    /// By this policy.
    #[must_use]
    pub const fn policy(mut self, policy: Policy) -> Self {
        self.policy = policy;
        self
    }

    /// With these findings.
    #[must_use]
    pub const fn detail(mut self, detail: Detail) -> Self {
        self.policy.detail = detail;
        self
    }

    /// Which offers are visible; otherwise as [`crate::ListOptions`] say.
    #[must_use]
    pub const fn strictness(mut self, strictness: Strictness) -> Self {
        self.strictness = Some(strictness);
        self
    }

    /// The offers.
    pub const fn offers(&self) -> &'a [Offer] {
        self.offers
    }

    /// The regions that they are in, not in order, some twice.
    pub(crate) fn regions(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        let mut last = "";
        self.offers.iter().filter_map(move |offer| {
            let region = offer.region.as_str();
            let is_new = region != last;
            last = region;
            is_new.then_some(region)
        })
    }
}
