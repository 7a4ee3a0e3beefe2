import { type EpochMs, formatInstant } from '../../core/index.ts';
import { decidingLeaves, type Finding } from '../../rules/index.ts';

/** A call behind a finding, where it was made and when it was answered. */
export interface EvidenceSource {
  readonly call: string;
  readonly accountId?: string;
  readonly region?: string;
  /** Absent where there was no answer. */
  readonly at?: EpochMs;
}

/** The calls behind the conditions that helped to decide, in policy order, each once. */
export function sourcesOf({
  decidingClause,
  explanation: { when, require },
}: Finding): readonly EvidenceSource[] {
  const decided = decidingClause.startsWith('when') ? when : require;
  const sources = new Map<string, EvidenceSource>();
  for (const { observation } of decided === undefined ? [] : decidingLeaves(decided)) {
    const { source } = observation;
    if (source === undefined) continue;
    const found: EvidenceSource = {
      call: source.call,
      ...(source.accountId === undefined ? {} : { accountId: source.accountId }),
      ...(source.region === undefined ? {} : { region: source.region }),
      ...(observation.kind === 'unobservable' ? {} : { at: observation.at }),
    };
    sources.set(JSON.stringify(found), found);
  }
  return [...sources.values()];
}

/** The oldest answer behind a finding: it is not newer than that. */
export const observedAt = (finding: Finding): EpochMs | undefined =>
  sourcesOf(finding)
    .flatMap(({ at }) => at ?? [])
    .toSorted((left, right) => left - right)[0];

export function describeEvidenceSource({ call, accountId, region, at }: EvidenceSource): string {
  const place = [accountId, region].filter((part) => part !== undefined).join(' ');
  const time = at === undefined ? ', no answer' : ` at ${formatInstant(at)}`;
  return `${call}${place === '' ? '' : ` in ${place}`}${time}`;
}
