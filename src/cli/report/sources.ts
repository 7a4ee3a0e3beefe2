import { type EpochMs, formatInstant } from '../../core/index.ts';
import { type EvidenceSource, type Finding, sourcesOf } from '../../rules/index.ts';

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
