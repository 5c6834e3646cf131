//! What cannot be judged on the stand-in, since it has no such thing or answers otherwise than MongoDB.

/// Cases of the suite of stores, by name, and why.
const CASES: &[(&str, &[&str])] = &[
    (
        "the stand-in has no `explain`",
        &[
            "catalogue::declaring_twice_changes_nothing",
            "catalogue::a_unique_index_over_duplicates_is_refused_and_the_old_one_serves",
            "catalogue::a_failed_declaration_can_be_mended_and_repeated",
            "rebuild::an_index_that_is_building_hides_nothing",
            "rebuild::an_index_that_is_building_misses_no_write",
            "explain::an_indexed_query_reads_no_more_than_it_returns",
            "explain::an_id_is_looked_up",
            "explain::a_sorted_page_reads_only_itself",
            "explain::a_sorted_page_of_several_values_reads_little_more_than_itself",
            "explain::a_partial_index_is_as_small_as_what_it_takes",
            "explain::a_query_without_an_index_reads_everything",
            "reopen::indexes_survive_reopening",
            "reopen::a_changed_index_survives_reopening",
        ],
    ),
    (
        "the stand-in takes two arrays in one key",
        &[
            "catalogue::two_arrays_in_one_key_are_refused_and_the_old_indexes_serve",
            "catalogue::a_document_with_two_arrays_in_one_key_is_refused",
        ],
    ),
    (
        "the stand-in wants one element of an array to meet two bounds",
        &[
            "streaming::each_unchanged_document_comes_once_by_an_array_index",
            "streaming::each_of_100_000_documents_comes_once_while_others_write",
            "handles::the_first_array_is_told_to_an_older_handle",
            "reopen::that_an_index_has_arrays_survives_reopening",
        ],
    ),
    (
        "the stand-in answers queries on arrays otherwise than MongoDB",
        &[
            "random::the_planner_never_changes_an_answer",
            "random::the_planner_never_changes_what_is_written",
        ],
    ),
    (
        "the stand-in takes no message of 16 MiB, and sends answers of any length",
        &[
            "limits::a_document_of_16_mib_is_kept",
            "limits::a_byte_more_is_refused",
            "find::without_a_sort_any_amount_is_found",
            "find::a_sort_without_an_index_is_bounded_and_names_the_index",
        ],
    ),
    (
        "the stand-in has no positional projection, no `$bit` and no binary subtypes",
        &[
            "find::a_projection_shapes_what_comes",
            "find::a_partial_index_hides_nothing",
            "insert::a_document_comes_back_as_it_was",
        ],
    ),
    (
        "the stand-in tells null from missing",
        &[
            "aggregate::groups_counted_in_an_index_are_those_of_the_documents",
            "unique::what_is_missing_and_null_are_one_key",
        ],
    ),
];

/// Returns why a case of the suite of stores cannot be judged on the stand-in, if so.
pub fn cannot_judge(case: &str) -> Option<&'static str> {
    if case.starts_with("own-") {
        let is_other = QUERIES.split_ascii_whitespace().any(|id| id == case);
        return is_other.then_some("the stand-in answers it otherwise than MongoDB");
    }
    let found = CASES.iter().find(|(_, cases)| cases.contains(&case));
    found.map(|(reason, _)| *reason)
}

/// Cases of the query language, by name.
const QUERIES: &str = include_str!("../other-answers.txt");
