"""Every attack that the security design asks a test of, and the tests that carry it out.

Each of these tests shows that the attack is refused, and that it succeeds once the named defence is
taken out (`stands_by`, or a measurement without the bound). test_table.py holds this against the
tests.
"""

from __future__ import annotations

ENVELOPE, STATION = "test_envelope_attacks", "test_station_attacks"
TRUST, STORE, MEMORY = "test_trust_attacks", "test_store_attacks", "test_memory_attacks"
KEYS, MEMBERS = "test_key_attacks", "test_member_attacks"

ATTACKS: dict[str, tuple[tuple[str, str], ...]] = {
    "replay, also after restart": ((STATION, "test_replay"),),
    "cross-plane replay with the same keys": (
        (ENVELOPE, "test_cross_plane_replay_with_the_same_keys"),
        (STATION, "test_cross_plane_replay"),
    ),
    "strip and re-sign": (
        (ENVELOPE, "test_strip_and_re_sign_as_ones_own"),
        (ENVELOPE, "test_strip_and_re_sign_in_the_senders_name"),
    ),
    "re-wrapped to a third party": ((ENVELOPE, "test_re_wrapped_to_a_third_party"),),
    "two-key ciphertext": ((ENVELOPE, "test_two_key_ciphertext"),),
    "downgraded suite": ((ENVELOPE, "test_downgraded_suite"),),
    "poison msgpack, RSS bounded": ((MEMORY, "test_poison_msgpack_stands_by_its_bounds"),),
    "decompression bomb": ((MEMORY, "test_decompression_bomb"),),
    "swapped encryption key at enrolment": (
        (TRUST, "test_hub_announces_an_encryption_key_for_the_station"),
        (TRUST, "test_hub_changes_the_key_under_the_stations_signature"),
    ),
    "hub or broker drops the nth": ((STATION, "test_the_nth_is_dropped"),),
    "tail withheld": ((STATION, "test_the_tail_is_withheld"),),
    "reordered": (
        (STATION, "test_reordered"),
        (ENVELOPE, "test_reordered_or_dropped_on_the_way"),
    ),
    "publisher skips a number": (
        (STATION, "test_the_publisher_skips_a_number"),
        (ENVELOPE, "test_publisher_skips_a_number"),
    ),
    "publisher equivocates through recovery": (
        (STATION, "test_the_publisher_equivocates_through_recovery"),
    ),
    "different epoch keys to different readers": (
        (ENVELOPE, "test_different_epoch_keys_to_different_readers"),
        (STATION, "test_different_epoch_keys_to_different_readers"),
    ),
    "reader forges on the feed it reads": (
        (ENVELOPE, "test_reader_forges_on_the_feed_it_reads"),
        (STATION, "test_a_reader_forges_an_item_of_the_feed_it_reads"),
    ),
    "ended reader opens the next epoch": (
        (STATION, "test_an_ended_reader_opens_the_next_epoch"),
        (STATION, "test_an_ended_reader_asks_for_the_key"),
    ),
    "hub adds a reader": (
        (STATION, "test_the_hub_adds_a_reader"),
        (ENVELOPE, "test_hub_adds_a_reader"),
    ),
    "rogue department or foreign destination": (
        (STATION, "test_foreign_destination"),
        (ENVELOPE, "test_foreign_destination"),
    ),
    "id reuse": ((STATION, "test_id_reuse"),),
    "wrong plane's store, key file, broker at start": (
        (STORE, "test_the_store_of_another_plane_or_party"),
        (STORE, "test_the_key_file_of_another_plane_or_party"),
    ),
    "sizes outside buckets": ((ENVELOPE, "test_sizes_outside_buckets"),),
    "edited journal row": (
        (STORE, "test_an_edited_journal_row"),
        (STORE, "test_a_journal_row_taken_out"),
        (STORE, "test_a_journal_made_anew"),
    ),
    "rollback, freeze, fast-forward of root and directory": (
        (TRUST, "test_rollback_of_the_directory"),
        (TRUST, "test_rollback_of_the_root"),
        (TRUST, "test_rollback_of_the_timestamp"),
        (TRUST, "test_freeze_by_withholding_directories"),
        (TRUST, "test_freeze_by_giving_an_expired_directory"),
        (TRUST, "test_freeze_by_withholding_the_root"),
        (TRUST, "test_freeze_by_withholding_timestamps"),
        (TRUST, "test_fast_forward_of_the_directory"),
        (TRUST, "test_fast_forward_of_the_root"),
    ),
    "two directories": (
        (TRUST, "test_two_directories_of_one_version"),
        (TRUST, "test_a_directory_that_continues_another_history"),
        (TRUST, "test_hub_stamps_another_directory_than_the_one_held"),
        (MEMBERS, "test_a_member_was_shown_another_directory"),
    ),
    "signature after compromise": (
        (KEYS, "test_a_letter_signed_after_the_compromise_and_dated_before_it"),
        (KEYS, "test_an_item_added_with_the_lost_key_and_dated_before_the_loss"),
    ),
    "backdating after rotation": ((KEYS, "test_a_letter_dated_back_after_the_rotation"),),
    "restored receiver": ((MEMBERS, "test_a_restored_receiver_is_given_another_item"),),
    "restored publisher": ((MEMBERS, "test_a_restored_publisher_uses_its_numbers_again"),),
    "sham station taking unconditional data": (
        (MEMBERS, "test_a_station_put_in_anothers_place_takes_unconditional_data"),
        (MEMBERS, "test_a_suspended_station_asks"),
    ),
    "inbox flood": ((MEMBERS, "test_a_member_floods_the_inbox"),),
    "recovery flood": ((MEMBERS, "test_a_reader_floods_with_asks_for_recovery"),),
    "metadata seen by the broker: stated as a limit": (
        (MEMBERS, "test_the_broker_reads_the_header_and_nothing_else"),
    ),
}
