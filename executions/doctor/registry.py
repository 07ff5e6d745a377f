"""Everything that the doctor looks at, in the order in which it does."""

from __future__ import annotations

from typing import Final

from executions.doctor.configuration import look_for_data_directory, look_for_database_settings, look_for_settings
from executions.doctor.deployed import look_for_deployment, look_for_files
from executions.doctor.executors import look_for_clocks, look_for_executors, look_for_versions
from executions.doctor.findings import Check
from executions.doctor.logs import look_for_wrong_states
from executions.doctor.neglected import look_for_expired_locks, look_for_overdue_delays
from executions.doctor.orphans import look_for_lost_children, look_for_orphan_rows, look_for_unused_files
from executions.doctor.responses import look_for_missing_responses
from executions.doctor.schema import look_for_indexes, look_for_migrations
from executions.doctor.stranded import look_for_cancellations, look_for_stranded

CHECKS: Final = (
    Check(name="settings", question="Do the settings go together?", look=look_for_settings),
    Check(name="directory", question="Is the data directory safe, with room left?", look=look_for_data_directory),
    Check(name="database", question="Does the database keep what it is given?", look=look_for_database_settings),
    Check(name="migrations", question="Are all migrations applied?", look=look_for_migrations),
    Check(name="indexes", question="Are all indexes and constraints there?", look=look_for_indexes),
    Check(name="deployment", question="Can what is deployed be used here?", look=look_for_deployment),
    Check(name="files", question="Are stored files whole?", look=look_for_files),
    Check(name="executors", question="Are executors alive?", look=look_for_executors),
    Check(name="versions", question="Do all executors run the same?", look=look_for_versions),
    Check(name="clocks", question="Do clocks agree?", look=look_for_clocks),
    Check(name="states", question="Are states what the logs say?", look=look_for_wrong_states),
    Check(name="locks", question="Are expired locks taken over?", look=look_for_expired_locks),
    Check(name="responses", question="Are parents told of their children's ends?", look=look_for_missing_responses),
    Check(name="delays", question="Do timers fire?", look=look_for_overdue_delays),
    Check(name="stranded", question="Does somebody run what is due?", look=look_for_stranded),
    Check(name="cancellations", question="Do cancellations end?", look=look_for_cancellations),
    Check(name="orphans", question="Do all rows belong to an execution?", look=look_for_orphan_rows),
    Check(name="children", question="Do all children have a parent?", look=look_for_lost_children),
    Check(name="unused", question="Are all stored files used?", look=look_for_unused_files),
)
