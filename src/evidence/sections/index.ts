import * as z from 'zod';
import { observationOf } from '../schema-parts.ts';
import type { Observation } from '../types.ts';
import { accessPoints, multiRegionAccessPoints } from './access-points.ts';
import { agentCoreMemories, agentMemory } from './agent-memory.ts';
import { assignedPeople } from './assigned-people.ts';
import { eventRules, metricAlarms, metricFilters, trails } from './audit.ts';
import { contentLogGroups, logGroupContent } from './content-log-groups.ts';
import { costResources } from './cost-resources.ts';
import { dashboards, metricStreams } from './dashboards.ts';
import { destinationPolicies } from './destination-policies.ts';
import { destinations } from './destinations.ts';
import { aiServicesOptOut, costAllocationTags, costExports, permissionSetAssignments } from './governance.ts';
import { keyGrants } from './key-grants.ts';
import { logDeliveries } from './log-deliveries.ts';
import { logsResourcePolicies } from './logs-resource-policies.ts';
import { mantleRetention } from './mantle.ts';
import { asyncInvocations, batchJobs, evaluationJobs } from './output-jobs.ts';
import { regions } from './regions.ts';
import type { Section, SectionLevel } from './section.ts';
import { bedrockSessions } from './sessions.ts';
import { storedPrompts } from './stored-prompts.ts';

export type { AccessPoint, MultiRegionAccessPoint } from './access-points.ts';
export type { AgentCoreMemory, AgentMemory } from './agent-memory.ts';
export type { AssignedPeople, AssignedPerson } from './assigned-people.ts';
export type {
  EventRule,
  MetricAlarm,
  MetricFilter,
  Trail,
  TrailFieldSelector,
  TrailSelectors,
} from './audit.ts';
export type { LogGroupContent } from './content-log-groups.ts';
export type { CostResource } from './cost-resources.ts';
export type { Dashboard, MetricStream } from './dashboards.ts';
export type { DestinationPolicy } from './destination-policies.ts';
export type { ContentBucket, ContentDestination, ContentLogGroup } from './destinations.ts';
export type {
  AiServicesOptOut,
  CostAllocationTag,
  CostExport,
  PermissionSetAssignment,
} from './governance.ts';
export type { GrantsOfKey, KeyGrant } from './key-grants.ts';
export type { LogDelivery } from './log-deliveries.ts';
export type { LogsResourcePolicy } from './logs-resource-policies.ts';
export type { MantleProject, MantleRetention } from './mantle.ts';
export type { OutputJob } from './output-jobs.ts';
export { type AccountRegion, usableRegions } from './regions.ts';
export type { Section, SectionLevel } from './section.ts';
export type { BedrockSession } from './sessions.ts';
export type { StoredPrompt } from './stored-prompts.ts';

/**
 * Every section, by level and name, in the order in which they are read and written: a later one may look at what an earlier one saw.
 * A name is for ever: it stands in files.
 */
export const SECTIONS = {
  'account-region': {
    mantleRetention,
    bedrockSessions,
    storedPrompts,
    agentMemory,
    agentCoreMemories,
    // After `agentMemory`, which lists the agents.
    costResources,
    batchJobs,
    evaluationJobs,
    asyncInvocations,
    logDeliveries,
    contentLogGroups,
    logGroupContent,
    trails,
    eventRules,
    metricFilters,
    metricAlarms,
    metricStreams,
    // After the others: it describes the places that they name.
    destinations,
    // Last: of these places.
    destinationPolicies,
    logsResourcePolicies,
    keyGrants,
    accessPoints,
  },
  account: {
    permissionSetAssignments,
    // After the assignments, which name them.
    assignedPeople,
    aiServicesOptOut,
    dashboards,
    regions,
    multiRegionAccessPoints,
  },
  organization: { costAllocationTags, costExports },
} as const satisfies Readonly<Record<SectionLevel, Readonly<Record<string, Section<unknown>>>>>;

type Sections = typeof SECTIONS;
export type SectionName<L extends SectionLevel> = Extract<keyof Sections[L], string>;
export type SectionValue<L extends SectionLevel, N extends SectionName<L>> =
  Sections[L][N] extends Section<infer T> ? T : never;
/** What was seen, by section. INVARIANT (unknown is never green): a section that is not in it was not collected, never absent. */
export type SectionObservations<L extends SectionLevel> = {
  readonly [N in SectionName<L>]?: Observation<SectionValue<L, N>> | undefined;
};

export const sectionNames = <L extends SectionLevel>(level: L): readonly SectionName<L>[] =>
  Object.keys(SECTIONS[level]) as SectionName<L>[];

export const sectionDefinition = (level: SectionLevel, name: string): Section<unknown> => {
  const found = (SECTIONS[level] as Readonly<Record<string, Section<unknown>>>)[name];
  if (found === undefined) throw new Error(`there is no section \`${name}\` of ${level}`);
  return found;
};

/** What was seen of one section; `not-collected` where the evidence does not have it. */
export function sectionOf<L extends SectionLevel, N extends SectionName<L>>(
  sections: SectionObservations<L> | undefined,
  name: N,
): Observation<SectionValue<L, N>> {
  return (
    sections?.[name] ?? {
      kind: 'unobservable',
      reason: 'not-collected',
      detail: `the evidence has no section \`${name}\``,
    }
  );
}

/** The `sections` of a file of this level: every one optional, an unknown one refused like any unknown field. */
export const sectionsSchema = <L extends SectionLevel>(level: L): z.ZodType<SectionObservations<L>> =>
  z.strictObject(
    Object.fromEntries(
      sectionNames(level).map((name) => [
        name,
        observationOf(sectionDefinition(level, name).value).exactOptional(),
      ]),
    ),
  ) as unknown as z.ZodType<SectionObservations<L>>;
