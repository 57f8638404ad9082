//! Nobody harms another: each test is one kind of attack on the real program, by somebody without a
//! token, by a tool server, by a robot or by the key holder, or one fault of the system, while calls of
//! another agent, `/health` and new connections are timed.
//!
//! In short, with `cargo test --test stress stress::`. As a table, on a machine with nothing else to do:
//!
//! ```text
//! cargo test --release --test stress stress:: -- --ignored --nocapture
//! ```
//!
//! It takes some three minutes, and must show: memory never above 1.15 times `memory_limit` plus
//! 8 MB, no good call late by more than 20 ms (60 ms while somebody's message over 4 MiB is read),
//! none lost, and `/health` within 100 ms. `STRESS_ONLY=word` plays the rows with this word in
//! their name only (`faults::`, for one); `SERVER_UNDER_TEST=path` attacks another build of the program.

mod catalogues;
mod faults;
mod hoards;
mod measure;
mod peers;
mod robots;
mod strangers;

use measure::{Row, Scale};

/// Each row: a short form of its own, and a place in the table.
macro_rules! rows {
    ($($(#[$note:meta])* $module:ident::$row:ident,)*) => {
        const ROWS: &[Row] = &[$((concat!(stringify!($module), "::", stringify!($row)), $module::$row),)*];

        mod short {
            $(#[test]
            $(#[$note])*
            fn $row() {
                let _machine = crate::load::alone();
                let report = super::$module::$row(super::Scale::Short);
                report.assert_nobody_harmed();
            })*
        }
    };
}

rows! {
    strangers::refused_sockets_that_send_600_kb,
    strangers::refused_sockets_that_send_40_kb,
    strangers::half_heads,
    strangers::silent_sockets_from_one_address,
    strangers::silent_sockets_from_everywhere,
    catalogues::a_tool_server_returns_with_other_names,
    catalogues::pages_of_the_smallest_items,
    catalogues::large_capabilities,
    catalogues::lists_that_keep_changing,
    catalogues::name_conflicts_that_keep_changing,
    catalogues::joins_beside_many_names,
    catalogues::resources_read_against_many_templates,
    catalogues::key_holder_asks_for_everything,
    catalogues::a_large_merged_list_for_its_own_robot,
    robots::calls_with_long_ids_and_tokens,
    robots::notifications_to_many_robots,
    robots::one_token_opens_a_thousand_connections,
    hoards::subscriptions_to_long_addresses,
    hoards::cancellations_of_nothing,
    hoards::robots_with_large_names,
    hoards::agents_that_come_once,
    hoards::deeply_nested_messages,
    faults::the_disk_of_the_log_file_is_full,
    faults::the_log_file_takes_its_time,
    faults::the_log_file_is_a_pipe_nobody_reads,
    faults::the_log_file_may_not_grow,
    faults::output_to_a_pipe_nobody_reads,
    faults::output_to_a_terminal_nobody_reads,
    faults::output_to_a_full_device,
    faults::no_descriptor_is_left,
    faults::accept_fails_for_single_connections,
    faults::accept_fails_for_want_of_memory,
    faults::the_process_is_stopped_for_a_moment,
    faults::the_clock_jumps,
}

#[test]
#[ignore = "three minutes: cargo test --release --test stress stress:: -- --ignored --nocapture"]
fn the_whole_table() {
    let _machine = crate::load::alone();
    measure::play_table(ROWS);
}
