//! What is really promised, created and visible: counted from what the emulator charges, without a look at the gate's book.

use std::collections::BTreeMap;

/// A row, by its key.
pub(super) type Row = String;

/// What belongs to a hold, or to nobody who holds anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Whose {
    /// Instances of the launch of this hold.
    Launch(usize),
    /// Instances that this restart has started.
    Restart(usize),
    /// Everything else: others, and what ended.
    Others,
}

/// One hold.
#[derive(Clone, Debug)]
pub(super) struct Promise {
    pub(super) id: String,
    /// What it holds for certain.
    pub(super) at_least: BTreeMap<Row, u64>,
    /// What it holds at the most.
    pub(super) at_most: BTreeMap<Row, u64>,
    pub(super) is_committed: bool,
    /// Given up, or ended by time.
    pub(super) is_gone: bool,
    /// What was visible at the last reading of everything since the commit.
    pub(super) was_read: BTreeMap<Row, u64>,
}

/// A change of a row's usage, at a time of the cloud.
#[derive(Clone, Debug)]
struct Change {
    at: u64,
    row: Row,
    whose: Whose,
    /// What it adds, or takes away.
    amount: i64,
}

/// The account as it really is.
#[derive(Debug, Default)]
pub(super) struct Model {
    pub(super) promises: Vec<Promise>,
    changes: Vec<Change>,
    /// How long usage trails, in seconds.
    lag: u64,
    pub(super) now: u64,
    /// By how much others rose, as far as readings may have shown it: that much may have been taken for ours.
    mistaken_for_ours: BTreeMap<Row, u64>,
    /// Promised to launches that were given up: what was visible may have been theirs or another launch's, so that one is a
    /// doubt until it ends by itself.
    given_up: BTreeMap<Row, u64>,
    /// By how much others fell where a rise of ours may have been hidden by it.
    hidden_by_others: BTreeMap<Row, u64>,
    /// Of others, at the end of the last step and at the last reading of everything.
    others_seen: BTreeMap<Row, i64>,
    ours_at_reading: BTreeMap<Row, i64>,
    fallen_since_reading: BTreeMap<Row, u64>,
    /// Promised to launches that were under way at the last reading of everything.
    under_way_at_reading: BTreeMap<Row, u64>,
}

impl Model {
    pub(super) fn new(lag: u64) -> Self {
        Self {
            lag,
            ..Self::default()
        }
    }

    /// Enters what the cloud charges from now on.
    pub(super) fn change(&mut self, row: &Row, whose: Whose, amount: i64) {
        if amount != 0 {
            self.changes.push(Change {
                at: self.now,
                row: row.clone(),
                whose,
                amount,
            });
        }
    }

    /// Others moved, and everybody sees it at once.
    pub(super) fn others_now(&mut self, row: &Row, amount: i64) {
        self.change(row, Whose::Others, amount);
        if let Some(last) = self.changes.last_mut().filter(|_| amount != 0) {
            last.at = 0;
        }
    }

    /// What was there before the first step was nobody's surprise.
    pub(super) fn forget_the_beginning(&mut self) {
        self.mistaken_for_ours.clear();
    }

    /// What was created and not deleted again.
    pub(super) fn created(&self, row: &Row) -> i64 {
        let created = self.changes.iter();
        created
            .filter(|change| change.row == *row && change.at > 0)
            .map(|change| change.amount)
            .sum()
    }

    /// What is used now, whether readers see it or not.
    pub(super) fn used(&self, row: &Row) -> u64 {
        let all = self.changes.iter().filter(|change| change.row == *row);
        let sum: i64 = all.map(|change| change.amount).sum();
        u64::try_from(sum).unwrap()
    }

    /// What readers see used.
    pub(super) fn shown(&self, row: &Row) -> u64 {
        u64::try_from(self.visible(row, |_| true)).unwrap()
    }

    /// What others' changes show at once, and ours when they are old enough.
    fn is_visible(&self, change: &Change) -> bool {
        change.at + self.lag <= self.now || change.at == 0
    }

    fn visible(&self, row: &Row, whose: impl Fn(Whose) -> bool) -> i64 {
        let changes = self.changes.iter();
        changes
            .filter(|change| change.row == *row && whose(change.whose) && self.is_visible(change))
            .map(|change| change.amount)
            .sum()
    }

    /// Visible of the launch of one hold.
    pub(super) fn visible_of(&self, row: &Row, promise: usize) -> u64 {
        let visible = self.visible(row, |whose| whose == Whose::Launch(promise));
        u64::try_from(visible).unwrap()
    }

    /// Created of the launch of one hold, visible or not.
    pub(super) fn created_of(&self, row: &Row, promise: usize) -> u64 {
        let of_it = self.changes.iter().filter(|change| {
            change.row == *row && change.whose == Whose::Launch(promise) && change.amount > 0
        });
        let sum: i64 = of_it.map(|change| change.amount).sum();
        u64::try_from(sum).unwrap()
    }

    pub(super) fn rows(&self) -> Vec<Row> {
        let changed = self.changes.iter().map(|change| change.row.clone());
        let promised = self
            .promises
            .iter()
            .flat_map(|promise| promise.at_most.keys().cloned());
        let mut rows: Vec<Row> = changed.chain(promised).collect();
        rows.sort();
        rows.dedup();
        rows
    }

    /// The launch of a hold came to nothing: whatever was visible of it was not what its hold stood for.
    pub(super) fn give_up(&mut self, promise: usize) {
        self.promises[promise].is_gone = true;
        for row in self.rows() {
            // What was read of it was never ours.
            let visible = self.visible(&row, |whose| whose == Whose::Launch(promise));
            *self.ours_at_reading.entry(row).or_default() -= visible;
        }
        for change in &mut self.changes {
            if change.whose == Whose::Launch(promise) || change.whose == Whose::Restart(promise) {
                change.whose = Whose::Others;
            }
        }
        // What was seen of it is now somebody else's.
        for row in self.rows() {
            let others = self.visible(&row, |whose| whose == Whose::Others);
            let rose = others - self.others_seen.get(&row).copied().unwrap_or_default();
            let rose = u64::try_from(rose).unwrap_or_default();
            let promised = self.promises[promise].at_most.get(&row).copied();
            *self.given_up.entry(row.clone()).or_default() +=
                rose.max(promised.unwrap_or_default());
            // It may have been counted for an earlier launch before.
            *self.mistaken_for_ours.entry(row.clone()).or_default() += rose;
            self.others_seen.insert(row, others);
        }
    }

    /// What a committed launch made ends. Where no reading has shown it since the commit, none ever will.
    pub(super) fn ends(&mut self, promise: usize) {
        if !self.promises[promise].is_committed {
            return;
        }
        for row in self.rows() {
            let created = self.created_of(&row, promise);
            let read = self.promises[promise].was_read.get(&row).copied();
            let unread = created.saturating_sub(read.unwrap_or_default());
            *self.hidden_by_others.entry(row).or_default() += unread;
        }
    }

    /// What launches under way hold of a row.
    fn under_way(&self, row: &Row) -> u64 {
        let under_way = self.standing().filter(|(_, promise)| !promise.is_committed);
        let held = under_way.filter_map(|(_, promise)| promise.at_most.get(row));
        held.sum()
    }

    /// A step is over. Whatever moved may have been read.
    pub(super) fn step(&mut self) {
        for row in self.rows() {
            let others = self.visible(&row, |whose| !matches!(whose, Whose::Launch(_)));
            let before = self
                .others_seen
                .insert(row.clone(), others)
                .unwrap_or_default();
            let moved = (others - before).unsigned_abs();
            if others > before {
                *self.mistaken_for_ours.entry(row).or_default() += moved;
            } else if others < before {
                *self.fallen_since_reading.entry(row).or_default() += moved;
            }
        }
    }

    /// Everything was read, and the answers are in force.
    pub(super) fn read(&mut self) {
        self.step();
        for row in self.rows() {
            let ours = self.visible(&row, |whose| matches!(whose, Whose::Launch(_)));
            let before = self
                .ours_at_reading
                .insert(row.clone(), ours)
                .unwrap_or_default();
            let fell = self.fallen_since_reading.remove(&row).unwrap_or_default();
            let under_way = self.under_way(&row);
            self.under_way_at_reading.insert(row.clone(), under_way);
            if fell > 0 && (ours > before || under_way > 0) {
                *self.hidden_by_others.entry(row.clone()).or_default() += fell;
            }
            for promise in 0..self.promises.len() {
                if self.promises[promise].is_committed {
                    let visible = self.visible_of(&row, promise);
                    self.promises[promise].was_read.insert(row.clone(), visible);
                }
            }
        }
    }

    fn standing(&self) -> impl Iterator<Item = (usize, &Promise)> {
        let promises = self.promises.iter().enumerate();
        promises.filter(|(_, promise)| !promise.is_gone)
    }

    /// The least that must be held of a row for certain, and the most that may be.
    pub(super) fn held_between(&self, row: &Row) -> (u64, u64) {
        let (least, most) = self.between(row, |promise| &promise.at_least);
        let given_up = self.given_up.get(row).copied().unwrap_or_default();
        (least.saturating_sub(given_up), most)
    }

    /// The least that must be held of a row at the most, and the most that may be.
    pub(super) fn possible_between(&self, row: &Row) -> (u64, u64) {
        let (least, _) = self.between(row, |promise| &promise.at_least);
        let (_, most) = self.between(row, |promise| &promise.at_most);
        let given_up = self.given_up.get(row).copied().unwrap_or_default();
        (least, most + given_up)
    }

    fn between(&self, row: &Row, promised: impl Fn(&Promise) -> &BTreeMap<Row, u64>) -> (u64, u64) {
        let (mut least, mut most) = (0, 0);
        // Committed and not visible yet: the first to which a reading counts what is visible.
        let mut unseen = 0;
        for (index, promise) in self.standing() {
            let promised = promised(promise).get(row).copied().unwrap_or_default();
            let visible = self.visible_of(row, index);
            if promise.is_committed {
                least += promised.saturating_sub(visible);
                unseen += promised.saturating_sub(visible);
                let read = promise.was_read.get(row).copied().unwrap_or_default();
                most += promised.saturating_sub(read);
            } else {
                let counted_before = visible.min(unseen).min(promised);
                unseen -= counted_before;
                least += promised - counted_before;
                most += promised;
            }
        }
        // What is visible while launches are under way may be theirs, so as much stays held twice until one reading later.
        let then = self.under_way_at_reading.get(row).copied();
        let under_way = self.under_way(row).max(then.unwrap_or_default());
        let twice = self.standing().filter(|(_, promise)| promise.is_committed);
        let twice = twice
            .filter_map(|(_, promise)| promised(promise).get(row))
            .sum::<u64>()
            .min(under_way);
        let tolerated = |budget: &BTreeMap<Row, u64>| budget.get(row).copied().unwrap_or_default();
        (
            least.saturating_sub(tolerated(&self.mistaken_for_ours)),
            most + twice + tolerated(&self.hidden_by_others),
        )
    }

    /// Promised to launches that have not created it yet, for certain.
    pub(super) fn outstanding(&self, row: &Row) -> u64 {
        let standing = self.standing().filter(|(_, promise)| !promise.is_committed);
        standing
            .map(|(index, promise)| {
                let promised = promise.at_least.get(row).copied().unwrap_or_default();
                promised.saturating_sub(self.created_of(row, index))
            })
            .sum()
    }

    /// By how much a row may be over-promised, since others rose while something was held of it.
    pub(super) fn excused(&self, row: &Row) -> u64 {
        self.mistaken_for_ours.get(row).copied().unwrap_or_default()
    }
}
