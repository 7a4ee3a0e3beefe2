/** The form of `check --format json` and `finding explain --format json`; a change of meaning raises it. */
export const REPORT_SCHEMA_VERSION = 1;
