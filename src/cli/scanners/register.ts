/**
 * How other catalogues stand to this policy. `agree`: complying with theirs complies with ours, or serves it. `oppose`: what they ask for breaks
 * the policy. `superset`: our control asks for all that theirs does, and more.
 */
export type Relation = 'oppose' | 'agree' | 'superset';

export interface RegisterRow {
  readonly catalogue: string;
  /** Identifiers as the catalogue spells them. */
  readonly ids: readonly string[];
  readonly relation: Relation;
  /** Our controls and clauses it meets. */
  readonly ours: readonly string[];
  /** What it asks for, and our answer. */
  readonly answer: string;
}

/** The answer to everybody who wants content in a log to know who used what. */
const WITHOUT_CONTENT =
  'CloudTrail management and data events give who, when and which model; metadata-only logging gives tokens; neither stores content';

export const REGISTER: readonly RegisterRow[] = [
  {
    catalogue: 'Prowler',
    ids: ['bedrock_model_invocation_logging_enabled'],
    relation: 'oppose',
    ours: ['CP-01', 'CP-02'],
    answer: `logging on is compliant there. ${WITHOUT_CONTENT}. Where the baseline is metadata-only the check passes and is not suppressed`,
  },
  {
    catalogue: 'Prowler',
    ids: ['bedrock_model_invocation_logging_text_data_enabled'],
    relation: 'oppose',
    ours: ['CP-01'],
    answer: `the text of prompts in the log, under every baseline. ${WITHOUT_CONTENT}`,
  },
  {
    catalogue: 'AWS AI Security Framework (as mapped by Prowler)',
    ids: ['AISF-AI-05'],
    relation: 'oppose',
    ours: ['CP-01', 'CP-02'],
    answer: `met by invocation logging in that mapping. ${WITHOUT_CONTENT}`,
  },
  {
    catalogue: 'C5 (as mapped by Prowler)',
    ids: ['OPS-15.01B', 'OPS-15.02B', 'OPS-15.03B', 'PSS-04.05B'],
    relation: 'oppose',
    ours: ['CP-01', 'CP-02'],
    answer: `event logging is asked for, not content: the mapping opposes, the criterion does not. ${WITHOUT_CONTENT}`,
  },
  {
    catalogue: 'ISO/IEC 27001:2022 (as mapped by Prowler)',
    ids: ['A.8.15'],
    relation: 'oppose',
    ours: ['CP-01', 'CP-02'],
    answer: `logging of activities is asked for, not of content: the mapping opposes, the control does not. ${WITHOUT_CONTENT}`,
  },
  {
    catalogue: 'NIS2 (as mapped by Prowler)',
    ids: ['3.2.3.c'],
    relation: 'oppose',
    ours: ['CP-01', 'CP-02'],
    answer: `as for ISO/IEC 27001. ${WITHOUT_CONTENT}`,
  },
  {
    catalogue: 'SOC 2 (as mapped by Prowler)',
    ids: ['cc_a_1_1'],
    relation: 'oppose',
    ours: ['CP-01', 'CP-02'],
    answer: `as for ISO/IEC 27001. ${WITHOUT_CONTENT}`,
  },
  {
    catalogue: 'KISA ISMS-P (as mapped by Prowler)',
    ids: ['2.9.4', '2.10.2'],
    relation: 'oppose',
    ours: ['CP-01', 'CP-02'],
    answer: `as for ISO/IEC 27001. ${WITHOUT_CONTENT}`,
  },
  {
    catalogue: 'FINOS Common Cloud Controls (as mapped by Prowler)',
    ids: ['CCC.GenAI.CN05.AR01'],
    relation: 'oppose',
    ours: ['CP-01', 'CP-02'],
    answer: `met by invocation logging in that mapping. ${WITHOUT_CONTENT}`,
  },
  {
    catalogue: 'FMI',
    ids: ['FMI-04'],
    relation: 'oppose',
    ours: ['CP-01'],
    answer:
      'a remediation rule that switches logging on again after we switched it off: take the rule out where this policy governs. Until then every switching on is drift, and is named',
  },
  {
    catalogue: 'AWS Security Reference Architecture',
    ids: ['CloudWatch and S3 rules on invocation logging'],
    relation: 'oppose',
    ours: ['CP-01'],
    answer: `destinations of invocation logging are asked for. ${WITHOUT_CONTENT}`,
  },
  {
    catalogue: 'BR and AG catalogues',
    ids: ['BR-04', 'AG-07'],
    relation: 'oppose',
    ours: ['CP-01'],
    answer: `invocation logging is asked for. ${WITHOUT_CONTENT}`,
  },
  {
    catalogue: 'OWASP Top 10 for LLM applications (detections built on it)',
    ids: ['LLM01', 'LLM07'],
    relation: 'oppose',
    ours: ['CP-01'],
    answer:
      'finding prompt injection or leaked system prompts afterwards needs stored prompts; here guardrails decide while the call runs, and an incident is an exception',
  },
  {
    catalogue: 'CloudSploit',
    ids: ['modelInvocationLoggingEnabled'],
    relation: 'oppose',
    ours: ['CP-01', 'CP-02'],
    answer: `logging on is compliant there. ${WITHOUT_CONTENT}`,
  },
  {
    catalogue: 'Elastic detection rules',
    ids: ['fa830742…', 'T1562.008'],
    relation: 'oppose',
    ours: ['CP-01', 'CP-17'],
    answer:
      'deleting the logging configuration raises an alarm there; here it is the remedy. Keep the rule, and except the principals of the storage administrators: the alarm on all others serves CP-17',
  },
  {
    catalogue: 'Panther',
    ids: ['AWS.Bedrock.DeleteModelInvocationLoggingConfiguration'],
    relation: 'oppose',
    ours: ['CP-01', 'CP-17'],
    answer: 'as for Elastic',
  },
  {
    catalogue: 'AWS Security Hub',
    ids: ['BedrockAgentCore.6'],
    relation: 'oppose',
    ours: ['CP-01'],
    answer: 'recordings of browser sessions hold what people and models wrote',
  },
  {
    catalogue: 'AWS Security Hub',
    ids: ['S3.7', 'S3.14', 'S3.15'],
    relation: 'oppose',
    ours: ['exceptions.destination', 'exceptions.purge'],
    answer:
      'replication, versions and Object Lock on the bucket of a live exception keep content from being purged. Suppressed for that bucket alone; versions only where the policy refuses them',
  },
  {
    catalogue: 'Prowler',
    ids: ['s3_bucket_cross_region_replication', 's3_bucket_object_lock', 's3_bucket_object_versioning'],
    relation: 'oppose',
    ours: ['exceptions.destination', 'exceptions.purge'],
    answer: 'as for S3.7, S3.14 and S3.15 of Security Hub',
  },
  {
    catalogue: 'AWS Config, AWS Security Hub, Prowler',
    ids: [
      'cw-loggroup-retention-period-check',
      'CloudWatch.16',
      'cloudwatch_log_group_retention_policy_specific_days_enabled',
    ],
    relation: 'oppose',
    ours: ['exceptions.limits', 'exceptions.purge'],
    answer: 'a year of retention on the log group of a live exception. Suppressed for that log group alone',
  },
  {
    catalogue: 'Checkov',
    ids: ['CKV_AWS_21', 'CKV_AWS_144', 'CKV_AWS_338'],
    relation: 'oppose',
    ours: ['exceptions.destination', 'exceptions.purge'],
    answer:
      'versions, copies in another Region and a year of retention, in code that makes the destination of a live exception. Skipped in the block of that resource alone; versions only where the policy refuses them',
  },
  {
    catalogue: 'Prowler',
    ids: ['bedrock_api_key_no_long_term_credentials', 'bedrock_api_key_no_administrative_privileges'],
    relation: 'superset',
    ours: ['RB-02'],
    answer: 'no active long-term key at all, so none that lives long or may do much',
  },
  {
    catalogue: 'Prowler',
    ids: ['bedrock_full_access_policy_attached'],
    relation: 'superset',
    ours: ['CP-17'],
    answer:
      'whoever can change prompt storage, by any policy, boundaries and service control policies counted',
  },
  {
    catalogue: 'Prowler',
    ids: ['bedrock_model_invocation_logs_encryption_enabled', 'bedrock_model_invocation_logs_encrypted'],
    relation: 'agree',
    ours: ['exceptions.destination'],
    answer: 'what is stored under an exception is encrypted under a key of the organization',
  },
  {
    catalogue: 'Prowler',
    ids: ['cloudtrail_bedrock_logging_enabled'],
    relation: 'agree',
    ours: ['RB-03'],
    answer: 'CloudTrail says who invoked which model when, without content',
  },
  {
    catalogue: 'Prowler',
    ids: [
      'bedrock_agent_role_not_shared_across_agents',
      'iam_user_access_not_stale_to_bedrock',
      'iam_role_access_not_stale_to_bedrock',
      'bedrock_prompt_encrypted_with_cmk',
    ],
    relation: 'agree',
    ours: ['RB-01', 'RB-03'],
    answer: 'fewer and clearer identities that can invoke; keys of the organization',
  },
  {
    catalogue: 'AWS Security Hub',
    ids: [
      'IAM.3',
      'IAM.5',
      'IAM.8',
      'IAM.19',
      'IAM.22',
      'CloudTrail.1',
      'CloudTrail.2',
      'CloudTrail.4',
      'Config.1',
    ],
    relation: 'agree',
    ours: ['RB-01', 'RB-03'],
    answer: 'general hygiene that the runbook builds on; RB-01 asks for more where Bedrock can be used',
  },
  {
    catalogue: 'FMI, BR, AC and FS catalogues',
    ids: [
      'FMI-01',
      'FMI-06',
      'FMI-17',
      'BR-01',
      'BR-03',
      'BR-08',
      'BR-12',
      'BR-14',
      'BR-31',
      'AC-07',
      'FS-43',
    ],
    relation: 'agree',
    ours: ['CP-17', 'exceptions.destination'],
    answer: 'least privilege, encryption and masking in the same direction',
  },
  {
    catalogue: 'NIST SP 800-53 Rev. 5, HIPAA',
    ids: ['AC-2(3)', 'AC-3(8)', 'AC-6', 'AU-2', 'AU-12', '164.312(b)'],
    relation: 'agree',
    ours: ['CP-17', 'RB-03'],
    answer: 'access is limited and events are audited; neither asks for content',
  },
];

/** The tables of docs/scanners.md, generated: a test keeps the page equal to them. */
export function registerMarkdown(): string {
  return (['oppose', 'superset', 'agree'] as const)
    .map((relation) =>
      [
        `### ${TITLES[relation]}`,
        '',
        '| catalogue | identifiers | ours | what it asks for, and the answer |',
        '|---|---|---|---|',
        ...REGISTER.filter((row) => row.relation === relation).map(
          ({ catalogue, ids, ours, answer }) =>
            `| ${catalogue} | ${ids.map((id) => `\`${id}\``).join(', ')} | ${ours.map((id) => (id.includes('.') ? `\`${id}\`` : id)).join(', ')} | ${answer} |`,
        ),
      ].join('\n'),
    )
    .join('\n\n');
}

const TITLES = { oppose: 'Oppose', superset: 'Superset', agree: 'Agree' } as const satisfies Record<
  Relation,
  string
>;
