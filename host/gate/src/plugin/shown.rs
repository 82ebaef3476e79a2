//! What a plugin is shown of an account, as the plugin runtime asks for it: the inventory implements it, and knows no sandbox.

use quotagate_contract::{
    Capacity, Holding, InstanceType, KindOffered, Lesson, Owner, PlaceOffered, Reservation, Row,
    SourceReport, Take,
};

/// One snapshot of an account. `wit/inventory.wit` says what each function answers and how long it holds.
pub(crate) trait Shown: Send + Sync {
    fn generation(&self, region: Option<&str>) -> u64;
    fn owners(&self, project: &str) -> Vec<Owner>;
    fn projects(&self) -> Vec<String>;
    fn places(&self) -> Vec<PlaceOffered>;
    /// Borrowed where the snapshot has them: they are lowered into the plugin one by one.
    fn rows<'a>(&'a self, owner: &str, region: Option<&str>) -> Vec<&'a Row>;
    fn holdings<'a>(&'a self, owner: &str, region: Option<&str>) -> Vec<&'a Holding>;
    fn instance_types<'a>(&'a self, project: &str, region: &str) -> Vec<&'a InstanceType>;
    fn kinds<'a>(&'a self, project: &str, region: &str) -> Vec<&'a KindOffered>;
    fn capacities<'a>(&'a self, region: &str) -> Vec<&'a Capacity>;
    /// With the project's share filled in.
    fn reservations(&self, project: &str, region: &str) -> Vec<Reservation>;
    fn held(&self) -> &[Take];
    fn lessons(&self) -> &[Lesson];
    /// Rises when a source's state, time or words changed.
    fn sources_counter(&self) -> u64;
    /// The sources that judgements in this project rest on.
    fn sources(&self, project: &str) -> Vec<SourceReport>;
}
