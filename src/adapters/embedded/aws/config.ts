import type { DatabaseSync } from 'node:sqlite';
import type { EpochMs } from '../../../core/index.ts';
import type { ComplianceReports, Evaluation, Pair } from '../../../enforcement/index.ts';
import { AwsCallError } from '../../../exceptions/index.ts';
import { readDocument, writeDocument } from './database.ts';
import type { EmbeddedSchedules } from './schedules.ts';

const HOUR_MS = 3_600_000;
const EVALUATIONS = 'evaluations';
type Kept = Readonly<Record<string, Evaluation>>;
const keyOf = ({ accountId, region }: Pair, { resourceType, resourceId }: Evaluation) =>
  `${accountId}/${region}/${resourceType}/${resourceId}`;

/**
 * AWS Config, as far as evaluations go: it keeps the last answer for each resource and refuses what PutEvaluations refuses. Stricter: one
 * answer that is not accepted refuses the batch, where AWS gives it back.
 */
export function embeddedConfig(
  database: DatabaseSync,
  schedules: EmbeddedSchedules,
): ComplianceReports & EmbeddedConfig {
  return {
    async put(pair, evaluations, { isTest }) {
      const refuse = (why: string): never => {
        throw new AwsCallError('validation', `config:PutEvaluations was not accepted: ${why}`, false);
      };
      const kept: Record<string, Evaluation> = { ...readDocument<Kept>(database, EVALUATIONS) };
      for (const evaluation of evaluations) {
        const { annotation, compliance, resourceId } = evaluation;
        if (annotation.length < 1 || annotation.length > 256) refuse(`an annotation of ${annotation.length}`);
        if (!['COMPLIANT', 'NON_COMPLIANT', 'NOT_APPLICABLE'].includes(compliance)) refuse(compliance);
        if (resourceId.length < 1 || resourceId.length > 768) refuse('a resource id');
        const key = keyOf(pair, evaluation);
        // Answers that arrive late do not replace later ones.
        if ((kept[key]?.at ?? 0) > evaluation.at) continue;
        if (compliance === 'NOT_APPLICABLE') delete kept[key];
        else kept[key] = evaluation;
      }
      if (!isTest) writeDocument(database, EVALUATIONS, kept);
    },
    async resourceAt() {
      return undefined;
    },
    evaluations: () => readDocument<Kept>(database, EVALUATIONS) ?? {},
    createPeriodicRule(pair, from) {
      schedules.createRate(`config-${pair.accountId}-${pair.region}`, 'configSettings', HOUR_MS, from, {
        ...pair,
      });
    },
  };
}

/** What the periodic rule sends; the schedule of the embedded AWS knows only the place and the time. */
export function scheduledConfigEvent({
  accountId,
  region,
  time,
}: {
  readonly accountId: string;
  readonly region: string;
  readonly time: string;
}): Readonly<Record<string, unknown>> {
  return {
    version: '1.0',
    invokingEvent: JSON.stringify({
      awsAccountId: accountId,
      notificationCreationTime: time,
      messageType: 'ScheduledNotification',
      recordVersion: '1.0',
    }),
    ruleParameters: '{}',
    resultToken: `embedded-${accountId}-${region}-${time}`,
    eventLeftScope: false,
    executionRoleArn: `arn:aws:iam::${accountId}:role/aws-service-role/config.amazonaws.com/AWSServiceRoleForConfig`,
    configRuleArn: `arn:aws:config:${region}:${accountId}:config-rule/config-rule-settings`,
    configRuleName: 'proviso-settings',
    configRuleId: 'config-rule-settings',
    accountId,
  };
}

export interface EmbeddedConfig {
  /** The last answer for each resource; what is not applicable has none. */
  evaluations(): Kept;
  createPeriodicRule(pair: Pair, from: EpochMs): void;
}
