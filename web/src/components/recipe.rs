//! Gateway recipes for the plan at hand.

use leptos::prelude::*;

/// Recipes, folded away unless they are what helps now.
#[component]
pub fn RecipePanel(
    /// Whether it begins unfolded.
    #[prop(optional)]
    open: bool,
) -> impl IntoView {
    let _ = open;
}
