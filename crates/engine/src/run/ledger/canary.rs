//! Whether the target still has what a ledger says was written there.

use super::line::Witness;
use super::replay::StageState;
use crate::error::Result;
use crate::model::{Labels, Window};
use crate::run::context::Run;
use crate::selector::Selector;
use crate::wire::types::{LabelMatcher, MatcherType};

impl Run {
    /// Looks for a row of a few of the slabs that are done. Says why not to rely on them.
    ///
    /// # Errors
    /// When the target refuses the question in a way that ends the run.
    pub(super) async fn ask_for_witnesses(&self, state: &StageState) -> Result<Option<String>> {
        for witness in witnesses(state) {
            let window = Window { start_ms: witness.at_ms, end_ms: witness.at_ms };
            match self.read_target(&selector(witness), window).await {
                Ok(pieces) => {
                    if !pieces.iter().any(|(_, data)| data.sample_count() + data.histogram_count() > 0) {
                        return Ok(Some(
                            "the target does not have what a run before has written there: it was emptied, or is another one"
                                .to_owned(),
                        ));
                    }
                }
                Err(error) if error.kind.is_fatal() => return Err(error),
                Err(error) => {
                    return Ok(Some(format!(
                        "the target cannot be asked whether it still has what was done: {error}"
                    )));
                }
            }
        }
        Ok(None)
    }
}

/// Of the slabs with rows the earliest in time, the latest, and the one that was done in the middle.
fn witnesses(state: &StageState) -> Vec<&Witness> {
    let all: Vec<&Witness> =
        state.lines.iter().filter_map(|(_, done)| done.span().witness.as_ref()).collect();
    let ends = [
        all.iter().min_by_key(|one| one.at_ms),
        all.get(all.len() / 2),
        all.iter().max_by_key(|one| one.at_ms),
    ];
    let mut chosen: Vec<&Witness> = ends.into_iter().flatten().copied().collect();
    chosen.dedup();
    chosen
}

fn selector(witness: &Witness) -> Selector {
    let labels = Labels::from_pairs(witness.labels.iter().map(|(name, value)| (&**name, &**value)));
    let matchers = labels.iter().map(|(name, value)| LabelMatcher {
        r#type: MatcherType::Eq.into(),
        name: name.to_owned(),
        value: value.to_owned(),
    });
    Selector { matchers: matchers.collect(), text: labels.to_string() }
}
