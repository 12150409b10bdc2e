//! Pages and their addresses.

use super::run::title;
use tsink_migrate_engine::run::Stage;

/// A page.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum View {
    /// The plan.
    #[default]
    Plan,
    /// A stage.
    Stage(Stage),
    /// Reports.
    Reports,
}

impl View {
    /// All pages, in the order of the work.
    pub const ALL: [View; 6] = [
        View::Plan,
        View::Stage(Stage::Preflight),
        View::Stage(Stage::Backfill),
        View::Stage(Stage::Verify),
        View::Stage(Stage::Cutover),
        View::Reports,
    ];

    /// The page of a stage. A repair belongs to the verification that it mends.
    pub fn of(stage: Stage) -> Self {
        Self::Stage(if stage == Stage::Repair { Stage::Verify } else { stage })
    }

    /// Heading.
    pub fn title(self) -> &'static str {
        match self {
            Self::Plan => "Plan",
            Self::Stage(stage) => title(stage),
            Self::Reports => "Reports",
        }
    }

    /// Fragment of the address, without `#`.
    pub fn hash(self) -> &'static str {
        match self {
            Self::Plan => "plan",
            Self::Stage(Stage::Preflight) => "preflight",
            Self::Stage(Stage::Backfill) => "backfill",
            Self::Stage(Stage::Verify) => "verify",
            Self::Stage(Stage::Repair) => "repair",
            Self::Stage(Stage::Cutover) => "cutover",
            Self::Reports => "reports",
        }
    }

    /// The page of a fragment, with or without `#`.
    pub fn from_hash(hash: &str) -> Option<Self> {
        let hash = hash.trim_start_matches('#');
        Self::ALL.into_iter().find(|view| view.hash() == hash)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_page_has_an_address() {
        for view in View::ALL {
            assert_eq!(View::from_hash(&format!("#{}", view.hash())), Some(view));
        }
        assert_eq!(View::of(Stage::Repair), View::Stage(Stage::Verify));
        assert_eq!(View::from_hash("#watch"), None);
        assert_eq!(View::from_hash("#report=AA"), None);
        assert_eq!(View::from_hash(""), None);
    }
}
