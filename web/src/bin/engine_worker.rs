//! The engine worker behind the page; the page starts it and talks to it in messages.

fn main() {
    tsink_migrate_host::worker::run();
}
